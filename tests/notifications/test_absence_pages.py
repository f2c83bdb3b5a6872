"""Somebody is away: their page, and what other pages say of it."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.utils import timezone
from django.utils.formats import date_format

from accounts.models import AuditEntry
from accounts.services.members import remove_member
from notifications.models import Absence
from notifications.when.services import snooze
from tests.factories import choose, make_lead, make_webhook, switch_on
from tests.notifications.test_absence import is_away
from tests.notifications.test_when_page import PLAIN
from tests.notifications.told import mailed
from tests.queries import assert_constant_queries
from tests.world import World, read

pytestmark = pytest.mark.django_db
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


NOTHING = "by e-mail, in an app or on a device, and so cannot stand in for you there."


def test_a_deputy_who_would_be_told_is_no_reason_to_warn(client, world):
    post(client, world.ala, **days(), deputy=world.bartek.pk)
    page = read(client, world.ala.user, URL)
    assert "Saved" in page
    assert "Bartek gets nothing" not in page
    assert "is away as well" not in page


def test_a_deputy_who_would_get_nothing_is_warned_of_while_the_absence_stands(client, world):
    choose(world.bartek, "email", "enabled", is_on=False)
    post(client, world.ala, **days(), deputy=world.bartek.pk)
    said = f"Bartek gets nothing about “Registered lead activity” {NOTHING}"
    assert read(client, world.ala.user, URL).count(said) == 2  # As an answer, and in the card.
    assert read(client, world.ala.user, URL).count(said) == 1
    choose(world.ala, "email", "co_selling_prospect_activity", is_on=True)
    said = "“Registered lead activity, Co Selling Prospect Activity”"
    assert said in read(client, world.ala.user, URL)
    Absence.objects.all().delete()
    assert "Bartek gets nothing" not in read(client, world.ala.user, URL)


def test_what_the_absent_one_does_not_get_is_not_missed_of_the_deputy(client, world):
    for who in (world.ala, world.bartek):
        choose(who, "email", "enabled", is_on=False)
    is_away(world.ala, world.bartek)
    assert "Bartek gets nothing" not in read(client, world.ala.user, URL)


@pytest.mark.parametrize(
    ("first", "last", "meets"),
    [(-9, -1, False), (0, 2, True), (5, 9, True), (6, 9, False), (-3, -1, False)],
)
@pytest.mark.parametrize("begun", [1, -2])
def test_a_deputy_who_is_away_on_some_of_the_days_is_warned_of(
    client, world, begun, first, last, meets
):
    own = is_away(world.bartek, **days(first, last))
    is_away(world.ala, world.bartek, **days(begun, 5))
    page = read(client, world.ala.user, URL)
    begins, ends = date_format(own.begins), date_format(own.ends)
    said = f"Bartek is away as well, from {begins} to {ends}, and is told nothing in your place"
    assert (said in page) is meets


def test_the_page_costs_the_same_whatever_the_deputy_has(client, world):
    is_away(world.ala, world.bartek)
    client.force_login(world.ala.user)
    assert_constant_queries(
        lambda: client.get(URL), lambda: make_webhook(world.bartek, "https://a.example/")
    )


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


def test_the_communication_page_names_a_deputy_who_is_not_told(client, world):
    is_away(world.ala, world.bartek)
    choose(world.bartek, "email", "enabled", is_on=False)
    page = read(client, world.ala.user, "/settings/partners/communication/")
    assert "Bartek, the deputy, gets nothing about it by e-mail, in an app or on a device." in page
    assert "Only the bell of Ala has it until then." in page
    is_away(world.bartek)
    page = read(client, world.ala.user, "/settings/partners/communication/")
    assert "Bartek, the deputy, is away as well." in page


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
