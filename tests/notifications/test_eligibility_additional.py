"""Who is told beside the recipient, on the pure rules (R38)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from notifications.eligibility import (
    Chosen,
    Listed,
    Part,
    decide_lead_activity,
    part_now,
    why_not_chosen,
)
from notifications.reasons import Reason
from tests.notifications.test_eligibility import ALA, LEAD, LEAD_ACTIVITY, NOW, event

BO = replace(ALA, membership_id=12)
EVE = replace(ALA, membership_id=13)
NO_EMAIL = {("email", "enabled"): False}
PRICING, DEMO = "pricing_view", "demo_request"


def listed(person, part=Part.ADDITIONAL, *triggers):
    return Listed(membership_id=person.membership_id, part=part, triggers=frozenset(triggers))


def registration(*people, others, **changes):
    found = {person.membership_id: person for person in people}
    return replace(LEAD, people=found, others=tuple(others), **changes)


def decide(*people, others, about=None, **changes):
    """Return who, as what, and the reason of each verdict on a demo request."""
    rows = [registration(*people, others=others, **changes)]
    verdicts = decide_lead_activity(event(**about or {}), rows, NOW)
    return [(v.membership_id, v.part, v.reason) for v in verdicts]


def ala(reason=Reason.SENT):
    return (ALA.membership_id, Part.RECIPIENT, reason)


def bo(reason=Reason.SENT, part=Part.ADDITIONAL):
    return (BO.membership_id, part, reason)


FILTERS = [
    # (the actions that were chosen for Bo, the reason of his verdict)
    ((), Reason.SENT),
    ((DEMO,), Reason.SENT),
    ((DEMO, PRICING), Reason.SENT),
    ((PRICING,), Reason.TRIGGER_NOT_CHOSEN),
]


@pytest.mark.parametrize(("triggers", "reason"), FILTERS)
def test_each_hears_of_the_chosen_actions(triggers, reason):
    others = [listed(BO, Part.ADDITIONAL, *triggers)]
    assert decide(BO, others=others) == [ala(), bo(reason)]


WISHES = [
    ({"active": False}, Reason.USER_INACTIVE),
    ({"choices": NO_EMAIL}, Reason.EMAIL_OFF),
    ({"choices": {("email", LEAD_ACTIVITY): False}}, Reason.TOPIC_OFF),
    ({"suppressed": True}, Reason.SUPPRESSED_ADDRESS),
    ({"verified": False}, Reason.SUPPRESSED_ADDRESS),
    ({"capped_topics": frozenset({LEAD_ACTIVITY})}, Reason.DAILY_CAP),
]


@pytest.mark.parametrize(("wishes", "reason"), WISHES, ids=[row[1] for row in WISHES])
def test_their_own_wishes_and_limits_count(wishes, reason):
    """R33, R40, R71."""
    assert decide(replace(BO, **wishes), others=[listed(BO)]) == [ala(), bo(reason)]


def test_an_action_that_is_not_theirs_is_said_before_anything_about_the_person():
    others = [listed(BO, Part.ADDITIONAL, PRICING)]
    off = replace(BO, active=False)
    assert decide(off, others=others)[1] == bo(Reason.TRIGGER_NOT_CHOSEN)


@pytest.mark.parametrize("changes", [{"cooling": True}, {"signed_up_before": True}])
def test_what_was_reported_lately_is_news_to_nobody(changes):
    """R59, R81: the pause is the lead's."""
    reasons = {reason for _who, _part, reason in decide(BO, others=[listed(BO)], **changes)}
    assert len(reasons) == 1
    assert reasons <= {Reason.COOLDOWN, Reason.ALREADY_SIGNED_UP}


@pytest.mark.parametrize(
    ("about", "changes", "reason"),
    [
        ({}, {"receives": False}, Reason.ACCOUNT_TOGGLE_OFF),
        ({}, {"is_partner": False}, Reason.NOT_PARTNER),
        ({"trigger_enabled": False}, {}, Reason.TRIGGER_OFF),
    ],
)
def test_what_stops_the_account_stops_everybody(about, changes, reason):
    """R26."""
    found = decide(BO, others=[listed(BO)], about=about, **changes)
    assert found == [(None, Part.RECIPIENT, reason)]


def test_without_a_recipient_the_others_are_told():
    """R29."""
    nobody = (None, Part.RECIPIENT, Reason.NO_RECIPIENT)
    assert decide(BO, others=[listed(BO)], recipient=None) == [nobody, bo()]


def test_the_recipient_is_told_as_that_only():
    """R47, R61: whatever else they are listed as, and for which actions."""
    others = [listed(ALA, Part.OWNER), listed(ALA, Part.ADDITIONAL, PRICING)]
    assert decide(ALA, others=others) == [ala()]


def test_a_recipient_who_is_off_is_not_told_as_something_else():
    off = replace(ALA, choices=NO_EMAIL)
    assert decide(off, others=[listed(ALA)], recipient=off) == [ala(Reason.EMAIL_OFF)]


def test_who_looks_after_the_lead_is_told_as_that():
    others = [listed(BO, Part.OWNER), listed(BO)]
    assert decide(BO, others=others) == [ala(), bo(part=Part.OWNER)]


@pytest.mark.parametrize(
    ("as_owner", "as_listed", "part", "reason"),
    [
        ((PRICING,), (), Part.ADDITIONAL, Reason.SENT),
        ((), (PRICING,), Part.OWNER, Reason.SENT),
        ((PRICING,), (PRICING,), Part.OWNER, Reason.TRIGGER_NOT_CHOSEN),
    ],
)
def test_who_is_listed_twice_is_told_once_if_either_says_so(as_owner, as_listed, part, reason):
    others = [listed(BO, Part.OWNER, *as_owner), listed(BO, Part.ADDITIONAL, *as_listed)]
    assert decide(BO, others=others) == [ala(), bo(reason, part)]


# --- The backup stands in for the recipient only (R40) -------------------------------------


def test_a_backup_who_is_listed_is_told_once_beside_the_recipient():
    assert decide(BO, others=[listed(BO)], backup=BO) == [ala(), bo()]


@pytest.mark.parametrize("triggers", [(), (PRICING,)])
def test_a_backup_who_is_listed_stands_in_whatever_actions_are_chosen(triggers):
    found = decide(
        BO,
        others=[listed(BO, Part.ADDITIONAL, *triggers)],
        backup=BO,
        recipient=replace(ALA, active=False),
    )
    assert found == [ala(Reason.RECIPIENT_INACTIVE), bo(part=Part.BACKUP)]


def test_nobody_stands_in_for_an_additional_recipient():
    off = replace(EVE, active=False)
    verdicts = decide(off, others=[listed(EVE)], backup=BO)
    assert [who for who, _part, _reason in verdicts] == [ALA.membership_id, EVE.membership_id]


@pytest.mark.parametrize(
    ("others", "person", "reaches_nobody"),
    [
        ([listed(BO)], BO, False),
        ([listed(BO, Part.ADDITIONAL, PRICING)], BO, True),
        ([listed(BO)], replace(BO, active=False), True),
        ([listed(BO)], replace(BO, choices=NO_EMAIL), True),
    ],
)
def test_admins_are_warned_if_nobody_else_is_told_either(others, person, reaches_nobody):
    """R33."""
    row = registration(person, others=others, recipient=replace(ALA, active=False))
    first, *_others = decide_lead_activity(event(), [row], NOW)
    assert first.reaches_nobody is reaches_nobody


# --- When it is sent (R32, R101) -------------------------------------------------------------

BO_LISTED = (Listed(membership_id=2),)
BO_OWNS = (Listed(membership_id=2, part=Part.OWNER),)
OF_PRICING = (Listed(membership_id=2, triggers=frozenset({PRICING})),)
GONE, OTHER = Reason.NO_LONGER_RECIPIENT, Reason.TRIGGER_NOT_CHOSEN


@pytest.mark.parametrize(
    ("chosen", "decided", "now"),
    [
        (Chosen(recipient=1, others=BO_LISTED), Part.ADDITIONAL, Part.ADDITIONAL),
        (Chosen(others=BO_LISTED), Part.ADDITIONAL, Part.ADDITIONAL),
        (Chosen(recipient=1), Part.ADDITIONAL, GONE),
        (Chosen(), Part.OWNER, GONE),
        (Chosen(recipient=1, others=OF_PRICING), Part.ADDITIONAL, OTHER),
        # What they are told as changes: they are told all the same, and once.
        (Chosen(recipient=2), Part.ADDITIONAL, Part.RECIPIENT),
        (Chosen(recipient=1, others=BO_OWNS), Part.ADDITIONAL, Part.OWNER),
        (Chosen(recipient=1, others=BO_LISTED), Part.RECIPIENT, Part.ADDITIONAL),
        (Chosen(recipient=1, backup=3, others=BO_LISTED), Part.BACKUP, Part.ADDITIONAL),
        (Chosen(recipient=1, others=OF_PRICING), Part.RECIPIENT, Reason.RECIPIENT_CHANGED),
    ],
)
def test_as_what_somebody_is_told_when_it_is_sent(chosen, decided, now):
    part = part_now(chosen, 2, decided, DEMO, recipient_was_asked=False)
    assert (why_not_chosen(chosen, 2, decided) if part is None else part) == now
