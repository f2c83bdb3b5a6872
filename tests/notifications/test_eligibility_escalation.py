"""Nobody has looked at it: what ends that, whose turn it is, and for how long people work."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from notifications.eligibility import (
    Asked,
    Away,
    End,
    Matter,
    Part,
    Person,
    Step,
    Told,
    Watch,
    decide_step,
    has_told,
    next_unseen,
    steps_after,
    why_not_escalated,
    why_over,
)
from notifications.reasons import Reason
from notifications.timing import OFFICE_HOURS, QuietHours, after_working_hours
from tests.notifications.test_eligibility import ALA, BARTEK, EWA, GOSIA

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
LEAD, DEAL = Matter("lead", 100), Matter("deal", 200)
UNREAD = Told(activity_id=1, membership_id=10, at=NOW, looked=False)
READ = replace(UNREAD, looked=True)

OVER = [
    # (what differs, the watch, why it is over)
    ("nobody has looked", {}, None),
    ("switched off", {"hours": 0}, End.OFF),
    ("not the account's any more", {"stands": False}, End.NOT_ITS_OWN),
    ("somebody is on it", {"claimed": True}, End.CLAIMED),
    ("somebody has looked", {"told": (READ,)}, End.LOOKED),
    ("one of two has looked", {"told": (UNREAD, replace(READ, membership_id=11))}, End.LOOKED),
    ("one who was told later has looked",
     {"told": (UNREAD, replace(READ, membership_id=12, first_hand=False))}, End.LOOKED),
    ("looked at another activity only", {"told": (UNREAD, replace(READ, activity_id=2))}, None),
    ("the message is gone", {"told": ()}, End.LOOKED),
    ("off counts before all else", {"hours": 0, "claimed": True, "told": (READ,)}, End.OFF),
]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "why"), [row[1:] for row in OVER], ids=[row[0] for row in OVER]
)
def test_what_ends_it(changes, why):
    assert why_over(replace(Watch(activity_id=1, hours=2, told=(UNREAD,)), **changes)) == why


def test_the_oldest_activity_that_nobody_has_looked_at_is_next():
    later = replace(UNREAD, activity_id=3, at=NOW + timedelta(hours=1))
    second = replace(UNREAD, activity_id=2, at=NOW + timedelta(minutes=1))
    assert next_unseen([READ, later, second]) == second
    assert next_unseen([READ, replace(second, first_hand=False)]) is None
    assert next_unseen([READ]) is None


# --- Whose turn it is -----------------------------------------------------------------------


def test_the_steps_follow_one_another():
    assert list(steps_after(0)) == [Step.BACKUP, Step.ADMINS, Step.MANAGERS]
    assert list(steps_after(Step.ADMINS)) == [Step.MANAGERS]
    assert list(steps_after(Step.MANAGERS)) == []


def decide(*people: Person, matter=LEAD, **asked):
    return [
        (v.membership_id, v.reason, set(v.channels))
        for v in decide_step(matter, Asked(people=people, **asked), 2)
    ]


NO_EMAIL = {("email", "enabled"): False}
NOTHING = {("email", "escalation"): False, ("desktop", "escalation"): False}
TURNS = [
    # (what differs, the person, reason, channels)
    ("all well", {}, Reason.SENT, {"email", "desktop"}),
    ("e-mail off", {"choices": NO_EMAIL}, Reason.SENT, {"desktop"}),
    ("topic off", {"choices": NOTHING}, Reason.TOPIC_OFF, set()),
    ("topic off for e-mail", {"choices": {("email", "escalation"): False}}, Reason.SENT,
     {"desktop"}),
    ("other topics are others", {"choices": {("email", "registered_lead_activity"): False}},
     Reason.SENT, {"email", "desktop"}),
    ("bounced", {"suppressed": True}, Reason.SENT, {"desktop"}),
    ("over the daily limit", {"capped_topics": frozenset({"escalation"})}, Reason.SENT,
     {"desktop"}),
    ("away", {"away": Away(until=date(2026, 6, 2))}, Reason.AWAY, {"desktop"}),
]  # fmt: skip


@pytest.mark.parametrize("matter", [LEAD, DEAL])
@pytest.mark.parametrize(
    ("changes", "reason", "channels"), [row[1:] for row in TURNS], ids=[row[0] for row in TURNS]
)
def test_personal_wishes_hold(matter, changes, reason, channels):
    assert decide(replace(ALA, **changes), matter=matter) == [(10, reason, channels)]


def test_nobody_is_told_what_they_know():
    assert decide(ALA, BARTEK, EWA, has=frozenset({10}), escalated=frozenset({12})) == [
        (11, Reason.SENT, {"email", "desktop"})
    ]
    assert decide(replace(ALA, active=False)) == []


def test_a_verdict_says_of_what_and_for_how_long():
    (lead,) = decide_step(LEAD, Asked(people=(GOSIA,)), 4)
    assert (lead.part, lead.unseen_hours, lead.account_id) == (Part.ESCALATION, 4, 9)
    assert (lead.kind, lead.registration_id, lead.deal_ids) == ("lead", 100, ())
    (deal,) = decide_step(DEAL, Asked(people=(GOSIA,)), 4)
    assert (deal.kind, deal.registration_id, deal.deal_ids) == ("deal", None, (200,))


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (Asked(people=()), False),
        (Asked(people=(ALA,)), True),
        (Asked(people=(replace(ALA, choices=NOTHING),)), False),
        (Asked(people=(replace(ALA, away=Away(until=date(2026, 6, 2))),)), False),
        (Asked(people=(ALA,), has=frozenset({10})), False),
        (Asked(people=(ALA,), escalated=frozenset({10})), True),
    ],
)
def test_a_step_that_tells_nobody_is_not_waited_for(asked, told):
    assert has_told(asked, decide_step(LEAD, asked, 2)) is told


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({}, None),
        ({"is_over": True}, Reason.LOOKED_AT),
        ({"is_asked": False}, Reason.RECIPIENT_CHANGED),
        ({"active": False}, Reason.USER_INACTIVE),
        ({"is_over": True, "active": False}, Reason.LOOKED_AT),
    ],
)
def test_right_before_the_send_it_is_asked_again(facts, why):
    assert why_not_escalated(**{"is_asked": True, "active": True, "is_over": False, **facts}) == why


# --- Working hours --------------------------------------------------------------------------

WARSAW = ZoneInfo("Europe/Warsaw")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=WARSAW)


NIGHT_SHIFT = QuietHours(begins=time(6), ends=time(22))
ALWAYS = QuietHours(begins=time(0), ends=time(0))
NEVER = QuietHours(begins=time(9), ends=time(8, 59), working_days=frozenset())
HOLIDAY = replace(OFFICE_HOURS, is_holiday=lambda day: day == date(2026, 6, 4))
WORK = [
    # 1 June 2026 is a Monday.
    ("within a day", OFFICE_HOURS, "2026-06-01 10:12", 2, "2026-06-01 12:12"),
    ("to the last minute", OFFICE_HOURS, "2026-06-01 15:00", 2, "2026-06-01 17:00"),
    ("over night", OFFICE_HOURS, "2026-06-01 16:00", 2, "2026-06-02 10:00"),
    ("at night", OFFICE_HOURS, "2026-06-01 23:00", 1, "2026-06-02 10:00"),
    ("over the weekend", OFFICE_HOURS, "2026-06-05 16:30", 1, "2026-06-08 09:30"),
    ("a day has eight", OFFICE_HOURS, "2026-06-01 09:00", 24, "2026-06-03 17:00"),
    ("over a holiday", HOLIDAY, "2026-06-03 16:30", 1, "2026-06-05 09:30"),
    ("over midnight", NIGHT_SHIFT, "2026-06-01 23:00", 3, "2026-06-02 02:00"),
    ("never quiet", ALWAYS, "2026-06-06 23:00", 3, "2026-06-07 02:00"),
    ("no working day stops nothing", NEVER, "2026-06-06 23:00", 3, "2026-06-07 02:00"),
    # From midnight to six are five hours then: the sixth is the first of the next night.
    ("a night without its third hour", NIGHT_SHIFT, "2026-03-29 00:00", 6, "2026-03-29 23:00"),
]


@pytest.mark.parametrize(
    ("quiet", "since", "hours", "then"), [row[1:] for row in WORK], ids=[row[0] for row in WORK]
)
def test_only_working_hours_count(quiet, since, hours, then):
    found = after_working_hours(quiet, WARSAW, at(since), hours)
    assert found == at(then)
