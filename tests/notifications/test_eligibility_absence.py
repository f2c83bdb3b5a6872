"""Who is away, and who is told meanwhile, on the pure rules."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from notifications.channels import OWN
from notifications.eligibility import (
    Away,
    Chosen,
    CompanyFacts,
    Listed,
    Part,
    Place,
    Role,
    SharedDeal,
    channels_for,
    decide_deal_sign_up,
    decide_lead_activity,
    deputy_for,
    endpoints_for,
    is_missed,
    may_deputise,
    not_covered,
    part_now,
)
from notifications.reasons import Reason
from tests.notifications.test_eligibility import (
    ALA,
    BARTEK,
    CELINA,
    CO_SELLING,
    EWA,
    LEAD,
    LEAD_ACTIVITY,
    NOW,
    A,
    event,
    sign_up,
)

DORA = replace(ALA, membership_id=13)
BO = replace(ALA, membership_id=14)
AWAY = Away(until=date(2026, 8, 12), deputy=13)
GONE = replace(ALA, away=AWAY)
NO_EMAIL = {("email", "enabled"): False}
PHONE = {
    "choices": {("mobile", "enabled"): True, ("mobile", LEAD_ACTIVITY): True},
    "places": {"mobile": (Place(key="phone"),)},
}


def test_who_is_away_has_a_bell_and_nothing_else():
    assert channels_for(replace(ALA, **PHONE), LEAD_ACTIVITY) == {"email", "desktop", "mobile"}
    gone = replace(GONE, **PHONE)
    assert channels_for(gone, LEAD_ACTIVITY) == {"desktop"}
    assert endpoints_for(gone, "desktop", LEAD_ACTIVITY) == (OWN,)


def test_who_would_not_be_told_anyway_is_not_missed():
    assert is_missed(GONE, LEAD_ACTIVITY)
    assert not is_missed(ALA, LEAD_ACTIVITY)
    assert not is_missed(replace(GONE, choices=NO_EMAIL), LEAD_ACTIVITY)
    assert not is_missed(GONE, CO_SELLING)


DEPUTIES = [
    # (what differs, the absent one, the deputy, told)
    ("all well", {}, {}, True),
    ("not away", {"away": None}, {}, False),
    ("the absent one is deactivated", {"active": False}, {}, False),
    ("the absent one wants no e-mail", {"choices": NO_EMAIL}, {}, False),
    ("the deputy is deactivated", {}, {"active": False}, False),
    ("the deputy is away: no chain", {}, {"away": Away(until=date(2026, 8, 1), deputy=14)}, False),
    ("the deputy is of another account", {}, {"account_id": 2}, False),
    ("their own deputy", {}, {"membership_id": ALA.membership_id}, False),
]


@pytest.mark.parametrize(
    ("absent", "deputy", "told"), [row[1:] for row in DEPUTIES], ids=[row[0] for row in DEPUTIES]
)
def test_who_stands_in(absent, deputy, told):
    found = deputy_for(replace(GONE, **absent), replace(DORA, **deputy), LEAD_ACTIVITY)
    assert (found is not None) is told


@pytest.mark.parametrize(
    ("deputy", "may"),
    [
        ({"choices": NO_EMAIL}, True),
        ({"active": False}, False),
        ({"away": Away(until=date(2026, 8, 1))}, False),
        ({"account_id": 2}, False),
        ({"membership_id": ALA.membership_id}, False),
    ],
)
def test_who_may_stand_in_whatever_they_wish(deputy, may):
    assert may_deputise(GONE, replace(DORA, **deputy)) is may


def test_nobody_stands_in_if_nobody_is_named():
    assert deputy_for(GONE, None, LEAD_ACTIVITY) is None
    assert deputy_for(None, DORA, LEAD_ACTIVITY) is None


# --- Kind 1 ---------------------------------------------------------------------------------


def leads(**registration):
    row = replace(LEAD, **{"recipient": GONE, **registration})
    verdicts = decide_lead_activity(event(), [row], NOW)
    return [(v.membership_id, v.part, v.reason, set(v.channels)) for v in verdicts]


ABSENT = (10, Part.RECIPIENT, Reason.AWAY, {"desktop"})


def told(person, part):
    return (person.membership_id, part, Reason.SENT, {"email", "desktop"})


KIND_1 = [
    # (what differs, the registration, the verdicts)
    ("a deputy", {"deputy": DORA}, [ABSENT, told(DORA, Part.DEPUTY)]),
    ("nobody at all", {}, [ABSENT]),
    ("no deputy, but a backup", {"backup": BO}, [ABSENT, told(BO, Part.BACKUP)]),
    ("a deputy comes before the backup", {"deputy": DORA, "backup": BO},
     [ABSENT, told(DORA, Part.DEPUTY)]),
    ("the deputy is the backup", {"deputy": DORA, "backup": DORA},
     [ABSENT, told(DORA, Part.DEPUTY)]),
    ("the deputy is away as well", {"deputy": replace(DORA, away=AWAY), "backup": BO},
     [ABSENT, told(BO, Part.BACKUP)]),
    ("the deputy wants none", {"deputy": replace(DORA, choices=NO_EMAIL), "backup": BO},
     [ABSENT, (13, Part.DEPUTY, Reason.EMAIL_OFF, {"desktop"}), told(BO, Part.BACKUP)]),
    ("the absent one is the backup, too",
     {"deputy": replace(DORA, choices=NO_EMAIL), "backup": GONE},
     [ABSENT, (13, Part.DEPUTY, Reason.EMAIL_OFF, {"desktop"})]),
    ("reported lately", {"deputy": DORA, "cooling": True},
     [(10, Part.RECIPIENT, Reason.COOLDOWN, set()), (13, Part.DEPUTY, Reason.COOLDOWN, set())]),
    ("off for the account", {"deputy": DORA, "receives": False},
     [(None, Part.RECIPIENT, Reason.ACCOUNT_TOGGLE_OFF, set())]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("registration", "verdicts"), [row[1:] for row in KIND_1], ids=[row[0] for row in KIND_1]
)
def test_lead_activity_while_the_recipient_is_away(registration, verdicts):
    assert leads(**registration) == verdicts


def test_a_verdict_names_for_whom():
    _absent, deputy = decide_lead_activity(
        event(), [replace(LEAD, recipient=GONE, deputy=DORA)], NOW
    )
    assert deputy.absent_id == 10


@pytest.mark.parametrize(
    ("chosen", "part"),
    [
        (Chosen(recipient=10), Part.DEPUTY),
        (Chosen(recipient=10, backup=13), Part.DEPUTY),
        (Chosen(recipient=13), Part.RECIPIENT),
        (Chosen(recipient=14), None),
        (Chosen(), None),
    ],
)
def test_a_deputy_is_told_as_long_as_the_absent_one_is_chosen(chosen, part):
    found = part_now(
        chosen, 13, Part.DEPUTY, "demo_request", recipient_was_asked=True, absent_id=10
    )
    assert found == part


def test_a_deputy_who_hears_of_it_anyway_is_told_once():
    also = {"others": (Listed(membership_id=13),), "people": {13: DORA}}
    assert leads(deputy=DORA, **also) == [ABSENT, told(DORA, Part.DEPUTY)]


def test_whoever_is_told_beside_the_recipient_has_no_deputy():
    also = {"others": (Listed(membership_id=14),), "people": {14: replace(BO, away=AWAY)}}
    found = leads(recipient=ALA, deputy=DORA, **also)
    assert found[1:] == [(14, Part.ADDITIONAL, Reason.AWAY, {"desktop"})]


# --- Kind 2 ---------------------------------------------------------------------------------

HERE = {"choices": {("email", CO_SELLING): True, ("desktop", CO_SELLING): True}}
BARTEK_GONE = replace(BARTEK, away=AWAY, **HERE)
TICKED_DORA = replace(DORA, **HERE)


def deals(*roles: Role, **deal):
    shared = SharedDeal(id=7, positions={A: 1}, partner_ids=frozenset({A}), roles=roles, **deal)
    company = CompanyFacts(owner_is_growth_specialist=True, deals=(shared,))
    verdicts = decide_deal_sign_up(sign_up(), [company])
    return [(v.membership_id, v.part, v.reason, set(v.channels)) for v in verdicts]


BARTEK_ABSENT = (11, Part.RECIPIENT, Reason.AWAY, {"desktop"})


def test_the_deputy_of_an_owner_is_told():
    assert deals(Role(person=BARTEK_GONE, deputy=TICKED_DORA)) == [
        BARTEK_ABSENT,
        told(DORA, Part.DEPUTY),
    ]


def test_without_a_deputy_the_others_of_the_team_are_told_as_ever():
    assert deals(Role(person=BARTEK_GONE), Role(person=EWA)) == [
        BARTEK_ABSENT,
        (12, Part.RECIPIENT, Reason.SENT, {"email"}),
    ]


def test_a_deputy_on_the_team_is_told_once_as_that():
    ewa = replace(EWA, **HERE)
    assert deals(Role(person=BARTEK_GONE, deputy=ewa), Role(person=ewa)) == [
        BARTEK_ABSENT,
        told(ewa, Part.RECIPIENT),
    ]


def test_a_deputy_who_has_only_ticked_the_topic_is_told_as_deputy():
    assert deals(Role(person=BARTEK_GONE, deputy=TICKED_DORA), bystanders=(TICKED_DORA,)) == [
        BARTEK_ABSENT,
        told(DORA, Part.DEPUTY),
    ]


def test_a_deputys_own_wishes_hold():
    assert deals(Role(person=BARTEK_GONE, deputy=DORA))[1] == (
        13, Part.DEPUTY, Reason.TOPIC_OFF, set()
    )  # fmt: skip


def test_two_who_are_away_have_one_deputy():
    ewa = replace(EWA, away=AWAY, **HERE)
    found = deals(
        Role(person=BARTEK_GONE, deputy=TICKED_DORA), Role(person=ewa, deputy=TICKED_DORA)
    )
    assert [row[0] for row in found] == [11, 12, 13]


def test_no_deputy_of_who_would_be_told_nothing():
    unticked = replace(BARTEK_GONE, choices={})
    assert deals(Role(person=unticked, deputy=TICKED_DORA)) == [
        (11, Part.RECIPIENT, Reason.TOPIC_OFF, set())
    ]


def test_nothing_is_told_to_the_deputy_of_a_second_partner():
    celina = replace(CELINA, away=AWAY, **HERE)
    found = deals(Role(person=celina, deputy=replace(TICKED_DORA, account_id=2)))
    assert found[0][2] == Reason.NOT_SHARED
    assert all(row[1] != Part.DEPUTY for row in found)


@pytest.mark.parametrize(
    ("absent", "deputy", "missed"),
    [
        (GONE, DORA, ()),
        (GONE, replace(DORA, choices=NO_EMAIL), (LEAD_ACTIVITY,)),
        (ALA, replace(DORA, choices=NO_EMAIL), (LEAD_ACTIVITY,)),  # The absence lies ahead.
        (GONE, replace(DORA, choices=NO_EMAIL | PHONE["choices"], places=PHONE["places"]), ()),
        (GONE, replace(DORA, suppressed=True), (LEAD_ACTIVITY,)),
        (GONE, replace(DORA, active=False), (LEAD_ACTIVITY,)),
        (GONE, replace(DORA, away=AWAY), (LEAD_ACTIVITY,)),
        (replace(GONE, choices=NO_EMAIL), replace(DORA, choices=NO_EMAIL), ()),
        (replace(GONE, choices={("email", CO_SELLING): True}), DORA, (CO_SELLING,)),
    ],
)
def test_what_a_deputy_would_not_be_told(absent, deputy, missed):
    assert not_covered(absent, deputy) == missed
