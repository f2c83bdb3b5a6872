"""Somebody is away: what their deputy is told, what they find in the bell, and their page."""

from __future__ import annotations

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core import mail
from django.utils import timezone
from django.utils.formats import date_format

from accounts.models import AuditEntry
from accounts.services.members import remove_member
from notifications.delivery.recheck import Recheck
from notifications.drain import drain
from notifications.evaluation import evaluate_due
from notifications.facts.people import load_people
from notifications.invariants import broken
from notifications.models import Absence, Decision, Delivery
from notifications.rendering import render
from notifications.when.services import snooze
from tests.factories import choose, make_lead, make_member, make_webhook, switch_on
from tests.notifications.test_when_page import PLAIN
from tests.notifications.told import decided, mailed
from tests.queries import assert_constant_queries
from tests.world import World, read

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


# --- The pages ------------------------------------------------------------------------------

URL = "/settings/when/"


@pytest.fixture
def world():
    world = World()
    make_lead(world.northstar, "acme.example", company="ACME")
    switch_on(world.northstar, world.ala)
    return world


def post(client, who, **days):
    client.force_login(who.user)
    return client.post(URL, PLAIN | {f"away-{name}": value for name, value in days.items()})


def days(first=0, last=5):
    day = timezone.localdate()
    return {"begins": day + timedelta(days=first), "ends": day + timedelta(days=last)}


def test_an_absence_is_chosen_written_down_and_shown(client, world):
    assert post(client, world.ala, **days(), deputy=world.bartek.pk).status_code == 302
    absence = Absence.objects.get()
    assert (absence.membership, absence.deputy) == (world.ala, world.bartek)
    entry = AuditEntry.objects.get(action="absence.changed")
    assert entry.new.endswith("· Bartek · bartek@northstar.example")
    page = read(client, world.ala.user, URL)
    assert f'value="{absence.ends:%Y-%m-%d}"' in page


def test_empty_days_end_it(client, world):
    is_away(world.ala)
    post(client, world.ala, begins="", ends="", deputy="")
    assert not Absence.objects.exists()
    assert AuditEntry.objects.get(action="absence.changed").new == ""


def go_back(client, who):
    client.force_login(who.user)
    return client.post(f"{URL}back/", follow=True).content.decode()


def test_who_is_away_says_that_they_are_back(client, world):
    absence = is_away(world.ala, world.bartek)
    page = read(client, world.ala.user, URL)
    assert f"Away until {date_format(absence.ends)}" in page
    page = go_back(client, world.ala)
    assert "You are told again from now on." in page
    assert "I am back" not in page
    assert not Absence.objects.exists()
    entry = AuditEntry.objects.get(action="absence.changed")
    assert entry.old.endswith("· Bartek · bartek@northstar.example")
    assert (entry.actor, entry.new) == (world.ala.user, "")
    world.does()
    assert mailed() == ["ala"]


def test_a_pause_outlasts_the_absence(client, world):
    is_away(world.ala)
    snooze(world.ala, timezone.now() + timedelta(hours=1))
    page = go_back(client, world.ala)
    assert "You are no longer away, but everything is still paused." in page


def test_an_absence_that_lies_ahead_is_removed(client, world):
    is_away(world.ala, **days(2, 5))
    page = read(client, world.ala.user, URL)
    assert "I am back" not in page
    assert "Remove this absence" in page
    assert "The absence is removed." in go_back(client, world.ala)
    assert not Absence.objects.exists()
    assert AuditEntry.objects.filter(action="absence.changed").count() == 1


def test_who_is_not_away_has_nothing_to_end(client, world):
    is_away(world.bartek)
    page = read(client, world.ala.user, URL)
    assert "I am back" not in page
    assert "Remove this absence" not in page
    assert "You are not away." in go_back(client, world.ala)
    assert Absence.objects.get().membership == world.bartek
    assert not AuditEntry.objects.exists()


def test_a_refused_page_still_says_what_is_stored(client, world):
    absence = is_away(world.ala)
    page = post(client, world.ala, **days(3, 1)).content.decode()
    assert f"Away until {date_format(absence.ends)}" in page


def test_an_old_page_without_the_days_changes_nothing(client, world):
    is_away(world.ala)
    post(client, world.ala)
    assert Absence.objects.exists()


@pytest.mark.parametrize(
    ("sent", "why"),
    [
        ({"begins": "2026-01-10", "ends": ""}, "Choose both days, or none."),
        ({"begins": "", "ends": "2126-01-10"}, "Choose both days, or none."),
        (days(3, 1), "The last day is before the first."),
        (days(-5, -3), "This day has passed."),
        ({**days(), "begins": "x"}, "Enter a valid date."),
        ({**days(), "deputy": "celina"}, "Choose an active member of your account."),
        ({**days(), "deputy": "ala"}, "Choose an active member of your account."),
    ],
)
def test_what_cannot_be_is_refused(client, world, sent, why):
    who = getattr(world, str(sent.get("deputy")), None)
    answer = post(client, world.ala, **(sent | ({"deputy": who.pk} if who else {})))
    assert answer.status_code == 422
    assert why in answer.content.decode()
    assert not Absence.objects.exists()


def test_an_absence_that_is_over_is_not_shown(client, world):
    is_away(world.ala, begins=date(2020, 1, 1), ends=date(2020, 1, 2))
    assert "2020-01-02" not in read(client, world.ala.user, URL)


def test_who_is_removed_is_nobodys_deputy(world):
    absence = is_away(world.ala, world.bartek)
    is_away(world.bartek)
    remove_member(world.ala.user, world.bartek)
    absence.refresh_from_db()
    assert absence.deputy is None
    assert Absence.objects.count() == 1


def test_the_communication_page_says_who_is_told(client, world):
    is_away(world.ala, world.bartek)
    page = read(client, world.ala.user, "/settings/partners/communication/")
    assert "Recipient is away until" in page
    assert "Bartek, the deputy, is told instead." in page
    Absence.objects.update(deputy=None)
    page = read(client, world.ala.user, "/settings/partners/communication/")
    assert "Only the bell of Ala has it until then." in page
    world.northstar.communication.backup = world.bartek
    world.northstar.communication.save()
    page = read(client, world.ala.user, "/settings/partners/communication/")
    assert "Bartek, the backup, is told instead." in page


def test_the_leads_page_says_who_is_told(client, world):
    is_away(world.ala, world.bartek)
    lead = world.northstar.leads.get()
    assert "Bartek is told (" in read(client, world.ala.user, f"/leads/{lead.pk}/")


def test_the_story_says_for_whom_and_why_not(client, world):
    is_away(world.ala, world.bartek)
    activity = world.does()
    address = f"/activity/{activity.message_id}/"
    page = read(client, world.bartek.user, address)
    assert "You are told about ACME. For Ala, who is away." in page
    page = read(client, world.ala.user, address)
    assert "The user is away, and is told by the bell alone." in page
