"""R85, R86 in the nights when the clocks change, on both sides of the Atlantic.

Spring skips the hour from 02:00. Autumn has an hour twice: from 02:00 in Warsaw, from 01:00 in
New York. No database, no clock.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from notifications.channels import EMAIL
from notifications.timing import (
    Every,
    Pace,
    QuietHours,
    Rhythm,
    digest_after,
    morning_after,
    quiet_until,
    rest_comes_at,
    wait,
)
from tests.notifications.test_timing import NEW_YORK, OFFICE, WARSAW, at, wall

NIGHTS = {
    "spring in Warsaw": (WARSAW, date(2026, 3, 29)),
    "spring in New York": (NEW_YORK, date(2026, 3, 8)),
    "autumn in Warsaw": (WARSAW, date(2026, 10, 25)),
    "autumn in New York": (NEW_YORK, date(2026, 11, 1)),
}
MINUTE = timedelta(minutes=1)
SPRING = pytest.mark.parametrize(
    ("zone", "day", "name"), [(WARSAW, "2026-03-29", "CEST"), (NEW_YORK, "2026-03-08", "EDT")]
)


def minutes_of(zone: ZoneInfo, day: date) -> Iterator[datetime]:
    """Every minute of the night that `day` begins in, from ten to eight."""
    evening, morning = (
        datetime.combine(day - timedelta(days=days), time(hour), tzinfo=zone).astimezone(UTC)
        for days, hour in ((1, 22), (0, 8))
    )
    return (evening + timedelta(minutes=n) for n in range((morning - evening) // MINUTE))


# --- Quiet hours -----------------------------------------------------------------------


def quiet(begins: str, ends: str) -> QuietHours:
    return QuietHours(begins=time.fromisoformat(begins), ends=time.fromisoformat(ends))


@SPRING
@pytest.mark.parametrize(
    ("begins", "ends", "now", "until"),
    [
        ("22:00", "08:00", "00:30", "08:00"),
        # The end is skipped, and comes so much later.
        ("22:00", "02:30", "01:59", "03:30"),
        ("22:00", "02:30", "03:29", "03:30"),
        ("22:00", "02:30", "03:30", "–"),
        # The beginning is.
        ("02:30", "05:00", "01:59", "–"),
        ("02:30", "05:00", "03:29", "–"),
        ("02:30", "05:00", "03:30", "05:00"),
        # Both are.
        ("02:15", "02:45", "03:14", "–"),
        ("02:15", "02:45", "03:15", "03:45"),
        # Nothing is left of them.
        ("02:30", "03:00", "01:59", "–"),
        ("02:30", "03:00", "03:00", "–"),
        ("02:30", "03:00", "03:30", "–"),
    ],
)
def test_quiet_hours_when_an_hour_is_skipped(zone, day, name, begins, ends, now, until):
    found = quiet_until(quiet(begins, ends), at(f"{day} {now}", zone), zone)
    assert wall(found, zone) == (until if until == "–" else f"{day} {until} {name}")


@pytest.mark.parametrize(
    ("zone", "begins", "ends", "now", "until"),
    [
        (WARSAW, "22:00", "08:00", "2026-10-25 02:30", "2026-10-25 08:00 CET"),
        (NEW_YORK, "22:00", "08:00", "2026-11-01 01:30", "2026-11-01 08:00 EST"),
        # The end comes twice.
        (WARSAW, "22:00", "02:30", "2026-10-25 02:29", "2026-10-25 02:30 CEST"),
        (WARSAW, "22:00", "02:30", "2026-10-25 02:59", "–"),
        (WARSAW, "22:00", "02:30", "2026-10-25 02:00 (2)", "2026-10-25 02:30 CET"),
        (WARSAW, "22:00", "02:30", "2026-10-25 02:30 (2)", "–"),
        (NEW_YORK, "22:00", "01:30", "2026-11-01 01:29", "2026-11-01 01:30 EDT"),
        (NEW_YORK, "22:00", "01:30", "2026-11-01 01:59", "–"),
        (NEW_YORK, "22:00", "01:30", "2026-11-01 01:00 (2)", "2026-11-01 01:30 EST"),
        (NEW_YORK, "22:00", "01:30", "2026-11-01 01:30 (2)", "–"),
        # They begin once: whoever is left alone is not disturbed when the clock is put back.
        (WARSAW, "02:30", "05:00", "2026-10-25 02:29", "–"),
        (WARSAW, "02:30", "05:00", "2026-10-25 02:30", "2026-10-25 05:00 CET"),
        (WARSAW, "02:30", "05:00", "2026-10-25 02:00 (2)", "2026-10-25 05:00 CET"),
        (NEW_YORK, "01:30", "05:00", "2026-11-01 01:29", "–"),
        (NEW_YORK, "01:30", "05:00", "2026-11-01 01:30", "2026-11-01 05:00 EST"),
        (NEW_YORK, "01:30", "05:00", "2026-11-01 01:00 (2)", "2026-11-01 05:00 EST"),
        # The same time twice: only the days count.
        (WARSAW, "02:30", "02:30", "2026-10-25 02:15 (2)", "–"),
        (NEW_YORK, "01:30", "01:30", "2026-11-01 01:15 (2)", "–"),
    ],
)
def test_quiet_hours_when_an_hour_comes_twice(zone, begins, ends, now, until):
    assert wall(quiet_until(quiet(begins, ends), at(now, zone), zone), zone) == until


@pytest.mark.parametrize(
    ("zone", "now", "until"),
    [
        (WARSAW, "2026-03-27 20:00", "2026-03-30 08:00 CEST"),
        (NEW_YORK, "2026-03-06 20:00", "2026-03-09 08:00 EDT"),
        (WARSAW, "2026-10-23 20:00", "2026-10-26 08:00 CET"),
        (NEW_YORK, "2026-10-30 20:00", "2026-11-02 08:00 EST"),
    ],
)
def test_the_weekend_in_which_the_clocks_change_is_as_quiet_as_any(zone, now, until):
    assert wall(quiet_until(OFFICE, at(now, zone), zone), zone) == until


# --- Digests and mornings --------------------------------------------------------------


@pytest.mark.parametrize("every", [Every.DAY, Every.WEEK])
@pytest.mark.parametrize(
    ("night", "clock", "leaves"),
    [
        ("spring in Warsaw", "02:30", "2026-03-29 03:30 CEST"),
        ("spring in New York", "02:30", "2026-03-08 03:30 EDT"),
        ("spring in Warsaw", "08:00", "2026-03-29 08:00 CEST"),
        ("spring in New York", "08:00", "2026-03-08 08:00 EDT"),
        ("autumn in Warsaw", "02:30", "2026-10-25 02:30 CEST"),
        ("autumn in New York", "01:30", "2026-11-01 01:30 EDT"),
        ("autumn in Warsaw", "08:00", "2026-10-25 08:00 CET"),
        ("autumn in New York", "08:00", "2026-11-01 08:00 EST"),
    ],
)
def test_a_digest_leaves_once_that_night(every, night, clock, leaves):
    zone, day = NIGHTS[night]
    pace = Pace(every=every, at=time.fromisoformat(clock), weekday=day.weekday())
    slots = {digest_after(pace, minute, zone) for minute in minutes_of(zone, day)}
    that_day = [slot for slot in slots if slot.astimezone(zone).date() == day]
    assert [wall(slot, zone) for slot in that_day] == [leaves]


@pytest.mark.parametrize(
    ("night", "hours"),
    [
        ("spring in Warsaw", ["01:00 CET", "03:00 CEST", "04:00 CEST"]),
        ("spring in New York", ["01:00 EST", "03:00 EDT", "04:00 EDT"]),
        ("autumn in Warsaw", ["01:00 CEST", "02:00 CEST", "02:00 CET", "03:00 CET", "04:00 CET"]),
        ("autumn in New York", ["01:00 EDT", "01:00 EST", "02:00 EST", "03:00 EST", "04:00 EST"]),
    ],
)
def test_an_hourly_digest_leaves_every_hour_that_passes(night, hours):
    zone, day = NIGHTS[night]
    minutes = minutes_of(zone, day)
    slots = {digest_after(Pace(every=Every.HOUR), minute, zone) for minute in minutes}
    early = [f"{day} {clock:02}:00" for clock in range(1, 5)]
    walls = [wall(slot, zone) for slot in sorted(slots)]
    assert [text for text in walls if text[:16] in early] == [f"{day} {hour}" for hour in hours]


@pytest.mark.parametrize("night", NIGHTS)
def test_morning_is_at_eight_by_the_new_clock(night):
    zone, day = NIGHTS[night]
    evening = datetime.combine(day - timedelta(days=1), time(22), tzinfo=zone).astimezone(UTC)
    morning = datetime.combine(day, time(8), tzinfo=zone).astimezone(UTC)
    assert morning - evening != timedelta(hours=10)
    assert morning_after(evening, zone) == morning
    assert morning_after(evening, zone, weekday=day.weekday()) == morning
    assert rest_comes_at(Pace(), day - timedelta(days=1), zone) == morning


# --- Whatever somebody wishes ----------------------------------------------------------

CLOCKS = st.builds(time, st.integers(0, 23), st.integers(0, 59)) | st.builds(
    time, st.integers(1, 3), st.sampled_from([0, 15, 30, 45])
)
PACES = st.builds(Pace, every=st.sampled_from(Every), at=CLOCKS, weekday=st.integers(0, 6))
QUIETS = st.builds(
    QuietHours,
    begins=CLOCKS,
    ends=CLOCKS,
    working_days=st.frozensets(st.integers(0, 6), min_size=1),
)


@hypothesis_settings(max_examples=50, deadline=None, derandomize=True)
@given(night=st.sampled_from(list(NIGHTS)), pace=PACES, hours=QUIETS)
def test_nothing_goes_back_in_time_or_into_quiet_hours(night, pace, hours):
    zone, day = NIGHTS[night]
    rhythm = Rhythm(zone=zone, paces={EMAIL: pace}, quiet=hours)
    before = datetime.min.replace(tzinfo=UTC)
    for now in minutes_of(zone, day):
        found = wait(rhythm, channel=EMAIL, created_at=now, now=now)
        goes = found.until if found else now
        assert goes > now or not found
        assert not hours.contains(goes, zone)
        assert goes >= before
        before = goes
