"""Somebody is away: what their deputy is told, and what they find in the bell."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core import mail
from django.utils import timezone
from django.utils.formats import date_format

from notifications.delivery.recheck import Recheck
from notifications.drain import drain
from notifications.evaluation import evaluate_due
from notifications.facts.people import load_people
from notifications.invariants import broken
from notifications.models import Absence, Decision, Delivery
from notifications.rendering import render
from tests.factories import choose, make_member, make_webhook
from tests.notifications.told import decided, mailed
from tests.queries import assert_constant_queries

pytestmark = pytest.mark.django_db
CO_SELLING = "co_selling_prospect_activity"


def today():
    return timezone.now().date()


def is_away(member, deputy=None, **days):
    days = {"begins": today() - timedelta(days=2), "ends": today() + timedelta(days=2), **days}
    return Absence.objects.create(membership=member, deputy=deputy, **days)


def test_the_deputy_is_told_and_reads_for_whom(northstar, dora):
    absence = is_away(northstar.ala, dora)
    northstar.happens()
    drain(patience_seconds=0)
    assert mailed() == ["dora"]
    until = date_format(absence.ends)
    assert f"You get this for Ala, who is away until {until}." in mail.outbox[0].body
    assert decided() == {("Ala", "", "away"), ("Dora", "deputy", "sent")}
    assert Decision.objects.get(part="deputy").absent == northstar.ala
    assert sum(broken().values()) == 0


def test_who_is_away_has_it_in_the_bell_and_nowhere_else(northstar, dora, sink):
    make_webhook(northstar.ala, sink.url)
    is_away(northstar.ala, dora)
    northstar.happens()
    drain(patience_seconds=0)
    of_ala = Delivery.objects.filter(notification__membership=northstar.ala)
    assert set(of_ala.values_list("channel", "state", "reason")) == {
        ("desktop", "delivered", "sent"),
        ("email", "suppressed", "away"),
    }


def test_without_a_deputy_the_backup_is_told(northstar, dora):
    northstar.settings.backup = dora
    northstar.settings.save()
    is_away(northstar.ala)
    northstar.happens()
    drain(patience_seconds=0)
    assert mailed() == ["dora"]
    assert decided() == {("Ala", "", "away"), ("Dora", "backup", "sent")}


def test_without_anybody_it_waits_in_the_bell(northstar):
    is_away(northstar.ala)
    northstar.happens()
    drain(patience_seconds=0)
    assert mailed() == []
    assert decided() == {("Ala", "", "away")}


@pytest.mark.parametrize(
    ("begins", "ends", "away"),
    [(0, 0, True), (-3, 0, True), (0, 5, True), (1, 5, False), (-5, -1, False)],
)
def test_the_first_and_the_last_day_count(northstar, begins, ends, away):
    day = timezone.localdate()
    is_away(northstar.ala, begins=day + timedelta(days=begins), ends=day + timedelta(days=ends))
    (person,) = load_people([northstar.ala]).values()
    assert (person.away is not None) is away


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_the_day_is_that_of_the_members_zone(northstar, zone):
    """Whatever day it is elsewhere."""
    user = northstar.ala.user
    user.timezone = zone
    user.save()
    there = timezone.now().astimezone(ZoneInfo(zone)).date()
    is_away(northstar.ala, begins=there, ends=there)
    (person,) = load_people([northstar.ala]).values()
    assert person.away


def test_who_goes_away_while_the_mail_waits_leaves_it_to_the_deputy(northstar, dora):
    northstar.happens()
    evaluate_due()
    is_away(northstar.ala, dora)
    drain(patience_seconds=0)
    assert mailed() == ["dora"]
    assert decided() == {("Ala", "", "away"), ("Dora", "deputy", "sent")}
    assert sum(broken().values()) == 0


def test_a_deputy_who_goes_away_meanwhile_leaves_it_to_the_backup(northstar, dora):
    northstar.settings.backup = make_member(northstar.account, "bo@northstar.example", name="Bo")
    northstar.settings.save()
    is_away(northstar.ala, dora)
    northstar.happens()
    evaluate_due()
    is_away(dora, northstar.settings.backup)  # No chain: Bo is told as the backup.
    drain(patience_seconds=0)
    assert mailed() == ["bo"]
    assert decided() == {
        ("Ala", "", "away"),
        ("Dora", "deputy", "away"),
        ("Bo", "backup", "sent"),
    }
    assert sum(broken().values()) == 0


def test_a_deputy_who_was_asked_is_told_though_the_absent_one_is_back(northstar, dora):
    is_away(northstar.ala, dora)
    northstar.happens()
    evaluate_due()
    Absence.objects.all().delete()
    drain(patience_seconds=0)
    assert mailed() == ["dora"]
    assert "You get this for Ala, who is away." in mail.outbox[0].body


def test_another_recipient_chosen_meanwhile_is_told_instead_of_the_deputy(northstar, dora):
    eve = make_member(northstar.account, "eve@northstar.example", name="Eve")
    is_away(northstar.ala, dora)
    northstar.happens()
    evaluate_due()
    northstar.settings.recipient = eve
    northstar.settings.save()
    drain(patience_seconds=0)
    assert mailed() == ["eve"]
    assert ("Dora", "deputy", "recipient_changed") in decided()


def test_a_deputys_own_wishes_hold(northstar, dora):
    is_away(northstar.ala, dora)
    choose(dora, "email", "enabled", False)
    northstar.happens()
    drain(patience_seconds=0)
    assert mailed() == []
    assert decided() == {("Ala", "", "away"), ("Dora", "deputy", "email_off")}


# --- Deals ----------------------------------------------------------------------------------


@pytest.fixture
def deal(northstar, dora):
    """Ala owns a deal of the company; she and Dora want to hear of it."""
    northstar.lead.delete()
    for member in (northstar.ala, dora):
        choose(member, "email", CO_SELLING, True)
        choose(member, "desktop", CO_SELLING, True)
    return northstar.share_a_deal()


def signs_up(northstar):
    northstar.happens(event="CRM Signed Up")


def test_the_deputy_of_a_deals_owner_is_told(northstar, dora, deal):
    is_away(northstar.ala, dora)
    signs_up(northstar)
    drain(patience_seconds=0)
    assert mailed() == ["dora"]
    assert "You get this for Ala, who is away until" in mail.outbox[0].body
    assert f"the shared deal “{deal.name}”" in mail.outbox[0].body
    assert {("Ala", "", "away"), ("Dora", "deputy", "sent")} <= decided()
    assert sum(broken().values()) == 0


def test_an_owner_who_goes_away_while_the_mail_waits_leaves_it_to_the_deputy(northstar, dora, deal):
    """Dora had only ticked the topic, and was told why that is not enough."""
    signs_up(northstar)
    evaluate_due()
    assert ("Dora", "", "not_owner_or_team") in decided()
    is_away(northstar.ala, dora)
    drain(patience_seconds=0)
    assert mailed() == ["dora"]
    assert {("Ala", "", "away"), ("Dora", "deputy", "sent")} <= decided()
    assert sum(broken().values()) == 0


def test_an_absent_one_who_leaves_the_deal_takes_the_deputy_along(northstar, dora, deal):
    is_away(northstar.ala, dora)
    signs_up(northstar)
    evaluate_due()
    deal.members.update(removed_at=timezone.now())
    drain(patience_seconds=0)
    assert mailed() == []
    email = Delivery.objects.get(channel="email", notification__membership=dora)
    assert (email.state, email.reason) == ("cancelled", "no_longer_member")


def test_without_a_deputy_the_team_is_told_as_ever(northstar, dora, deal):
    deal.members.create(membership=dora, role="team", added_at=None)
    is_away(northstar.ala)
    signs_up(northstar)
    drain(patience_seconds=0)
    assert mailed() == ["dora"]
    assert decided() >= {("Ala", "", "away"), ("Dora", "", "sent")}


def test_a_batch_asks_as_often_for_many_who_are_away(northstar, dora):
    is_away(northstar.ala, dora)
    northstar.happens()
    evaluate_due()
    deliveries = Delivery.objects.filter(channel="email", notification__membership=dora)

    def act():
        recheck = Recheck(deliveries.values_list("pk", flat=True))
        assert all("for Ala" in render(recheck.check(d).context).why[1] for d in recheck.deliveries)

    def grow():
        for number in range(3):
            northstar.happens(event="Contact Sales Requested", message_id=f"more-{number}")
        evaluate_due()

    assert_constant_queries(act, grow)
