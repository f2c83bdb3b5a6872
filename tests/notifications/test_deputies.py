"""Deputies of several people, and of what waits; who is told when a deputy leaves."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from accounts.services.members import deactivate_member, remove_member
from notifications.channels import DESKTOP, EMAIL
from notifications.drain import drain
from notifications.evaluation import evaluate_due
from notifications.invariants import broken
from notifications.models import Absence, Notification, Pace
from notifications.topics import CO_SELLING, LEAD_ACTIVITY
from notifications.when.services import save_absence, snooze
from tests.factories import choose, make_deal, make_member
from tests.northstar import PRICING
from tests.notifications.test_absence import is_away
from tests.notifications.told import decided, mailed

pytestmark = pytest.mark.django_db


def wants_sign_ups(*members):
    for member in members:
        choose(member, EMAIL, CO_SELLING, True)
        choose(member, DESKTOP, CO_SELLING, True)


# --- What waits --------------------------------------------------------------------------


def wants_a_digest(ala):
    Pace.objects.create(membership=ala, channel=EMAIL, every="day")


def has_a_pause(ala):
    snooze(ala, timezone.now() + timedelta(days=7))


def has_had_enough(ala):
    Pace.objects.create(membership=ala, channel=EMAIL, most=0)


@pytest.mark.parametrize("waits", [wants_a_digest, has_a_pause, has_had_enough])
def test_what_waits_is_the_deputys_once_its_member_goes_away(northstar, dora, waits):
    waits(northstar.ala)
    northstar.happens(**PRICING)
    drain(patience_seconds=0)
    assert mailed() == []
    today = timezone.localdate()
    days = {"begins": today - timedelta(days=1), "ends": today + timedelta(days=9)}
    save_absence(northstar.ala, Absence(membership=northstar.ala, deputy=dora, **days))
    drain(patience_seconds=0)
    assert mailed() == ["dora"]
    assert decided() == {("Ala", "", "away"), ("Dora", "deputy", "sent")}
    assert sum(broken().values()) == 0


# --- Several people, several deals ----------------------------------------------------------


@pytest.fixture
def two_deals(northstar, dora):
    """Ala owns one, Eve the other; both are away, and Dora stands in for both."""
    northstar.lead.delete()
    eve = make_member(northstar.account, "eve@northstar.example", name="Eve")
    wants_sign_ups(northstar.ala, dora, eve)
    first = northstar.share_a_deal()
    second = make_deal(first.company, shares=(northstar.account,), owner=eve)
    is_away(northstar.ala, dora)
    is_away(eve, dora)
    return first, second


def test_the_deputy_of_two_people_hears_of_both_deals(northstar, dora, two_deals):
    northstar.happens(event="CRM Signed Up")
    drain(patience_seconds=0)
    assert mailed() == ["dora"]
    assert ("Dora", "deputy", "sent") in decided()
    for deal, owner in zip(two_deals, ("Ala", "Eve"), strict=True):
        assert deal.name in mail.outbox[0].body
        assert f"for {owner}, who is away" in mail.outbox[0].body


def test_one_deal_goes_with_its_owner_and_the_other_stays(northstar, dora, two_deals):
    northstar.happens(event="CRM Signed Up")
    evaluate_due()
    gone, stays = two_deals
    gone.members.update(removed_at=timezone.now())
    drain(patience_seconds=0)
    assert stays.name in mail.outbox[0].body
    assert gone.name not in mail.outbox[0].body


def test_who_was_recipient_and_deal_owner_leaves_one_message(northstar, dora):
    wants_sign_ups(northstar.ala, dora)
    deal = northstar.share_a_deal()
    northstar.happens(event="CRM Signed Up")
    evaluate_due()
    assert Notification.objects.count() == 1
    is_away(northstar.ala, dora)
    drain(patience_seconds=0)
    assert mailed() == ["dora"]
    assert deal.name in mail.outbox[0].body
    of_dora = Notification.objects.get(membership=dora)
    assert set(of_dora.reasons.values_list("kind", "part")) == {
        ("lead", "deputy"),
        ("deal", "deputy"),
    }
    assert sum(broken().values()) == 0


def test_what_is_only_about_a_deal_belongs_to_no_visit(northstar, dora):
    wants_sign_ups(northstar.ala, dora)
    for channel in (EMAIL, DESKTOP):
        choose(dora, channel, LEAD_ACTIVITY, False)
    northstar.share_a_deal()
    northstar.happens(event="CRM Signed Up")
    evaluate_due()
    assert Notification.objects.get(membership=northstar.ala).visit
    is_away(northstar.ala, dora)
    drain(patience_seconds=0)
    of_dora = Notification.objects.get(membership=dora)
    assert (of_dora.reasons.get().kind, of_dora.visit) == ("deal", None)


# --- A deputy leaves ------------------------------------------------------------------------


@pytest.mark.parametrize("leave", [remove_member, deactivate_member])
def test_a_deputy_who_leaves_before_the_send_leaves_it_to_the_backup(northstar, dora, bo, leave):
    is_away(northstar.ala, dora)
    northstar.happens()
    evaluate_due()
    leave(northstar.ala.user, dora)
    drain(patience_seconds=0)
    assert mailed() == ["bo"]
    assert decided() == {
        ("Ala", "", "away"),
        ("Dora", "deputy", "user_inactive"),
        ("Bo", "backup", "sent"),
    }
    assert sum(broken().values()) == 0


def test_another_deputy_is_told_of_a_deal_whose_deputy_has_left(northstar, dora):
    northstar.lead.delete()
    eve = make_member(northstar.account, "eve@northstar.example", name="Eve")
    wants_sign_ups(northstar.ala, dora, eve)
    northstar.share_a_deal()
    absence = is_away(northstar.ala, dora)
    northstar.happens(event="CRM Signed Up")
    evaluate_due()
    remove_member(northstar.ala.user, dora)
    absence.deputy = eve
    absence.save()
    drain(patience_seconds=0)
    assert mailed() == ["eve"]
    assert {("Dora", "deputy", "user_inactive"), ("Eve", "deputy", "sent")} <= decided()
    assert sum(broken().values()) == 0
