"""At most so many messages a day: who waits, and until when, as tables. No database, no clock."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest

from notifications.channels import EMAIL
from notifications.limits import Ask, strength_of, who_waits
from notifications.models import Notification
from notifications.timing import Every, Pace, QuietHours, Rhythm, WaitsFor, rest_comes_at, wait
from notifications.triggers import Strength

WARSAW = ZoneInfo("Europe/Warsaw")
LOOK, STEP, ASK = Strength.LOOK, Strength.STEP, Strength.ASK


def asks(*strengths: int) -> list[Ask]:
    return [
        Ask(delivery_id=n, notification_id=n, strength=strength)
        for n, strength in enumerate(strengths, 1)
    ]


@pytest.mark.parametrize(
    ("strengths", "most", "told", "waits"),
    [
        ((LOOK, LOOK), 2, 0, set()),
        ((LOOK, LOOK, LOOK), 2, 0, {3}),
        ((LOOK,), 2, 2, {1}),
        ((LOOK,), 2, 5, {1}),
        # The places go to the strongest.
        ((LOOK, STEP), 1, 0, {1}),
        # What is urgent goes in any case, and counts.
        ((ASK,), 1, 1, set()),
        ((ASK, ASK, ASK), 1, 0, set()),
        ((LOOK, ASK), 1, 0, {1}),
    ],
)
def test_who_waits(strengths, most, told, waits):
    assert who_waits(asks(*strengths), most, {-n for n in range(1, told + 1)}) == waits


def test_one_notification_on_two_devices_disturbs_once():
    two = [Ask(delivery_id=n, notification_id=7, strength=LOOK) for n in (1, 2)]
    assert who_waits(two, 1, set()) == set()
    assert who_waits(two, 1, {7}) == set()
    assert who_waits(two, 1, {8}) == {1, 2}


@pytest.mark.parametrize(
    ("trigger", "strength"),
    [
        ("demo_request", ASK),
        ("crm_signup", ASK),
        ("pricing_view", LOOK),
        ("quote_or_checkout", STEP),
        ("an_operators_own", STEP),
    ],
)
def test_how_much_a_trigger_says(trigger, strength):
    assert strength_of(trigger) == strength


@pytest.mark.parametrize(
    ("fields", "strength"),
    [({}, ASK), ({"notice": "daily_cap"}, STEP), ({"is_summary": True}, 0)],
)
def test_how_much_a_notification_says(fields, strength):
    """Not what it is about: a warning about a demo request is none."""
    assert Notification(trigger="demo_request", **fields).strength == strength


@pytest.mark.parametrize(
    ("pace", "day", "until"),
    [
        (Pace(), date(2026, 11, 24), "2026-11-25 08:00 CET"),
        (Pace(every=Every.HOUR), date(2026, 11, 24), "2026-11-25 08:00 CET"),
        (Pace(every=Every.DAY, at=time(16)), date(2026, 11, 24), "2026-11-25 16:00 CET"),
        (Pace(every=Every.WEEK, at=time(16)), date(2026, 11, 24), "2026-11-25 08:00 CET"),
        # The nights on which the clocks change, and a time that one of them skips.
        (Pace(), date(2026, 3, 28), "2026-03-29 08:00 CEST"),
        (Pace(), date(2026, 10, 24), "2026-10-25 08:00 CET"),
        (
            Pace(every=Every.DAY, at=time(2, 30)),
            date(2026, 3, 28),
            "2026-03-29 03:30 CEST",
        ),
    ],
)
def test_when_the_rest_comes(pace, day, until):
    assert f"{rest_comes_at(pace, day, WARSAW).astimezone(WARSAW):%Y-%m-%d %H:%M %Z}" == until


@pytest.mark.parametrize(
    ("quiet", "until"),
    [
        (None, "2026-11-28 08:00"),
        # The next morning is a Saturday: Monday's.
        (QuietHours(begins=time(18), ends=time(9), working_days=frozenset(range(5))), "2026-11-30"),
    ],
)
def test_quiet_hours_hold_for_the_rest_too(quiet, until):
    friday = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
    rhythm = Rhythm(zone=WARSAW, paces={EMAIL: Pace(most=5)}, quiet=quiet)
    waits = wait(rhythm, channel=EMAIL, created_at=friday, now=friday, held_on=date(2026, 11, 27))
    assert waits
    assert waits.waits_for == WaitsFor.LIMIT
    assert f"{waits.until.astimezone(WARSAW):%Y-%m-%d %H:%M}".startswith(until)
