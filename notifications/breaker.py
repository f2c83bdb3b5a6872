"""When an endpoint is left alone, and when it is given up: the rule, and nothing else.

Pure: what is known about the endpoint and what just happened in, what is known now out.
After research/reliability 2.5: open at 70 % failures of at least ten sends in five minutes,
half a minute at first and twice as long each time; then one probe. Waiting costs no try.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

WINDOW = timedelta(minutes=5)
ENOUGH_SENDS = 10
TOO_MANY = 0.7
FIRST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(minutes=30)
# However seldom something is sent there.
GIVE_UP_FAILURES = 10
GIVE_UP_AFTER = timedelta(days=5)


@dataclass(frozen=True, kw_only=True)
class Health:
    """How an endpoint answers lately. Times are aware.

    `window_start`, `sends`, `failures`: the five minutes that are counted. `openings`: how
    often it was left alone since its last success; 0: closed. `wait_until`: nothing is
    sent before. `failed`: failures since its last success, `failing_since`: the first of them.
    """

    window_start: datetime | None = None
    sends: int = 0
    failures: int = 0
    openings: int = 0
    wait_until: datetime | None = None
    failed: int = 0
    failing_since: datetime | None = None

    def waits_at(self, now: datetime) -> bool:
        return self.wait_until is not None and now < self.wait_until

    @property
    def probes(self) -> bool:
        """Whether only one send at a time may find out if it is back."""
        return self.openings > 0

    def is_given_up_at(self, now: datetime) -> bool:
        """Whether nothing but failures has come from it for days."""
        if self.failing_since is None or self.failed < GIVE_UP_FAILURES:
            return False
        return now - self.failing_since >= GIVE_UP_AFTER


def after_success(health: Health, now: datetime) -> Health:
    """A success closes the breaker. A pause that somebody asked for stays."""
    counted = _within_window(health, now)
    was_open = health.openings > 0
    return replace(
        counted,
        failed=0,
        failing_since=None,
        sends=1 if was_open else counted.sends + 1,
        failures=0 if was_open else counted.failures,
        openings=0,
        wait_until=None if was_open else health.wait_until,
    )


def begin_probe(health: Health, now: datetime, lasts: timedelta) -> Health | None:
    """Let one find out whether it is back: the others wait for so long. None: somebody does."""
    if health.waits_at(now):
        return None
    return replace(health, wait_until=now + lasts) if health.probes else health


def after_failed_probe(
    health: Health, now: datetime, retry_after: timedelta | None = None
) -> Health:
    """The pause that was the others' while it was probed is over; a longer one begins."""
    return after_failure(replace(health, wait_until=None), now, retry_after)


def after_failure(health: Health, now: datetime, retry_after: timedelta | None = None) -> Health:
    """A failure counts, and may open the breaker; `retry_after` pauses the endpoint anyway."""
    counted = _within_window(health, now)
    failed = replace(
        counted,
        sends=counted.sends + 1,
        failures=counted.failures + 1,
        failed=counted.failed + 1,
        failing_since=counted.failing_since or now,
    )
    wait_until = health.wait_until
    if retry_after:
        wait_until = max(now + retry_after, wait_until or now)
    # What began before the endpoint was left alone says nothing new.
    if not health.waits_at(now) and (health.probes or _is_bad(failed)):
        pause = min(FIRST_PAUSE * 2**health.openings, LONGEST_PAUSE)
        return replace(
            failed,
            window_start=now,
            sends=0,
            failures=0,
            openings=health.openings + 1,
            wait_until=max(now + pause, wait_until or now),
        )
    return replace(failed, wait_until=wait_until)


def _within_window(health: Health, now: datetime) -> Health:
    if health.window_start is not None and now - health.window_start < WINDOW:
        return health
    return replace(health, window_start=now, sends=0, failures=0)


def _is_bad(health: Health) -> bool:
    return health.sends >= ENOUGH_SENDS and health.failures / health.sends >= TOO_MANY
