"""Both truth tables of the requirements, row by row, on the pure rules."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from notifications.eligibility import (
    CompanyFacts,
    Event,
    Person,
    Place,
    Registration,
    Role,
    SharedDeal,
    channels_for,
    decide_deal_sign_up,
    decide_lead_activity,
    endpoints_for,
    may_name,
    why_not_there,
)
from notifications.reasons import Reason

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
A, B, C = 1, 2, 3  # partner accounts
CO_SELLING, LEAD_ACTIVITY = "co_selling_prospect_activity", "registered_lead_activity"
TICKED = {("email", CO_SELLING): True}
BELL_TICKED = {("desktop", CO_SELLING): True}

ALA = Person(membership_id=10, account_id=A)
BARTEK = Person(membership_id=11, account_id=A, choices=TICKED)
CELINA = Person(membership_id=20, account_id=B, choices=TICKED)
EWA = Person(membership_id=12, account_id=A, choices=TICKED)
DOROTA = Person(membership_id=30, account_id=C, choices=TICKED)
GOSIA = Person(membership_id=99, account_id=9, vendor_side=True, choices=TICKED)


def event(**changes) -> Event:
    base = Event(contact_id=1, occurred_at=NOW, trigger="demo_request")
    return replace(base, **changes)


def sign_up(**changes) -> Event:
    return event(trigger="crm_signup", deal_eligible=True, **changes)


# --- Kind 1 ------------------------------------------------------------------------

LEAD = Registration(
    kind="lead",
    id=100,
    account_id=A,
    since=NOW - timedelta(days=30),
    until=NOW + timedelta(days=30),
    receives=True,
    recipient=ALA,
)


def person(**changes) -> Person:
    return replace(ALA, **changes)


KIND_1 = [
    # (what differs, event, registration, reason, channels)
    ("all yes", {}, {}, Reason.SENT, {"email", "desktop"}),
    ("not a partner", {}, {"is_partner": False}, Reason.NOT_PARTNER, set()),
    ("status not registered", {}, {"registered": False}, Reason.REGISTRATION_NOT_ACTIVE, set()),
    ("expired", {}, {"until": NOW}, Reason.REGISTRATION_NOT_ACTIVE, set()),
    ("registered a second later", {}, {"since": NOW + timedelta(seconds=1)},
     Reason.REGISTERED_LATER, set()),
    ("registered at that second", {}, {"since": NOW}, Reason.SENT, {"email", "desktop"}),
    ("never expires", {}, {"until": None}, Reason.SENT, {"email", "desktop"}),
    ("trigger off", {"trigger_enabled": False}, {}, Reason.TRIGGER_OFF, set()),
    ("toggle off", {}, {"receives": False}, Reason.ACCOUNT_TOGGLE_OFF, set()),
    ("no recipient", {}, {"recipient": None}, Reason.NO_RECIPIENT, set()),
    ("inactive", {}, {"recipient": person(active=False)}, Reason.RECIPIENT_INACTIVE, set()),
    ("e-mail off: bell only", {},
     {"recipient": person(choices={("email", "enabled"): False})}, Reason.EMAIL_OFF, {"desktop"}),
    ("topic off on e-mail: bell only", {},
     {"recipient": person(choices={("email", LEAD_ACTIVITY): False})},
     Reason.TOPIC_OFF, {"desktop"}),
    ("e-mail and bell off", {},
     {"recipient": person(choices={("email", "enabled"): False, ("desktop", "bell"): False})},
     Reason.EMAIL_OFF, set()),
    ("cooling", {}, {"cooling": True}, Reason.COOLDOWN, set()),
    ("e-mail off while cooling", {},
     {"cooling": True, "recipient": person(choices={("email", "enabled"): False})},
     Reason.EMAIL_OFF, set()),
    ("signed up before", {}, {"signed_up_before": True}, Reason.ALREADY_SIGNED_UP, set()),
    ("over the cap: bell still", {},
     {"recipient": person(capped_topics=frozenset({LEAD_ACTIVITY}))},
     Reason.DAILY_CAP, {"desktop"}),
    ("unverified address: bell still", {}, {"recipient": person(verified=False)},
     Reason.SUPPRESSED_ADDRESS, {"desktop"}),
    ("suppressed address: bell still", {}, {"recipient": person(suppressed=True)},
     Reason.SUPPRESSED_ADDRESS, {"desktop"}),
    ("internal", {"internal": True}, {}, Reason.INTERNAL, set()),
    ("robot viewing a page", {"robot": True, "page_view": True}, {}, Reason.BOT, set()),
    ("robot sending a form", {"robot": True}, {}, Reason.SENT, {"email", "desktop"}),
    ("stale", {"stale": True}, {}, Reason.STALE, set()),
    ("consent denied", {"consent_denied": True}, {}, Reason.NO_CONSENT, set()),
]  # fmt: skip


@pytest.mark.parametrize(
    ("about", "registration", "reason", "channels"),
    [row[1:] for row in KIND_1],
    ids=[row[0] for row in KIND_1],
)
def test_kind_1(about, registration, reason, channels):
    (verdict,) = decide_lead_activity(event(**about), [replace(LEAD, **registration)], NOW)
    assert verdict.reason == reason
    assert verdict.channels == channels
    assert verdict.send == (reason == Reason.SENT)


def test_nobodys_lead():
    """R12, R13."""
    (verdict,) = decide_lead_activity(event(), [], NOW)
    assert (verdict.reason, verdict.account_id) == (Reason.NO_REGISTRATION, None)


def test_an_active_lead_hides_others_expired_registration_and_clients():
    """R5, R13: the one active registration."""
    expired = replace(LEAD, id=101, account_id=B, until=NOW - timedelta(days=1))
    client = replace(LEAD, kind="client", id=5, account_id=C)
    verdicts = decide_lead_activity(event(), [expired, client, LEAD], NOW)
    assert [(v.account_id, v.reason) for v in verdicts] == [(A, Reason.SENT)]


def test_every_account_with_a_current_client_relation_is_told():
    """R6."""
    relations = [
        replace(LEAD, kind="client", id=5, account_id=A, until=None),
        replace(LEAD, kind="client", id=6, account_id=B, until=None, recipient=CELINA),
        replace(LEAD, kind="client", id=7, account_id=C, until=NOW - timedelta(days=1)),
    ]
    verdicts = decide_lead_activity(event(), relations, NOW)
    assert [(v.kind, v.account_id) for v in verdicts] == [("client", A), ("client", B)]


def test_registration_must_still_hold_when_it_is_decided():
    """R15: active at the action and now."""
    ended_since = replace(LEAD, until=NOW + timedelta(hours=1))
    (verdict,) = decide_lead_activity(event(), [ended_since], NOW + timedelta(hours=2))
    assert verdict.reason == Reason.REGISTRATION_NOT_ACTIVE


# --- Kind 2 ------------------------------------------------------------------------


def deal(*roles, shares=(A,), **fields) -> SharedDeal:
    return SharedDeal(
        id=fields.pop("id", 7),
        positions={account: place for place, account in enumerate(shares, start=1)},
        partner_ids=frozenset({A, B, C}),
        roles=tuple(r if isinstance(r, Role) else Role(person=r) for r in roles),
        **fields,
    )


def company(*deals, gs=True) -> CompanyFacts:
    return CompanyFacts(owner_is_growth_specialist=gs, deals=deals)


def told(who, *reasons) -> list:
    return [(who.membership_id, reason) for reason in reasons]


KIND_2 = [
    ("1 owner", [company(deal(BARTEK))], told(BARTEK, Reason.SENT)),
    ("2 team", [company(deal(BARTEK))], told(BARTEK, Reason.SENT)),
    ("3 owner and team: once", [company(deal(BARTEK, BARTEK))], told(BARTEK, Reason.SENT)),
    ("4 owner of the company", [company(deal(BARTEK), gs=False)],
     [(None, Reason.COMPANY_OWNER_NOT_GS)]),
    ("5 no deal", [company()], [(None, Reason.NO_COSOLD_DEAL)]),
    ("6 not shared", [company(deal(BARTEK, shares=()))], told(BARTEK, Reason.NOT_SHARED)),
    ("6 shared with another", [company(deal(BARTEK, shares=(B,)))],
     told(BARTEK, Reason.NOT_SHARED)),
    ("7 second partner", [company(deal(BARTEK, shares=(B, A)))],
     told(BARTEK, Reason.NOT_FIRST_PARTNER)),
    ("8 neither", [company(deal(bystanders=(BARTEK,)))], told(BARTEK, Reason.NOT_OWNER_OR_TEAM)),
    ("9 not ticked", [company(deal(replace(BARTEK, choices={})))],
     told(BARTEK, Reason.TOPIC_OFF)),
    ("10 inactive", [company(deal(replace(BARTEK, active=False), EWA))],
     [*told(BARTEK, Reason.USER_INACTIVE), *told(EWA, Reason.SENT)]),
    ("12 no company", [], [(None, Reason.NO_COMPANY)]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("companies", "expected"), [row[1:] for row in KIND_2], ids=[row[0] for row in KIND_2]
)
def test_kind_2(companies, expected):
    verdicts = decide_deal_sign_up(sign_up(), companies)
    assert [(v.membership_id, v.reason) for v in verdicts] == expected


def test_kind_2_row_10_nobody_is_left():
    """R55: the inactive owner is skipped, and somebody must be able to see why."""
    verdicts = decide_deal_sign_up(sign_up(), [company(deal(replace(BARTEK, active=False)))])
    assert [(v.account_id, v.membership_id, v.reason) for v in verdicts] == [
        (A, 11, Reason.USER_INACTIVE),
        (A, None, Reason.NO_RECIPIENT),
    ]


def test_a_colleague_who_ticked_does_not_hide_that_nobody_is_left():
    """R55."""
    alone = deal(replace(BARTEK, active=False), bystanders=(EWA,))
    assert [v.reason for v in decide_deal_sign_up(sign_up(), [company(alone)])] == [
        Reason.USER_INACTIVE,
        Reason.NOT_OWNER_OR_TEAM,
        Reason.NO_RECIPIENT,
    ]


def test_a_deal_without_people_is_said_beside_another_deal_with_people():
    """R55."""
    deals = (deal(id=7), deal(CELINA, id=8, shares=(B,)))
    verdicts = decide_deal_sign_up(sign_up(), [company(*deals)])
    assert [(v.account_id, v.reason) for v in verdicts] == [
        (B, Reason.SENT),
        (A, Reason.NO_RECIPIENT),
    ]


@pytest.mark.parametrize(
    ("choices", "reason", "channels"),
    [
        ({**TICKED, ("email", "enabled"): False}, Reason.EMAIL_OFF, set()),
        ({**TICKED, **BELL_TICKED, ("email", "enabled"): False}, Reason.SENT, {"desktop"}),
        ({**BELL_TICKED}, Reason.SENT, {"desktop"}),
        ({**TICKED, **BELL_TICKED}, Reason.SENT, {"email", "desktop"}),
        ({**BELL_TICKED, ("desktop", "bell"): False}, Reason.TOPIC_OFF, set()),
    ],
)
def test_kind_2_row_11_channels(choices, reason, channels):
    """R66, R67: ticks are per channel; the master switch stops e-mail only."""
    person = replace(BARTEK, choices=choices)
    (verdict,) = decide_deal_sign_up(sign_up(), [company(deal(person))])
    assert (verdict.reason, verdict.channels) == (reason, channels)


@pytest.mark.parametrize("order", [(A, B, C), (B, A, C), (C, B, A)])
def test_only_the_first_of_three_partners_is_told(order):
    """R48: whatever the order in which people were added to the team."""
    verdicts = decide_deal_sign_up(sign_up(), [company(deal(DOROTA, BARTEK, CELINA, shares=order))])
    assert {v.account_id for v in verdicts if v.send} == {order[0]}
    assert {v.reason for v in verdicts if not v.send} == {Reason.NOT_FIRST_PARTNER}


def test_both_conditions_must_be_met_by_the_same_company():
    """R44."""
    verdicts = decide_deal_sign_up(sign_up(), [company(), company(deal(BARTEK), gs=False)])
    assert [v.reason for v in verdicts] == [Reason.NO_COSOLD_DEAL]


def test_two_deals_make_one_message_that_names_both():
    """R47."""
    verdicts = decide_deal_sign_up(sign_up(), [company(deal(BARTEK, id=7), deal(BARTEK, id=8))])
    assert [(v.membership_id, v.deal_ids) for v in verdicts] == [(11, (7, 8))]


def test_a_deal_without_its_first_partner_notifies_nobody():
    """R50: no silent promotion."""
    orphan = replace(deal(CELINA), positions={B: 2})
    (verdict,) = decide_deal_sign_up(sign_up(), [company(orphan)])
    assert verdict.reason == Reason.NOT_FIRST_PARTNER


def test_vendor_people_on_the_deal_are_no_candidates():
    """R54."""
    verdicts = decide_deal_sign_up(sign_up(), [company(deal(GOSIA, BARTEK))])
    assert [v.membership_id for v in verdicts] == [BARTEK.membership_id]


@pytest.mark.parametrize(
    ("since", "until", "reason"),
    [
        (None, None, Reason.SENT),
        (NOW, None, Reason.SENT),
        (NOW + timedelta(seconds=1), None, Reason.NOT_OWNER_OR_TEAM),
        (None, NOW + timedelta(seconds=1), Reason.NO_LONGER_MEMBER),
    ],
)
def test_membership_counts_at_the_event_and_still_now(since, until, reason):
    """R57."""
    role = Role(person=BARTEK, since=since, until=until)
    (verdict,) = decide_deal_sign_up(sign_up(), [company(deal(role))])
    assert verdict.reason == reason


def test_who_changed_from_the_team_to_owner_is_still_on_the_deal():
    """R57: held then, and held now, be it in another role."""
    was = Role(person=BARTEK, until=NOW + timedelta(seconds=1))
    now_owner = Role(person=BARTEK, since=NOW + timedelta(seconds=1))
    (verdict,) = decide_deal_sign_up(sign_up(), [company(deal(was, now_owner))])
    assert verdict.reason == Reason.SENT


def test_who_left_before_the_sign_up_is_no_candidate():
    left = Role(person=BARTEK, until=NOW - timedelta(days=1))
    (verdict,) = decide_deal_sign_up(sign_up(), [company(deal(left))])
    assert (verdict.membership_id, verdict.reason) == (None, Reason.NO_RECIPIENT)


def test_a_second_sign_up_stays_in_the_timeline():
    """R59."""
    (verdict,) = decide_deal_sign_up(sign_up(), [company(deal(BARTEK, signed_up_before=True))])
    assert verdict.reason == Reason.ALREADY_SIGNED_UP


def test_a_new_deal_of_the_company_counts_for_itself():
    """R59: once per contact and deal."""
    deals = (deal(BARTEK, id=7, signed_up_before=True), deal(BARTEK, id=8))
    (verdict,) = decide_deal_sign_up(sign_up(), [company(*deals)])
    assert (verdict.reason, verdict.deal_ids) == (Reason.SENT, (8,))


def test_the_daily_cap_of_e_mail_leaves_the_bell():
    """R71."""
    capped = replace(
        BARTEK, choices={**TICKED, **BELL_TICKED}, capped_topics=frozenset({CO_SELLING})
    )
    (verdict,) = decide_deal_sign_up(sign_up(), [company(deal(capped))])
    assert verdict.send and verdict.channels == {"desktop"}
    assert verdict.withheld == {"email": Reason.DAILY_CAP}


@pytest.mark.parametrize("changes", [{"trigger_enabled": False}, {"stale": True}])
def test_what_stops_the_event_stops_both_kinds(changes):
    (verdict,) = decide_deal_sign_up(sign_up(**changes), [company(deal(BARTEK))])
    assert verdict.membership_id is None and not verdict.send


# --- Where a person's messages go ----------------------------------------------------------

WITH_BROWSERS = person(
    places={"desktop": (Place(key="laptop"), Place(key="tower")), "mobile": (Place(key="phone"),)}
)
BROWSER_ON = {("desktop", "browser"): True}


@pytest.mark.parametrize(
    ("choices", "places"),
    [
        ({}, ("user",)),
        (BROWSER_ON, ("user", "laptop", "tower")),
        (BROWSER_ON | {("desktop", "bell"): False}, ("laptop", "tower")),
        ({("desktop", "bell"): False}, ()),
    ],
)
def test_bell_and_browsers_hang_on_a_switch_each(choices, places):
    """R68."""
    ala = replace(WITH_BROWSERS, choices=choices)
    assert endpoints_for(ala, "desktop", LEAD_ACTIVITY) == places
    assert ("desktop" in channels_for(ala, LEAD_ACTIVITY)) == bool(places)


def test_a_switch_without_a_browser_sends_nowhere():
    ala = person(choices=BROWSER_ON | {("desktop", "bell"): False})
    assert "desktop" not in channels_for(ala, LEAD_ACTIVITY)


def test_the_mailbox_needs_no_endpoint_and_a_phone_does():
    on = {("mobile", "enabled"): True, ("mobile", LEAD_ACTIVITY): True}
    assert endpoints_for(person(choices=on), "mobile", LEAD_ACTIVITY) == ()
    ala = replace(WITH_BROWSERS, choices=on)
    assert endpoints_for(ala, "mobile", LEAD_ACTIVITY) == ("phone",)
    assert endpoints_for(ala, "other_apps", LEAD_ACTIVITY) == ()
    assert channels_for(ala, LEAD_ACTIVITY) == {"email", "desktop", "mobile"}


@pytest.mark.parametrize(
    ("endpoint", "choices", "why"),
    [
        ("user", {}, None),
        ("user", {("desktop", "bell"): False}, Reason.TOPIC_OFF),
        ("laptop", {}, Reason.TOPIC_OFF),
        ("laptop", BROWSER_ON, None),
        ("laptop", BROWSER_ON | {("desktop", LEAD_ACTIVITY): False}, Reason.TOPIC_OFF),
        ("removed", BROWSER_ON, Reason.SUPPRESSED_ADDRESS),
    ],
)
def test_right_before_the_send_the_place_counts(endpoint, choices, why):
    ala = replace(WITH_BROWSERS, choices=choices)
    assert why_not_there(ala, "desktop", LEAD_ACTIVITY, endpoint) == why


def test_names_show_on_no_screen_unless_asked_for():
    asked = person(choices={("mobile", "names"): True})
    assert [may_name(ALA, c) for c in ("email", "other_apps", "desktop", "mobile")] == [
        *(True, True, False, False),
    ]
    assert [may_name(asked, c) for c in ("desktop", "mobile")] == [False, True]
