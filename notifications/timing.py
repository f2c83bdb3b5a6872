"""When somebody is told: at once, in a digest, or after their quiet hours (R85, R86).

Pure: a member's wishes and the time in, how long a message waits out. Wall-clock times are
those of the member's zone. A time that a change of the clocks skips comes as much later as
was skipped; of a time that comes twice, a digest takes the first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

MORNING = time(8)
# How far ahead a day is looked for on which one may be disturbed.
_DAYS_AHEAD = 60


class WaitsFor(StrEnum):
    """What a delivery waits for. NOW: for nothing any more, its owner said so."""

    DIGEST = "digest"
    QUIET = "quiet"
    SNOOZE = "snooze"
    LIMIT = "limit"
    NOW = "now"


class Every(StrEnum):
    """How often a channel may disturb."""

    TIME = "time"  # Each time, at once.
    HOUR = "hour"
    DAY = "day"
    WEEK = "week"


@dataclass(frozen=True, kw_only=True, slots=True)
class Pace:
    """How often a channel sends. `at`, `weekday` (Monday is 0): of a day's or week's digest.

    `at_any_hour`: quiet hours do not count here; `most`: so many messages a day (limits.py).
    """

    every: Every = Every.TIME
    at: time = MORNING
    weekday: int = 0
    at_any_hour: bool = False
    most: int | None = None


def _no_holiday(_day: date) -> bool:
    return False


@dataclass(frozen=True, kw_only=True, slots=True)
class QuietHours:
    """Every day from `begins` to `ends`, perhaps over midnight, and all of other days.

    `working_days`: Monday is 0. The same time twice: only the days count.
    """

    begins: time
    ends: time
    working_days: frozenset[int] = frozenset(range(7))
    is_holiday: Callable[[date], bool] = _no_holiday

    def contains(self, when: datetime, zone: ZoneInfo) -> bool:
        day = when.astimezone(zone).date()
        if day.weekday() not in self.working_days or self.is_holiday(day):
            return True
        if self.begins == self.ends:
            return False
        # A clock that is put back does not undo the beginning; it makes the end come twice.
        has_begun = when >= _in_utc(day, self.begins, zone)
        is_over = _on_the_wall(when, zone) >= _on_the_wall(_in_utc(day, self.ends, zone), zone)
        if self.begins < self.ends:
            return has_begun and not is_over
        return has_begun or not is_over


@dataclass(frozen=True, kw_only=True, slots=True)
class Rhythm:
    """A member's wishes. `snoozed`: until when, by lead; `muted_until`: everything."""

    zone: ZoneInfo
    paces: Mapping[str, Pace] = field(default_factory=dict)
    quiet: QuietHours | None = None
    snoozed: Mapping[int, datetime] = field(default_factory=dict)
    muted_until: datetime | None = None

    def pace(self, channel: str) -> Pace:
        return self.paces.get(channel, Pace())


@dataclass(frozen=True, kw_only=True, slots=True)
class Wait:
    until: datetime
    waits_for: WaitsFor


def wait(
    rhythm: Rhythm,
    *,
    channel: str,
    created_at: datetime,
    now: datetime,
    leads: frozenset[int] = frozenset(),
    held_on: date | None = None,
) -> Wait | None:
    """Return how long a message of `created_at` waits on a channel; None: it goes.

    `leads`: those it is about, empty if it is about something else as well. `held_on`: the day
    of whose messages the member has had enough.
    """
    pace = rhythm.pace(channel)
    ends = {
        WaitsFor.DIGEST: digest_after(pace, created_at, rhythm.zone),
        WaitsFor.SNOOZE: silent_until(rhythm, leads),
        WaitsFor.LIMIT: rest_comes_at(pace, held_on, rhythm.zone) if held_on else None,
    }
    until, waits_for = now, None
    for reason, end in ends.items():
        if end and end > until:
            until, waits_for = end, reason
    if rhythm.quiet and not pace.at_any_hour:
        awake = quiet_until(rhythm.quiet, until, rhythm.zone)
        if awake:
            until, waits_for = awake, waits_for or WaitsFor.QUIET
    return Wait(until=until, waits_for=waits_for) if waits_for else None


def silent_until(rhythm: Rhythm, leads: frozenset[int]) -> datetime | None:
    """Return until when everything, or each of these leads, is kept from the member; None: it is
    not."""
    ends = [rhythm.snoozed.get(lead) for lead in leads]
    known = [end for end in ends if end]
    snoozed = max(known) if known and len(known) == len(ends) else None
    return max(filter(None, (snoozed, rhythm.muted_until)), default=None)


def digest_after(pace: Pace, when: datetime, zone: ZoneInfo) -> datetime | None:
    """Return when the digest leaves that a message of `when` belongs to; None: no digest."""
    local = when.astimezone(zone)
    match pace.every:
        case Every.TIME:
            return None
        case Every.HOUR:
            passed = timedelta(
                minutes=local.minute, seconds=local.second, microseconds=local.microsecond
            )
            return when + timedelta(hours=1) - passed
        case Every.DAY:
            days = _days_from(local.date())
        case Every.WEEK:
            days = (day for day in _days_from(local.date()) if day.weekday() == pace.weekday)
    times = (_in_utc(day, pace.at, zone) for day in days)
    return next(slot for slot in times if slot > when)


def rest_comes_at(pace: Pace, day: date, zone: ZoneInfo) -> datetime:
    """Return when that comes which was too much on `day`: on the next, with its digest."""
    at = pace.at if pace.every == Every.DAY else MORNING
    return _in_utc(day + timedelta(days=1), at, zone)


def quiet_until(quiet: QuietHours, when: datetime, zone: ZoneInfo) -> datetime | None:
    """Return when the quiet time ends in which `when` lies; None: it does not.

    Also None if it would never end: nothing is lost to a calendar without a working day.
    """
    if not quiet.contains(when, zone):
        return None
    for day in _days_from(when.astimezone(zone).date()):
        for wall in sorted({time(0), quiet.ends}):
            for fold in (0, 1):
                end = _in_utc(day, wall.replace(fold=fold), zone)
                if end > when and not quiet.contains(end, zone):
                    return end
    return None


# Whoever has set no quiet hours works then.
OFFICE_HOURS = QuietHours(begins=time(17), ends=time(9), working_days=frozenset(range(5)))


def after_working_hours(quiet: QuietHours, zone: ZoneInfo, since: datetime, hours: int) -> datetime:
    """Return when so many hours have passed that are not quiet. A calendar that is quiet for good
    stops nothing."""
    now, left = since, timedelta(hours=hours)
    while left:
        now = quiet_until(quiet, now, zone) or now
        ends = _quiet_from(quiet, now, zone)
        if ends is None or ends - now >= left:
            return now + left
        now, left = ends, left - (ends - now)
    return now


def _quiet_from(quiet: QuietHours, when: datetime, zone: ZoneInfo) -> datetime | None:
    """Return when the next quiet time begins; None: none does."""
    for day in _days_from(when.astimezone(zone).date()):
        for wall in sorted({time(0), quiet.begins}):
            begins = _in_utc(day, wall, zone)
            if begins > when and quiet.contains(begins, zone):
                return begins
    return None


def _days_from(first: date) -> Iterator[date]:
    return (first + timedelta(days=n) for n in range(_DAYS_AHEAD))


def _in_utc(day: date, wall: time, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, wall, tzinfo=zone).astimezone(UTC)


def _on_the_wall(when: datetime, zone: ZoneInfo) -> datetime:
    return when.astimezone(zone).replace(tzinfo=None)


def morning_after(
    when: datetime, zone: ZoneInfo, *, days: int = 1, weekday: int | None = None
) -> datetime:
    """Return 08:00 in the zone so many days later, or on the next such weekday."""
    first = when.astimezone(zone).date() + timedelta(days=days)
    wanted = (day for day in _days_from(first) if weekday in (None, day.weekday()))
    return _in_utc(next(wanted), MORNING, zone)
