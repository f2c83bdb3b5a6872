"""Notification profiles where it counts: who is told, and what the explanations say (R73)."""

from __future__ import annotations

import pytest

from notifications.drain import drain
from notifications.evaluation import evaluate_due
from notifications.explain.story import load_chains
from notifications.facts.wishes import load_wishes
from notifications.inbox.services import silence
from notifications.models import Decision, Delivery, Preference
from notifications.selectors import wishes_of
from notifications.services import save_preferences, unsubscribe
from notifications.topics import CO_SELLING, LEAD_ACTIVITY
from tests.factories import choose, make_account, make_member, make_profile
from tests.northstar import SIGN_UP
from tests.queries import assert_constant_queries

pytestmark = pytest.mark.django_db
MAIL_OF_DEALS = ("email", CO_SELLING)
MAIL_OF_LEADS = ("email", LEAD_ACTIVITY)


@pytest.fixture
def bo(northstar):
    bo = make_member(northstar.account)
    northstar.share_a_deal(bo)
    return bo


def decided(member, kind="deal"):
    decision = Decision.objects.get(membership=member, kind=kind)
    return decision.reason, decision.profile


def test_a_profile_ticks_for_its_members_only(northstar, bo):
    make_profile(northstar.account, "Sales", bo, cells={MAIL_OF_DEALS: True})
    northstar.happens(**SIGN_UP)
    evaluate_due()
    assert decided(bo) == ("sent", "")
    assert decided(northstar.ala) == ("topic_off", "")


def test_the_default_profile_is_for_those_without_one(northstar, bo):
    make_profile(northstar.account, "All", cells={MAIL_OF_DEALS: True}, is_default=True)
    make_profile(northstar.account, "Silent", bo)
    northstar.happens(**SIGN_UP)
    evaluate_due()
    assert decided(bo) == ("topic_off", "")
    assert decided(northstar.ala)[0] == "sent"


def test_a_profile_of_another_account_says_nothing(northstar, bo):
    make_profile(make_account(), cells={MAIL_OF_DEALS: True}, is_default=True)
    northstar.happens(**SIGN_UP)
    evaluate_due()
    assert decided(bo)[0] == "topic_off"


def test_who_has_a_topic_from_a_profile_alone_is_no_bystander(northstar, bo):
    """A profile for everybody must not write a decision about everybody."""
    asked = make_member(northstar.account)
    others = make_member(northstar.account)
    choose(asked, *MAIL_OF_DEALS, True)
    make_profile(northstar.account, cells={MAIL_OF_DEALS: True}, is_default=True)
    northstar.happens(**SIGN_UP)
    evaluate_due()
    assert decided(asked)[0] == "not_owner_or_team"
    assert not Decision.objects.filter(membership=others).exists()


@pytest.mark.parametrize("cell", [MAIL_OF_LEADS, ("email", "enabled")])
def test_the_explanation_names_the_profile(northstar, cell):
    make_profile(northstar.account, "Quiet", northstar.ala, cells={cell: False})
    activity = northstar.happens()
    evaluate_due()
    reason = "topic_off" if cell == MAIL_OF_LEADS else "email_off"
    assert decided(northstar.ala, "lead") == (reason, "Quiet")
    (chain,) = load_chains(activity.message_id, northstar.account, northstar.ala)
    told = next(c for c in chain.candidates if c.is_viewer)
    assert told.sentence.endswith("by the account's profile “Quiet”.")
    assert "“Quiet”" in chain.answer


def test_a_profile_that_changed_before_the_send_counts(northstar):
    northstar.happens()
    evaluate_due()
    make_profile(northstar.account, cells={MAIL_OF_LEADS: False}, is_default=True)
    drain(patience_seconds=0)
    email = Delivery.objects.get(channel="email")
    assert (email.state, email.reason) == ("suppressed", "topic_off")


# --- What is stored ---------------------------------------------------------------------------


def rows(member):
    return set(Preference.objects.filter(membership=member).values_list("channel", "key", "is_on"))


def test_a_choice_that_equals_the_profile_needs_no_row(northstar):
    make_profile(northstar.account, "Sales", northstar.ala, cells={MAIL_OF_DEALS: True})
    save_preferences(northstar.ala, {MAIL_OF_DEALS: False})
    assert rows(northstar.ala) == {(*MAIL_OF_DEALS, False)}
    save_preferences(northstar.ala, {MAIL_OF_DEALS: True})
    assert rows(northstar.ala) == set()


def test_what_is_locked_cannot_be_saved(northstar):
    make_profile(
        northstar.account,
        cells={MAIL_OF_LEADS: True, ("desktop", LEAD_ACTIVITY): True},
        locked=(MAIL_OF_LEADS, ("desktop", LEAD_ACTIVITY)),
        is_default=True,
    )
    save_preferences(northstar.ala, {MAIL_OF_LEADS: False, ("email", "enabled"): False})
    assert rows(northstar.ala) == {("email", "enabled", False)}
    assert silence(northstar.ala, [LEAD_ACTIVITY]) == []


def test_unsubscribing_holds_against_a_lock_and_against_later_profiles(northstar):
    unsubscribe(northstar.ala, [CO_SELLING])
    make_profile(
        northstar.account, cells={MAIL_OF_DEALS: True}, locked=(MAIL_OF_DEALS,), is_default=True
    )
    assert not wishes_of(northstar.ala).ticked(*MAIL_OF_DEALS)
    save_preferences(northstar.ala, {MAIL_OF_DEALS: True})  # The way back.
    assert wishes_of(northstar.ala).ticked(*MAIL_OF_DEALS)
    assert wishes_of(northstar.ala).is_locked(*MAIL_OF_DEALS)


def test_wishes_of_many_make_constant_queries(northstar):
    members = [northstar.ala]

    def grow():
        for number in range(3):
            account = make_account()
            bo, ewa = make_member(account), make_member(account)
            make_profile(account, f"P{number}", bo, cells={MAIL_OF_DEALS: True})
            make_profile(account, "All", cells={MAIL_OF_LEADS: False}, is_default=True)
            choose(ewa, *MAIL_OF_DEALS, True)
            members.extend((bo, ewa))

    grow()
    assert assert_constant_queries(lambda: load_wishes(members), grow) == 4
