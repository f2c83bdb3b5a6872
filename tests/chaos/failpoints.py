"""Named places where a process of the product dies, fails or waits.

`PN_FAILPOINT=name:action`; the actions are kill, freeze, raise and sleep:seconds. With
`PN_FAILPOINT_ONCE`, the path of a file, only the first process that comes there acts, and
leaves the file.

Production code knows nothing of this. The functions of POINTS are wrapped from outside when a
process starts; one that is not there any more stops the process.
"""

from __future__ import annotations

import functools
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from django.apps import AppConfig

OURS = ("accounts", "partners", "notifications", "partnernotify")
POISON = "poison"  # In the message id of an event that must not be survived.


def _always(*_arguments: Any) -> bool:
    return True


@dataclass(frozen=True)
class Point:
    """`function`: "module:name" or "module:Class.name". `hits`: which calls, by arguments.

    After the function its result comes first: `hits(result, *arguments)`.
    """

    function: str
    hits: Callable[..., bool] = _always
    after: bool = False


POINTS = {
    # Intake, in a web process.
    "stored": Point("partners.intake:_insert", after=True),  # Before COMMIT.
    "committed": Point("notifications.doorbell:ring"),  # Before the nudge and the answer.
    # Evaluation: the messages are written, decisions and deliveries are not.
    "evaluating": Point("notifications.writer:Writer._write_notifications", after=True),
    "poison-evaluation": Point(
        "notifications.facts.triggers:match_triggers",
        lambda activities: any(POISON in activity.message_id for activity in activities),
    ),
    # Delivery.
    "claimed": Point(
        "notifications.delivery.claim:claim",
        lambda ids, lane, *_more: lane == "email" and bool(ids),
        after=True,
    ),
    "claimed-hooks": Point(
        "notifications.delivery.claim:claim",
        lambda ids, lane, *_more: lane == "other_apps" and bool(ids),
        after=True,
    ),
    # Checked, and not begun.
    "checked-hooks": Point(
        "notifications.delivery.outcome:start",
        lambda checked, *_more: checked.delivery.channel == "other_apps",
    ),
    "poison-rendering": Point(
        "notifications.rendering:render",
        lambda context: POISON in context.notification.activity.message_id,
    ),
    "started": Point("notifications.channels.email:EmailChannel._send"),
    "accepted": Point("notifications.channels.email:EmailChannel._send", after=True),
    # In the middle of the transaction that writes an outcome.
    "ending": Point(
        "notifications.delivery.outcome:end_attempt",
        lambda _none, delivery, *_more: delivery.channel == "email",
        after=True,
    ),
}


class FailpointsConfig(AppConfig):
    name = "tests.chaos"

    def ready(self) -> None:
        for point in POINTS.values():
            find(point)
        if spec := os.environ.get("PN_FAILPOINT"):
            install(spec, os.environ.get("PN_FAILPOINT_ONCE", ""))
        if lane := os.environ.get("PN_NEVER_TWICE"):
            from notifications.channels.registry import sender_of

            type(sender_of(lane)).repeats_unknown = False


def find(point: Point) -> tuple[Any, str]:
    """Return where the function hangs: a module or class, and its name there."""
    module, _, path = point.function.partition(":")
    *outer, name = path.split(".")
    owner = functools.reduce(getattr, outer, import_module(module))
    getattr(owner, name)  # AttributeError: the product was changed, and this with it must be.
    return owner, name


def install(spec: str, once: str = "") -> None:
    """Wrap the point's function, also where other modules imported it by name."""
    name, action, *argument = spec.split(":")
    act = functools.partial(_act, once, ACTIONS[action], *argument)
    point = POINTS[name]
    owner, attribute = find(point)
    original = getattr(owner, attribute)

    @functools.wraps(original)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        if not point.after:
            if point.hits(*args):
                act()
            return original(*args, **kwargs)
        result = original(*args, **kwargs)
        if point.hits(result, *args):
            act()
        return result

    setattr(owner, attribute, wrapped)
    for module in [m for n, m in sys.modules.items() if n.partition(".")[0] in OURS]:
        for key, value in list(vars(module).items()):
            if value is original:
                setattr(module, key, wrapped)


def _act(once: str, action: Callable[..., None], *argument: str) -> None:
    if once:
        try:
            os.close(os.open(once, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return
    action(*argument)


def _kill() -> None:
    os.killpg(0, signal.SIGKILL)  # With its parent: Granian's, which would end tidily.


def _freeze() -> None:
    os.killpg(0, signal.SIGSTOP)


def _raise() -> None:
    raise RuntimeError("fail point")


def _sleep(seconds: str) -> None:
    time.sleep(float(seconds))


ACTIONS: dict[str, Callable[..., None]] = {
    "kill": _kill,
    "raise": _raise,
    "freeze": _freeze,
    "sleep": _sleep,
}
