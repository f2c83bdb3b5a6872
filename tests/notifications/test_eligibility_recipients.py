"""Whom an account has chosen to hear of its leads, on the pure rules (R38, R40)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from notifications.eligibility import (
    Chosen,
    Part,
    decide_lead_activity,
    part_now,
    why_not_chosen,
)
from notifications.eligibility.facts import Place
from notifications.reasons import Reason
from tests.notifications.test_eligibility import ALA, LEAD, LEAD_ACTIVITY, NOW, event

CHANGED = Reason.RECIPIENT_CHANGED

BO = replace(ALA, membership_id=12)
NO_EMAIL = {("email", "enabled"): False}
SLACK = {
    "choices": {**NO_EMAIL, ("other_apps", "enabled"): True, ("other_apps", LEAD_ACTIVITY): True},
    "places": {"other_apps": (Place(key="s", kind="slack"),)},
}
CAPPED = {"capped_topics": frozenset({LEAD_ACTIVITY})}


def decide(about=None, **registration):
    verdicts = decide_lead_activity(
        event(**about or {}), [replace(LEAD, **{"backup": BO, **registration})], NOW
    )
    return [(v.membership_id, v.part, v.reason) for v in verdicts]


def ala(reason):
    return (ALA.membership_id, Part.RECIPIENT, reason)


def bo(reason=Reason.SENT):
    return (BO.membership_id, Part.BACKUP, reason)


BACKUP = [
    # (what differs, the recipient, verdicts)
    ("all well", {}, [ala(Reason.SENT)]),
    ("deactivated", {"active": False}, [ala(Reason.RECIPIENT_INACTIVE), bo()]),
    ("e-mail off: the bell only waits", {"choices": NO_EMAIL}, [ala(Reason.EMAIL_OFF), bo()]),
    ("topic off", {"choices": {("email", LEAD_ACTIVITY): False}}, [ala(Reason.TOPIC_OFF), bo()]),
    ("e-mail off, but in a chat", SLACK, [ala(Reason.EMAIL_OFF)]),
    ("the address bounced", {"suppressed": True}, [ala(Reason.SUPPRESSED_ADDRESS), bo()]),
    ("not verified", {"verified": False}, [ala(Reason.SUPPRESSED_ADDRESS), bo()]),
    ("over the daily limit", CAPPED, [ala(Reason.DAILY_CAP)]),
]


@pytest.mark.parametrize(
    ("recipient", "verdicts"), [row[1:] for row in BACKUP], ids=[row[0] for row in BACKUP]
)
def test_the_backup_stands_in_for_who_cannot_be_told(recipient, verdicts):
    assert decide(recipient=replace(ALA, **recipient)) == verdicts


def test_the_backup_stands_in_while_nobody_is_chosen():
    assert decide(recipient=None) == [(None, Part.RECIPIENT, Reason.NO_RECIPIENT), bo()]


def test_the_recipient_is_no_backup_of_his_own():
    off = replace(ALA, active=False)
    assert decide(recipient=off, backup=off) == [ala(Reason.RECIPIENT_INACTIVE)]


@pytest.mark.parametrize(
    ("backup", "reason"),
    [({"active": False}, Reason.USER_INACTIVE), ({"choices": NO_EMAIL}, Reason.EMAIL_OFF)],
)
def test_the_backups_own_wishes_count(backup, reason):
    off = replace(ALA, choices=NO_EMAIL)
    assert decide(recipient=off, backup=replace(BO, **backup)) == [
        ala(Reason.EMAIL_OFF),
        bo(reason),
    ]


def test_what_was_reported_lately_is_not_news_to_the_backup():
    off = replace(ALA, active=False)
    assert decide(recipient=off, cooling=True)[1] == bo(Reason.COOLDOWN)
    first, _bo = decide_lead_activity(
        event(), [replace(LEAD, recipient=off, backup=BO, cooling=True)], NOW
    )
    assert not first.reaches_nobody  # No word to the admins: the backup does his job.


def test_what_stops_the_account_stops_the_backup():
    off = replace(ALA, active=False)
    (verdict,) = decide(recipient=off, receives=False)
    assert verdict == (None, Part.RECIPIENT, Reason.ACCOUNT_TOGGLE_OFF)


@pytest.mark.parametrize(("backup", "reaches_nobody"), [(BO, False), (None, True)])
def test_admins_are_warned_only_if_nobody_is_told(backup, reaches_nobody):
    """R33."""
    registration = replace(LEAD, recipient=replace(ALA, active=False), backup=backup)
    first, *_others = decide_lead_activity(event(), [registration], NOW)
    assert first.reaches_nobody is reaches_nobody


@pytest.mark.parametrize(
    ("chosen", "member", "part", "asked", "reason"),
    [
        (Chosen(recipient=1, backup=2), 1, Part.RECIPIENT, True, None),
        (Chosen(recipient=1, backup=2), 3, Part.RECIPIENT, True, CHANGED),
        (Chosen(recipient=None, backup=2), 1, Part.RECIPIENT, False, CHANGED),
        (Chosen(), 1, Part.RECIPIENT, False, Reason.NO_RECIPIENT),
        # The recipient became the backup: the new one is asked first.
        (Chosen(recipient=3, backup=1), 1, Part.RECIPIENT, False, CHANGED),
        # The backup stands in, and goes on although the recipient is back …
        (Chosen(recipient=None, backup=2), 2, Part.BACKUP, False, None),
        (Chosen(recipient=1, backup=2), 2, Part.BACKUP, True, None),
        # … but not for a recipient who was chosen since.
        (Chosen(recipient=3, backup=2), 2, Part.BACKUP, False, CHANGED),
        (Chosen(recipient=2, backup=1), 2, Part.BACKUP, True, None),
        (Chosen(recipient=1, backup=3), 2, Part.BACKUP, True, CHANGED),
    ],
)
def test_who_is_chosen_when_it_is_sent(chosen, member, part, asked, reason):
    """R32."""
    now = part_now(chosen, member, part, "demo_request", recipient_was_asked=asked)
    assert (None if now is not None else why_not_chosen(chosen, member, part)) == reason
