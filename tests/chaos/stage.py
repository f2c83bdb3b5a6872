"""What the scenarios play on: servers, one instance of the product, receivers.

A `Stage` is shared, a `Run` is one scenario on it with a client and a ledger of its own.
"""

from __future__ import annotations

import contextlib
import os
import random
import re
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from tests.chaos.client import Client, Sent, percentile, recipient
from tests.chaos.ledger import Ledger, count, event_of, read_stored
from tests.chaos.receivers import OK, PushService, Receiver
from tests.chaos.registry import Scenario
from tests.instance import Instance
from tests.servers import PostgresServer, Server, own_postgresql, own_redis
from tests.sinks import Received, Request, SmtpSink, wait_until

LEASE_SECONDS = 4
# Longer than any pause after a send that failed once, and than a frozen transaction lives.
STUCK_SECONDS = 60
WORKERS = ("worker-1", "worker-2")
WHOLE = ("web", *WORKERS, "beat")
# Partners who are told by webhook, and by push.
HOOKED, PUSHED = 20, 6
Sinks = tuple[SmtpSink, Receiver, PushService]
# A domain that is a client of every partner: one event, a recipient in each account.
EVERYBODY = "everybody.example"
_UNSETTLED = (
    "SELECT (SELECT count(*) FROM partners_activity WHERE state = 'pending')"
    " + (SELECT count(*) FROM notifications_delivery"
    " WHERE state IN ('pending', 'leased', 'sending'))"
)
_BROKEN = re.compile(r"^ *[1-9]\d*  .+$", re.M)


@dataclass(frozen=True)
class Sizes:
    """How much of everything."""

    partners: int = 500
    flood: int = 2_000
    fault_seconds: float = 10
    soak_seconds: float = 120
    invariants_each: bool = True  # After each scenario, or only after the last.


SMALL = Sizes(partners=40, flood=600, fault_seconds=4, soak_seconds=20, invariants_each=False)


class Stage:
    def __init__(
        self, folder: Path, postgres: PostgresServer, redis: Server, sinks: Sinks, sizes: Sizes
    ) -> None:
        self.postgres, self.redis, self.sizes = postgres, redis, sizes
        self.smtp, self.hooks, self.pushes = self.sinks = sinks
        self.partners = range(sizes.partners)
        self.hooked = range(sizes.partners, sizes.partners + HOOKED)
        self.pushed = range(self.hooked.stop, self.hooked.stop + PUSHED)
        self.product = Instance(
            folder,
            {
                "DJANGO_SETTINGS_MODULE": "tests.chaos.settings",
                "DATABASE_URL": postgres.url,
                "REDIS_URL": redis.url,
                "CELERY_BROKER_URL": redis.url,
                "EMAIL_URL": f"smtp://127.0.0.1:{self.smtp.port}",
                "EMAIL_DAILY_CAP": "1000000",
                "DELIVERY_LEASE_SECONDS": str(LEASE_SECONDS),
                "ALLOW_PRIVATE_WEBHOOKS": "true",
            },
        )
        self.product.manage("migrate", "-v", "0")
        self.product.import_program(_program(self))
        self.key = self.product.write_key()

    def make_whole(self) -> None:
        """Start what does not run."""
        self.product.start(*(name for name in WHOLE if name not in self.product.processes))
        self.product.wait_ready()

    def play(self, scenario: Scenario, seed: int, *, is_last: bool = True) -> Ledger:
        """Run one scenario to its end and judge it."""
        self.make_whole()
        run = Run(self, scenario.key, seed)
        try:
            scenario.act(run)
            run.settle()
        except (AssertionError, OSError, psycopg.Error, subprocess.SubprocessError) as error:
            run.ledger.broken.append(f"{type(error).__name__}: {error}")
        finally:
            self._tidy_up(run)
        run.count()
        run.ledger.judge(explained=run.explained, never_twice=run.never_twice)
        if is_last or self.sizes.invariants_each:
            run.ledger.broken += self.broken_invariants()
        return run.ledger

    def _tidy_up(self, run: Run) -> None:
        """Leave for the next scenario what is whole and has no setting of its own."""
        self.smtp.answer = self.smtp.refuse = lambda _what: None
        self.hooks.behave = self.pushes.behave = lambda _request: OK
        for name, process in list(self.product.processes.items()):
            if name in run.odd or name not in WHOLE or process.poll() is not None:
                self.product.stop(name, signal.SIGKILL)

    def broken_invariants(self) -> list[str]:
        try:
            self.product.manage("check_invariants")
        except AssertionError as error:
            return [f"invariant: {line}" for line in _BROKEN.findall(str(error))] or [str(error)]
        return []


class Run:
    """One scenario: what it sends, whom it kills, what it found."""

    def __init__(self, stage: Stage, key: str, seed: int) -> None:
        self.stage, self.product, self.partners = stage, stage.product, stage.partners
        self.rng = random.Random(f"{key} {seed}")
        self.client = Client(stage.product, stage.key, f"{key}-{seed}", f"{key} {seed}")
        self.ledger = Ledger(key, seed)
        self.explained, self.never_twice = 0, False
        # For every process started from now on; such a process ends with the run.
        self.environment: dict[str, str] = {}
        self.odd: set[str] = set()
        self._began = time.time()
        self._fault_at: float | None = None

    # --- Faults -----------------------------------------------------------------

    def fault(self) -> None:
        """Note that something was broken right now: recovery counts from the last time."""
        self._fault_at = time.monotonic()

    def kill(self, *names: str) -> None:
        for name in names:
            self.product.stop(name, signal.SIGKILL)
            self.ledger.kills += 1
        self.fault()

    def start(self, *names: str, **environment: str) -> None:
        environment = {**self.environment, **environment}
        if environment:
            self.odd.update(names)
        self.product.start(*names, **environment)

    def replace(self, *names: str, by: Sequence[str] | None = None, **environment: str) -> None:
        """Start these anew, or others instead, while nothing is under way: no fault."""
        for name in names:
            self.product.stop(name, signal.SIGKILL)
        self.start(*(names if by is None else by), **environment)

    def fail_point(self, spec: str) -> dict[str, str]:
        """Return the environment of processes of which the first that comes there acts."""
        self._once = self.product.folder / f"once-{uuid.uuid4().hex}"
        return {"PN_FAILPOINT": spec, "PN_FAILPOINT_ONCE": str(self._once)}

    def wait_hit(self) -> None:
        wait_until(self._once.exists, what="a process at its fail point")

    def wait_fallen(self, name: str) -> None:
        """Wait until the process has died at its fail point."""
        process = self.product.processes[name]
        self.wait_hit()
        process.wait(10)
        del self.product.processes[name]
        self.ledger.kills += 1
        self.fault()

    def signal(self, name: str, sig: signal.Signals) -> None:
        os.killpg(self.product.processes[name].pid, sig)

    # --- What became of it --------------------------------------------------------

    @property
    def received(self) -> list[Received]:
        return [one for sink in self.stage.sinks for one in sink.received if one.at >= self._began]

    def webhooks(self, count: int) -> list[int]:
        """Return so many partners who have a fresh webhook and get no e-mail."""
        return self._add_endpoints("other_apps", self.stage.hooked, count, self.stage.hooks.url, {})

    def devices(self, count: int) -> list[int]:
        """Return so many partners who have a device and get no e-mail."""
        pushes = self.stage.pushes
        return self._add_endpoints("mobile", self.stage.pushed, count, pushes.url, pushes.keys)

    def _add_endpoints(
        self, channel: str, of: range, count: int, url: str, secrets: dict[str, str]
    ) -> list[int]:
        partners = self.rng.sample(of, count)
        code = _ADD_ENDPOINTS.format(channel=channel, partners=partners, url=url, secrets=secrets)
        self.product.manage("shell", "-c", code)
        self.rows_of("UPDATE notifications_preference SET is_on = true WHERE channel = %s", channel)
        return partners

    def openings(self, partner: int) -> int:
        """Return how often the partner's webhook was left alone in a row."""
        sql = (
            "SELECT h.openings FROM notifications_endpointhealth h"
            " JOIN notifications_endpoint e ON e.key = h.endpoint_key WHERE e.name = %s"
        )
        return sum(n for (n,) in self.rows(sql, f"hook {partner}"))

    def requests(self, partner: int) -> list[Request]:
        """Return what has reached the partner's webhook in this run."""
        at = self.stage.hooks.at(f"/{partner}")
        return [request for request in at if request.at >= self._began]

    def rows_of(self, sql: str, *values: Any) -> int:
        """Change rows; return how many."""
        with psycopg.connect(self.stage.postgres.url) as connection:
            return connection.execute(sql, values).rowcount

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.stage.postgres.url) as connection:
            return connection.execute(sql, values).fetchall()

    def emails(self, condition: str) -> int:
        return self.deliveries("email", condition)

    def deliveries(self, channel: str, condition: str) -> int:
        """Count this run's deliveries `d` of a channel for which the condition holds."""
        sql = (
            "SELECT count(*) FROM notifications_delivery d"
            " JOIN notifications_notification n ON n.id = d.notification_id"
            " JOIN partners_activity a ON a.id = n.activity_id"
            f" WHERE d.channel = %s AND a.message_id LIKE %s AND ({condition})"
        )
        return self.rows(sql, channel, f"{self.client.prefix}-%")[0][0]

    def attempts(self) -> list[tuple[Any, ...]]:
        """Return how each try of this run ended, and each delivery after it."""
        return self.rows(
            "SELECT t.id, t.outcome, t.ended_at, d.state, d.done_at FROM notifications_attempt t"
            " JOIN notifications_delivery d ON d.id = t.delivery_id"
            " JOIN notifications_notification n ON n.id = d.notification_id"
            " JOIN partners_activity a ON a.id = n.activity_id"
            " WHERE a.message_id LIKE %s ORDER BY t.id",
            f"{self.client.prefix}-%",
        )

    def hurry(self) -> None:
        """Let the time pass that rows wait for: they are due now."""
        with psycopg.connect(self.stage.postgres.url) as connection:
            for table in ("partners_activity", "notifications_delivery"):
                connection.execute(
                    f"UPDATE {table} SET not_before = now() - interval '1 s'"
                    " WHERE state = 'pending' AND not_before > now()"
                )
            connection.execute("UPDATE notifications_endpointhealth SET wait_until = NULL")

    def settle(self, *, hurry: bool = False) -> None:
        """Wait until nothing waits and nothing is held, with whatever processes run; count.

        A busy machine may take its time; rows of which none moves for so long are stuck.
        """
        last, since = 0, time.monotonic()
        while left := self.rows(_UNSETTLED)[0][0]:
            if left != last:
                last, since = left, time.monotonic()
            assert time.monotonic() - since < STUCK_SECONDS, f"{left} rows are stuck"
            if hurry:
                self.hurry()
            time.sleep(0.1)
        if self._fault_at is not None and self.ledger.recovery is None:
            self.ledger.recovery = round(time.monotonic() - self._fault_at, 1)
        self.count()

    def count(self) -> None:
        stored = read_stored(self.stage.postgres.url, self.client.sent)
        count(self.ledger, self.client.sent, self.received, stored)

    def check(self, holds: object, words: str) -> None:
        self.ledger.check(holds, words)

    def note(self, name: str, value: object) -> None:
        self.ledger.notes[name] = str(value)

    def note_intake(self) -> None:
        seconds = [try_.seconds for event in self.client.sent for try_ in event.tries]
        self.note("intake p99", f"{percentile(seconds, 99) * 1000:.0f} ms")

    def to_inbox(self, events: Iterable[Sent]) -> list[float]:
        """Return the seconds from the answer of intake to each first copy."""
        first: dict[tuple[str, str], float] = {}
        for mail in self.received:
            first.setdefault((event_of(mail), mail.to), mail.at)
        return [
            first[event.message_id, address] - event.acknowledged_at
            for event in events
            for address in event.tells
            if (event.message_id, address) in first
        ]


@contextlib.contextmanager
def stage(sizes: Sizes) -> Iterator[Stage]:
    with (
        own_postgresql(durable=True) as postgres,
        own_redis() as redis,
        SmtpSink() as smtp,
        Receiver() as hooks,
        PushService(postgres.url) as pushes,
        tempfile.TemporaryDirectory(prefix="pn-chaos-") as folder,
    ):
        made = Stage(Path(folder), postgres, redis, (smtp, hooks, pushes), sizes)
        try:
            yield made
        finally:
            for name in list(made.product.processes):
                made.product.stop(name, signal.SIGKILL)


def _program(stage: Stage) -> dict[str, Any]:
    """Return a program of partners with one recipient, one lead and one shared client each.

    Those with a webhook or a device get no e-mail, and are no partner of the shared client.
    """
    since = "2026-01-01T00:00:00Z"
    return {
        "accounts": [
            {
                "slug": f"partner-{n}",
                "users": [
                    {"email": recipient(n), "role": "admin", "preferences": _preferences(stage, n)}
                ],
                "communication": {
                    "receive_lead_activity": True,
                    "client_activity": True,
                    "recipient": recipient(n),
                },
                "leads": [
                    {"domain": f"lead-{n}.example", "company": f"L{n}", "registered_at": since}
                ],
                "clients": (
                    [{"domain": EVERYBODY, "company": "Everybody", "since": since}]
                    if n in stage.partners
                    else []
                ),
            }
            for n in range(stage.pushed.stop)
        ]
    }


def _preferences(stage: Stage, partner: int) -> dict[str, Any]:
    if partner in stage.partners:
        return {}
    channel = "other_apps" if partner in stage.hooked else "mobile"
    topics = {"registered_lead_activity": True}
    return {"email": {"enabled": False}, channel: {"enabled": True, "topics": topics}}


_ADD_ENDPOINTS = """
from accounts.models import Membership
from notifications.channels.webhook import make_secrets
from notifications.models import Endpoint, EndpointHealth
EndpointHealth.objects.all().delete()
Endpoint.objects.filter(channel="{channel}").delete()
for n in {partners}:
    Endpoint.objects.create(
        membership=Membership.objects.get(user__email=f"ala@partner-{{n}}.example"),
        channel="{channel}", kind="webhook" if "{channel}" == "other_apps" else "",
        name=f"hook {{n}}", address=f"{url}/{{n}}",
        secrets={secrets} or make_secrets(),
    )
"""
