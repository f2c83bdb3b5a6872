"""R85, R86 as a table: when a message goes, in the member's own time. No database, no clock."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest

from notifications.channels import EMAIL, MOBILE
from notifications.timing import (
    Every,
    Pace,
    QuietHours,
    Rhythm,
    digest_after,
    morning_after,
    quiet_until,
    wait,
)

WARSAW, NEW_YORK = ZoneInfo("Europe/Warsaw"), ZoneInfo("America/New_York")
KOLKATA = ZoneInfo("Asia/Kolkata")
WORKING = frozenset(range(5))
OFFICE = QuietHours(begins=time(18), ends=time(8), working_days=WORKING)


def at(text: str, zone: ZoneInfo = WARSAW) -> datetime:
    """`text`: "2026-03-27 17:00" on the wall; "… (2)" is the second time of that hour."""
    wall = datetime.fromisoformat(text.removesuffix(" (2)"))
    return wall.replace(tzinfo=zone, fold=int(text.endswith("(2)"))).astimezone(UTC)


def wall(when: datetime | None, zone: ZoneInfo = WARSAW) -> str:
    return f"{when.astimezone(zone):%Y-%m-%d %H:%M %Z}" if when else "–"


# --- Quiet hours -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2026-11-24 12:00", "–"),
        ("2026-11-24 08:00", "–"),
        ("2026-11-24 17:59", "–"),
        ("2026-11-24 18:00", "2026-11-25 08:00 CET"),
        ("2026-11-24 23:59", "2026-11-25 08:00 CET"),
        ("2026-11-25 07:59", "2026-11-25 08:00 CET"),
        # Friday evening and the weekend: Monday morning.
        ("2026-11-27 18:00", "2026-11-30 08:00 CET"),
        ("2026-11-28 12:00", "2026-11-30 08:00 CET"),
        # The nights on which the clocks change.
        ("2026-03-27 20:00", "2026-03-30 08:00 CEST"),
        ("2026-10-23 20:00", "2026-10-26 08:00 CET"),
    ],
)
def test_office_hours(now, until):
    assert wall(quiet_until(OFFICE, at(now), WARSAW)) == until


@pytest.mark.parametrize(
    ("zone", "now", "until"),
    [
        # Spring: 02:00 → 03:00. Quiet until a time that does not exist means after the gap.
        (WARSAW, "2026-03-29 01:30", "2026-03-29 03:30 CEST"),
        (NEW_YORK, "2026-03-08 01:30", "2026-03-08 03:30 EDT"),
        # Autumn: the hour from 02:00 (01:00 in New York) comes twice.
        (WARSAW, "2026-10-25 01:30", "2026-10-25 02:30 CEST"),
        (WARSAW, "2026-10-25 02:10 (2)", "2026-10-25 02:30 CET"),
        (NEW_YORK, "2026-11-01 00:30", "2026-11-01 02:30 EST"),
    ],
)
def test_quiet_hours_end_right_in_the_nights_when_the_clocks_change(zone, now, until):
    quiet = QuietHours(begins=time(22), ends=time(2, 30))
    assert wall(quiet_until(quiet, at(now, zone), zone), zone) == until


def test_quiet_hours_at_midday():
    quiet = QuietHours(begins=time(12), ends=time(13), working_days=WORKING)
    assert quiet_until(quiet, at("2026-11-24 11:59"), WARSAW) is None
    assert wall(quiet_until(quiet, at("2026-11-24 12:00"), WARSAW)) == "2026-11-24 13:00 CET"
    # The night of a working day is not quiet then, but Saturday is, until Monday begins.
    assert quiet_until(quiet, at("2026-11-24 23:00"), WARSAW) is None
    assert wall(quiet_until(quiet, at("2026-11-28 00:00"), WARSAW)) == "2026-11-30 00:00 CET"


def test_a_public_holiday_is_a_quiet_day():
    independence_day = date(2026, 11, 11)  # A Wednesday.
    quiet = QuietHours(
        begins=time(18),
        ends=time(8),
        working_days=WORKING,
        is_holiday=lambda day: day == independence_day,
    )
    assert wall(quiet_until(quiet, at("2026-11-10 19:00"), WARSAW)) == "2026-11-12 08:00 CET"
    assert wall(quiet_until(quiet, at("2026-11-11 12:00"), WARSAW)) == "2026-11-12 08:00 CET"


def test_a_calendar_without_a_working_day_holds_nothing_back():
    never = QuietHours(begins=time(0), ends=time(0), is_holiday=lambda _day: True)
    assert quiet_until(never, at("2026-11-24 12:00"), WARSAW) is None


# --- Digests ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pace", "happened", "leaves"),
    [
        (Pace(), "2026-11-24 12:00", "–"),
        (Pace(every=Every.HOUR), "2026-11-24 12:00", "2026-11-24 13:00 CET"),
        (Pace(every=Every.HOUR), "2026-11-24 12:59", "2026-11-24 13:00 CET"),
        (Pace(every=Every.DAY), "2026-11-24 07:59", "2026-11-24 08:00 CET"),
        # What happens on the dot belongs to the next one, which then cannot have left yet.
        (Pace(every=Every.DAY), "2026-11-24 08:00", "2026-11-25 08:00 CET"),
        (Pace(every=Every.DAY, at=time(16, 30)), "2026-11-24 12:00", "2026-11-24 16:30 CET"),
        (Pace(every=Every.WEEK), "2026-11-24 12:00", "2026-11-30 08:00 CET"),
        (Pace(every=Every.WEEK, weekday=1), "2026-11-24 07:00", "2026-11-24 08:00 CET"),
        (Pace(every=Every.WEEK, weekday=1), "2026-11-24 09:00", "2026-12-01 08:00 CET"),
        # Over both changes of the clocks the wall time stays.
        (Pace(every=Every.DAY), "2026-03-28 12:00", "2026-03-29 08:00 CEST"),
        (Pace(every=Every.DAY), "2026-10-24 12:00", "2026-10-25 08:00 CET"),
        # A time that is skipped; a time that comes twice is used once, its first time.
        (Pace(every=Every.DAY, at=time(2, 30)), "2026-03-28 12:00", "2026-03-29 03:30 CEST"),
        (Pace(every=Every.DAY, at=time(2, 30)), "2026-10-25 02:00", "2026-10-25 02:30 CEST"),
        (Pace(every=Every.DAY, at=time(2, 30)), "2026-10-25 02:00 (2)", "2026-10-26 02:30 CET"),
        (Pace(every=Every.HOUR), "2026-10-25 02:30", "2026-10-25 02:00 CET"),
        (Pace(every=Every.HOUR), "2026-10-25 02:30 (2)", "2026-10-25 03:00 CET"),
    ],
)
def test_when_a_digest_leaves(pace, happened, leaves):
    assert wall(digest_after(pace, at(happened), WARSAW)) == leaves


def test_an_hour_is_full_where_the_zone_is_half_an_hour_off():
    slot = digest_after(Pace(every=Every.HOUR), at("2026-11-24 12:10", KOLKATA), KOLKATA)
    assert wall(slot, KOLKATA) == "2026-11-24 13:00 IST"


# --- All of it together ----------------------------------------------------------------


def waits(rhythm: Rhythm, created: str, now: str, channel: str = EMAIL, leads=()) -> str:
    found = wait(
        rhythm,
        channel=channel,
        created_at=at(created),
        now=at(now),
        leads=frozenset(leads),
    )
    return f"{found.waits_for} {wall(found.until)}" if found else "–"


def test_nothing_wished_nothing_waits():
    assert waits(Rhythm(zone=WARSAW), "2026-11-24 03:00", "2026-11-24 03:00") == "–"


def test_a_digest_that_falls_into_quiet_hours_waits_for_their_end():
    rhythm = Rhythm(zone=WARSAW, paces={EMAIL: Pace(every=Every.DAY, at=time(7))}, quiet=OFFICE)
    assert waits(rhythm, "2026-11-24 12:00", "2026-11-24 12:00") == "digest 2026-11-25 08:00 CET"
    assert waits(rhythm, "2026-11-24 12:00", "2026-11-25 08:00") == "–"


def test_a_digest_is_of_one_channel_and_quiet_hours_of_all_that_keep_them():
    rhythm = Rhythm(
        zone=WARSAW,
        paces={EMAIL: Pace(every=Every.DAY, at=time(9)), MOBILE: Pace(at_any_hour=True)},
        quiet=OFFICE,
    )
    evening = "2026-11-24 20:00"
    assert waits(rhythm, evening, evening) == "digest 2026-11-25 09:00 CET"
    assert waits(rhythm, evening, evening, "other_apps") == "quiet 2026-11-25 08:00 CET"
    assert waits(rhythm, evening, evening, MOBILE) == "–"


def test_a_message_that_was_due_and_was_not_sent_is_not_put_off_to_the_next_digest():
    rhythm = Rhythm(zone=WARSAW, paces={EMAIL: Pace(every=Every.DAY)})
    assert waits(rhythm, "2026-11-23 12:00", "2026-11-24 10:00") == "–"


def test_a_snoozed_lead_waits_unless_the_message_is_about_something_else_as_well():
    monday = at("2026-11-30 08:00")
    rhythm = Rhythm(zone=WARSAW, snoozed={7: monday})
    now = "2026-11-24 12:00"
    assert waits(rhythm, now, now, leads=[7]) == "snooze 2026-11-30 08:00 CET"
    assert waits(rhythm, now, now, leads=[7, 8]) == "–"
    assert waits(rhythm, now, now) == "–"
    assert waits(rhythm, now, "2026-11-30 08:00", leads=[7]) == "–"


def test_a_pause_keeps_everything_and_ends_in_the_quiet_hours_when_they_end():
    rhythm = Rhythm(zone=WARSAW, muted_until=at("2026-11-24 19:00"), quiet=OFFICE)
    now = "2026-11-24 12:00"
    assert waits(rhythm, now, now, MOBILE) == "snooze 2026-11-25 08:00 CET"


@pytest.mark.parametrize(
    ("now", "options", "then"),
    [
        ("2026-11-24 12:00", {"days": 1}, "2026-11-25 08:00 CET"),
        ("2026-11-24 01:00", {"days": 1}, "2026-11-25 08:00 CET"),
        ("2026-11-24 12:00", {"weekday": 0}, "2026-11-30 08:00 CET"),
        ("2026-11-23 07:00", {"weekday": 0}, "2026-11-30 08:00 CET"),
        ("2026-10-24 12:00", {"days": 1}, "2026-10-25 08:00 CET"),
    ],
)
def test_tomorrow_morning_and_monday_morning(now, options, then):
    assert wall(morning_after(at(now), WARSAW, **options)) == then
