"""Work off one lane: claim, check again, send."""

from __future__ import annotations

import logging
import time
import uuid
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from django.conf import settings
from django.db import OperationalError

from notifications.channels import DESKTOP
from notifications.channels.base import Channel, DeliveryError, Failure, Send
from notifications.channels.registry import sender_of
from notifications.delivery import outcome
from notifications.delivery.checked import Checked
from notifications.delivery.claim import claim, give_back
from notifications.delivery.fairness import by_turns
from notifications.delivery.health import place_of
from notifications.delivery.outcome import Accepted, Result
from notifications.delivery.recheck import Recheck
from notifications.delivery.routes import Failed, Route, in_turn
from notifications.delivery.waiting import wait_together
from notifications.digest import render_all
from notifications.messages import Message
from notifications.models import Delivery
from notifications.stream.nudges import nudge
from notifications.timing import Wait
from partnernotify.shutdown import stopping

CLAIM_SIZE = 50
# The bell waits for no receiver: more of its rows share the same questions and one commit.
CLAIM_SIZES = {DESKTOP: 150}
# "Right before it is sent": facts older than this are read again.
FRESH_SECONDS = 1.0

T = TypeVar("T")

log = logging.getLogger(__name__)


@dataclass
class Tally:
    """What one call did with the deliveries that it claimed."""

    results: Counter[Result] = field(default_factory=Counter)

    @property
    def taken(self) -> int:
        return self.results.total()

    @property
    def delivered(self) -> int:
        return self.results[Result.DELIVERED]

    @property
    def failed(self) -> int:
        return self.results[Result.FAILED]


def deliver_due(lane: str) -> Tally:
    """Deliver due deliveries of one lane, as many as one claim holds.

    A claim lasts as long as its facts are fresh, and the rest is given back: the next one is
    fair again, however slow this lane's receivers are. A send starts only while it can end
    within the lease.
    """
    token, tally = uuid.uuid4(), Tally()
    slack = settings.DELIVERY_LEASE - settings.SEND_DEADLINE
    last_start = time.monotonic() + slack.total_seconds()
    waiting = claim(lane, token, CLAIM_SIZES.get(lane, CLAIM_SIZE))
    if not waiting:
        return tally
    with ExitStack() as sessions:
        batch = _Batch(_Senders(sessions), token, tally, waiting)
        left = batch.deliver(until=min(time.monotonic() + FRESH_SECONDS, last_start))
    give_back(left, token)
    return tally


@dataclass(frozen=True, kw_only=True)
class _Ready:
    """What may be sent now."""

    checked: Checked
    message: Message


class _Senders:
    """What a batch is sent with: a lane's channel, or each of its apps; opened when needed."""

    def __init__(self, sessions: ExitStack) -> None:
        self._sessions = sessions
        self._open: dict[str, Send] = {}

    def of(self, checked: Checked) -> Channel:
        kind = checked.endpoint.kind if checked.endpoint else ""
        return sender_of(checked.delivery.channel, kind)

    def send(self, message: Message, checked: Checked, route: Route) -> str:
        sender = route.stand_in or self.of(checked)
        key = f"{sender.key} {route.name}"
        if key not in self._open:
            self._open[key] = self._sessions.enter_context(sender.session())
        return self._open[key](message, checked.address)


class _Batch:
    """Deliveries whose facts were read together."""

    def __init__(
        self, senders: _Senders, token: uuid.UUID, tally: Tally, delivery_ids: Iterable[int]
    ) -> None:
        self._senders = senders
        self._token, self._tally = token, tally
        self._recheck = Recheck(delivery_ids)
        self._todo = deque(by_turns(self._put_off()))

    def deliver(self, *, until: float) -> list[int]:
        """Send one after the other until the facts are too old; return what is left.

        Each commit that starts a send finishes the one before: half the commits. The next one
        is made ready before a send, not after it, so that no outcome waits for a check.
        """
        self._until = until
        self._put_in_inbox()
        current, accepted = self._next(), None
        while current:
            begun = self._start(current, accepted)
            following = self._next()
            accepted = self._send(current) if begun else None
            # Its endpoint may have to be left alone now: that is to be read first.
            in_trouble = begun and (accepted is None or bool(accepted.failed))
            if following and (in_trouble or not self._is_fresh()):
                self._todo.appendleft(following.checked.delivery)
                following = None
            if accepted and not following:
                outcome.finish(accepted, self._token)
            current = following
        return [delivery.pk for delivery in self._todo]

    def _put_off(self) -> list[Delivery]:
        """Return what may go now; put off what waits for its member or for its endpoint."""
        may_go: list[Delivery] = []
        put_off: dict[datetime, list[Delivery]] = defaultdict(list)
        waiting: dict[tuple[int, str, Wait], list[Delivery]] = defaultdict(list)
        for delivery in self._recheck.deliveries:
            if wait := self._recheck.wait(delivery):
                member_id = delivery.notification.membership_id
                waiting[member_id, delivery.endpoint_key, wait].append(delivery)
            elif until := self._recheck.wait_until(delivery):
                put_off[until].append(delivery)
            else:
                may_go.append(delivery)
        # What is not told takes no place from what is.
        may_go = [d for d in may_go if not self._recheck.is_limited(d) or self._is_told(d)]
        for delivery, wait in self._recheck.over_limit(may_go):
            may_go.remove(delivery)
            member_id = delivery.notification.membership_id
            waiting[member_id, delivery.endpoint_key, wait].append(delivery)
        for (_member, _place, wait), together in waiting.items():
            wait_together(together, self._token, wait)
        for until, deliveries in put_off.items():
            outcome.postpone(deliveries, self._token, until)
        later = sum(map(len, (*waiting.values(), *put_off.values())))
        self._tally.results += Counter({Result.POSTPONED: later})
        return may_go

    def _is_told(self, delivery: Delivery) -> bool:
        return self._try(self._check, delivery) is not None

    def _is_fresh(self) -> bool:
        return not stopping.is_set() and time.monotonic() < self._until

    def _next(self) -> _Ready | None:
        """Return the next one that may be sent; write down what may not."""
        while self._todo and self._is_fresh():
            if ready := self._try(self._prepare, self._todo.popleft()):
                return ready
        return None

    def _put_in_inbox(self) -> None:
        """Deliver what needs no wire, which is no message either: its row is in the inbox."""
        bells = [delivery for delivery in self._todo if delivery.is_bell]
        if not bells:
            return
        told = [checked for delivery in bells if (checked := self._try(self._check, delivery))]
        delivered = outcome.put_in_inbox(told, self._token)
        for member in {checked.delivery.notification.membership_id for checked in told}:
            nudge(member)
        lost = len(told) - delivered
        self._tally.results += Counter({Result.DELIVERED: delivered, Result.LOST: lost})
        self._todo = deque(d for d in self._todo if not d.is_bell)

    def _try(self, make: Callable[[Delivery], T | None], delivery: Delivery) -> T | None:
        try:
            return make(delivery)
        except OperationalError:
            raise  # The database, not this delivery: its lease ends and somebody else tries.
        except Exception as error:  # noqa: BLE001 - one message must not hold up the others
            self._stumble(delivery, error)
            return None

    def _check(self, delivery: Delivery) -> Checked | None:
        checked = self._recheck.check(delivery)
        if not checked.is_told:
            self._count(outcome.stop(checked, self._token))
            return None
        return checked

    def _prepare(self, delivery: Delivery) -> _Ready | None:
        checked = self._check(delivery)
        return _Ready(checked=checked, message=render_all(checked.told)) if checked else None

    def _start(self, ready: _Ready, accepted: Accepted | None) -> bool:
        behind = self._behind(ready.checked)
        try:
            why_not = outcome.start(ready.checked, self._token, accepted, behind)
        except Exception as error:
            if accepted:  # What was sent does not hang on what comes next.
                outcome.finish(accepted, self._token)
            if isinstance(error, OperationalError):
                raise
            self._stumble(ready.checked.delivery, error)
            return False
        if why_not:
            self._count(why_not)
        if why_not == Result.POSTPONED:
            for delivery in behind:
                self._todo.remove(delivery)
                self._count(why_not)
        return why_not is None

    def _behind(self, checked: Checked) -> list[Delivery]:
        """Return what waits for the same endpoint: put off with it, it need not ask itself."""
        if checked.endpoint is None:
            return []
        place = place_of(checked.delivery)
        return [delivery for delivery in self._todo if place_of(delivery) == place]

    def _stumble(self, delivery: Delivery, error: Exception) -> None:
        log.error("Delivery %s could not be prepared", delivery.public_id, exc_info=error)
        self._count(outcome.stumble(delivery, self._token, error))

    def _send(self, ready: _Ready) -> Accepted | None:
        """Send it. What failed is written down, what was accepted is returned for that."""
        checked = ready.checked
        failed: list[Failed] = []
        for route in in_turn(checked.routes):
            try:
                detail = self._senders.send(ready.message, checked, route)
            except DeliveryError as error:
                failed.append(Failed(route=route, error=error))
                if not error.may_go_elsewhere:
                    break
            except Exception as error:
                log.exception("Delivery %s failed in its channel", checked.delivery.public_id)
                unknown = DeliveryError(Failure.UNKNOWN, f"{type(error).__name__}: {error}")
                failed.append(Failed(route=route, error=unknown))
                break
            else:
                self._count(Result.DELIVERED)
                return Accepted(checked=checked, route=route, detail=detail, failed=failed)
        self._count(outcome.fail(self._senders.of(checked), checked, self._token, failed))
        return None

    def _count(self, result: Result) -> None:
        self._tally.results[result] += 1
