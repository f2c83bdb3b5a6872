"""What the scenarios play on: servers, one instance of the product, receivers.

A `Stage` is shared, a `Run` is one scenario on it with a client and a ledger of its own.
"""

from __future__ import annotations

import contextlib
import os
import random
import re
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg

from tests.chaos.client import Client, recipient
from tests.chaos.ledger import Ledger, count
from tests.chaos.registry import Scenario
from tests.instance import Instance
from tests.servers import PostgresServer, Server, own_postgresql, own_redis
from tests.sinks import Received, SmtpSink, wait_until

LEASE_SECONDS = 4
# Lease over, then the sweeper's turn, then the pause after an interrupted send, then a look.
RECOVERY_SECONDS = LEASE_SECONDS + 5 + 5 + 1
SETTLE_SECONDS = 90
WORKERS = ("worker-1", "worker-2")
WHOLE = ("web", *WORKERS, "beat")
# A domain that is a client of every partner: one event, a recipient in each account.
EVERYBODY = "everybody.example"
_UNSETTLED = (
    "SELECT (SELECT count(*) FROM partners_activity WHERE state = 'pending')"
    " + (SELECT count(*) FROM notifications_delivery"
    " WHERE state IN ('pending', 'leased', 'sending'))"
)
_BROKEN = re.compile(r"^ *[1-9]\d*  .+$", re.M)


class Stage:
    def __init__(
        self, folder: Path, postgres: PostgresServer, redis: Server, smtp: SmtpSink, *, small: bool
    ) -> None:
        self.postgres, self.redis, self.smtp, self.small = postgres, redis, smtp, small
        self.partners = range(60 if small else 500)
        self.product = Instance(
            folder,
            {
                "DJANGO_SETTINGS_MODULE": "tests.chaos.settings",
                "DATABASE_URL": postgres.url,
                "REDIS_URL": redis.url,
                "CELERY_BROKER_URL": redis.url,
                "EMAIL_URL": f"smtp://127.0.0.1:{smtp.port}",
                "EMAIL_DAILY_CAP": "1000000",
                "DELIVERY_LEASE_SECONDS": str(LEASE_SECONDS),
            },
        )
        self.product.manage("migrate", "-v", "0")
        self.product.import_program(_program(self.partners))
        self.key = self.product.write_key()

    def make_whole(self) -> None:
        """Start what does not run."""
        gone = [name for name in WHOLE if not self.is_running(name)]
        self.product.start(*gone)
        self.product.wait_ready()

    def is_running(self, name: str) -> bool:
        process = self.product.processes.get(name)
        return process is not None and process.poll() is None

    def play(self, scenario: Scenario, seed: int) -> Ledger:
        """Run one scenario to its end and judge it."""
        self.make_whole()
        run = Run(self, scenario.key, seed)
        try:
            scenario.act(run)
            run.settle()
            run.close()
            run.ledger.broken += self.broken_invariants()
        except AssertionError as error:
            run.ledger.broken.append(str(error))
        finally:
            self.smtp.answer = lambda _message: None
            for name in list(self.product.processes):
                if not self.is_running(name) or name not in WHOLE:
                    self.product.stop(name, signal.SIGKILL)
        return run.ledger

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
        self.client = Client(stage.product, stage.key, f"{key}-{seed}", self.rng)
        self.ledger = Ledger(key, seed)
        self.explained, self.never_twice = 0, False
        self._first = len(stage.smtp.received)
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

    def only(self, *names: str, **environment: str) -> None:
        """Let no worker run but these, started anew; nothing is under way, so no fault."""
        for name in [n for n in self.product.processes if n.startswith("worker")]:
            self.product.stop(name, signal.SIGKILL)
        self.product.start(*names, **environment)

    def fail_point(self, spec: str) -> dict[str, str]:
        """Return the environment of processes of which the first that comes there acts."""
        once = tempfile.mktemp(dir=self.product.folder, prefix="once-")
        self._once = Path(once)
        return {"PN_FAILPOINT": spec, "PN_FAILPOINT_ONCE": once}

    def wait_fallen(self, name: str) -> None:
        """Wait until the process has died at its fail point."""
        process = self.product.processes[name]
        wait_until(lambda: process.poll() is not None, what=f"{name} at its fail point")
        assert self._once.exists(), f"{name} ended by itself:\n{self.product.log(name)[-1500:]}"
        del self.product.processes[name]
        self.ledger.kills += 1
        self.fault()

    def signal(self, name: str, sig: signal.Signals) -> None:
        os.killpg(self.product.processes[name].pid, sig)

    # --- What became of it --------------------------------------------------------

    @property
    def received(self) -> list[Received]:
        return self.stage.smtp.received[self._first :]

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.stage.postgres.url) as connection:
            return connection.execute(sql, values).fetchall()

    def emails(self, condition: str) -> int:
        """Count this run's e-mail deliveries `d` for which the condition holds."""
        sql = (
            "SELECT count(*) FROM notifications_delivery d"
            " JOIN notifications_notification n ON n.id = d.notification_id"
            " JOIN partners_activity a ON a.id = n.activity_id"
            f" WHERE d.channel = 'email' AND a.message_id LIKE %s AND ({condition})"
        )
        return self.rows(sql, f"{self.client.prefix}-%")[0][0]

    def settle(self, seconds: float = SETTLE_SECONDS) -> None:
        """Wait until nothing waits and nothing is held, with whatever processes run."""
        wait_until(lambda: self.rows(_UNSETTLED) == [(0,)], seconds=seconds, what="all is settled")
        if self._fault_at is not None and self.ledger.recovery is None:
            self.ledger.recovery = round(time.monotonic() - self._fault_at, 1)

    def close(self) -> None:
        count(self.ledger, self.stage.postgres.url, self.client.sent, self.received)
        self.ledger.judge(explained=self.explained, never_twice=self.never_twice)

    def check(self, holds: object, words: str) -> None:
        self.ledger.check(holds, words)

    def note(self, name: str, value: str) -> None:
        self.ledger.notes[name] = value


@contextlib.contextmanager
def stage(*, small: bool) -> Iterator[Stage]:
    with (
        own_postgresql(durable=True) as postgres,
        own_redis() as redis,
        SmtpSink() as smtp,
        tempfile.TemporaryDirectory(prefix="pn-chaos-") as folder,
    ):
        made = Stage(Path(folder), postgres, redis, smtp, small=small)
        try:
            yield made
        finally:
            for name in list(made.product.processes):
                made.product.stop(name, signal.SIGKILL)


def _program(partners: range) -> dict[str, Any]:
    """Return a program of partners with one recipient, one lead and one shared client each."""
    since = "2026-01-01T00:00:00Z"
    return {
        "accounts": [
            {
                "slug": f"partner-{n}",
                "users": [{"email": recipient(n), "role": "admin"}],
                "communication": {
                    "receive_lead_activity": True,
                    "client_activity": True,
                    "recipient": recipient(n),
                },
                "leads": [
                    {"domain": f"lead-{n}.example", "company": f"L{n}", "registered_at": since}
                ],
                "clients": [{"domain": EVERYBODY, "company": "Everybody", "since": since}],
            }
            for n in partners
        ]
    }
