""" "I'm on it": who may say so, who sees it, and how it ends."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from accounts.models import AuditEntry
from accounts.services.members import remove_member
from notifications.claims.selectors import holding, on_items
from notifications.claims.services import take
from notifications.eligibility import CLAIM_HOLDS, Matter, claim_holds
from notifications.inbox.selectors import inbox, with_subjects
from notifications.models import Claim, Notification
from tests.factories import (
    choose,
    make_client,
    make_company,
    make_contact,
    make_deal,
    make_lead,
    switch_on,
)
from tests.queries import assert_constant_queries
from tests.world import World, read

NOW = timezone.now()


@pytest.mark.parametrize(
    ("passed", "current", "holds"),
    [
        (timedelta(0), True, True),
        (CLAIM_HOLDS - timedelta(seconds=1), True, True),
        (CLAIM_HOLDS, True, False),
        (timedelta(0), False, False),
    ],
)
def test_a_claim_holds_for_seven_days_and_while_its_owner_can_sign_in(passed, current, holds):
    assert claim_holds(NOW - passed, NOW, current=current) is holds


@pytest.fixture
def world(db):
    """Ala was told of a lead."""
    world = World()
    world.lead = make_lead(world.northstar, "acme.example", company="ACME")
    switch_on(world.northstar, world.ala, backup=world.bartek)
    world.activity = world.does()
    return world


def url(world):
    return f"/on-it/lead/{world.lead.pk}/"


def press(client, who, address, **data):
    client.force_login(who.user)
    return client.post(address, data)


def claims():
    return [(claim.membership.user.name, str(claim.lead or claim.deal)) for claim in _rows()]


def _rows():
    return Claim.objects.select_related("membership__user").order_by("pk")


# --- Saying it ----------------------------------------------------------------------------


def test_whoever_was_told_says_so_and_it_is_written_down(client, world):
    answer = press(client, world.ala, url(world), next="/inbox/")
    assert (answer.status_code, answer["Location"]) == (302, "/inbox/")
    assert claims() == [("Ala", "ACME · Northstar Agency")]
    entry = AuditEntry.objects.get(action="claim.taken")
    assert (entry.actor_name, entry.subject) == ("Ala", "ACME")


def test_looking_at_the_page_of_the_link_changes_nothing(client, world):
    page = read(client, world.ala.user, url(world))
    assert "I'm on it" in page
    assert not Claim.objects.exists()


def test_who_was_told_nothing_cannot_say_so(client, world):
    client.force_login(world.bartek.user)
    assert client.get(url(world)).status_code == 403
    assert client.post(url(world)).status_code == 403
    assert "I'm on it" not in read(client, world.bartek.user, f"/leads/{world.lead.pk}/")


@pytest.mark.parametrize("who", ["celina", "gosia"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_another_accounts_lead_is_not_there(client, world, who, method):
    client.force_login(getattr(world, who).user)
    assert getattr(client, method)(url(world)).status_code == 404


def test_there_is_no_such_thing_to_be_on(client, world):
    client.force_login(world.ala.user)
    assert client.post(f"/on-it/account/{world.northstar.pk}/").status_code == 404


def test_the_first_one_wins(client, world):
    told(world.bartek, world)
    press(client, world.bartek, url(world))
    client.force_login(world.ala.user)
    text = client.post(url(world), follow=True).content.decode()
    assert "Bartek is on it already." in text
    assert claims() == [("Bartek", "ACME · Northstar Agency")]


def told(member, world):
    """Let the member be told of the next activity, as the chosen recipient."""
    settings = world.northstar.communication
    settings.recipient = member
    settings.save()
    world.does(event="Contact Sales Requested")


def test_who_is_not_on_it_any_more_leaves_it_to_others(client, world):
    press(client, world.ala, url(world))
    press(client, world.ala, url(world), release="1")
    assert claims() == []
    assert AuditEntry.objects.filter(action="claim.released").count() == 1
    press(client, world.ala, url(world), release="1")  # An old page: nothing happens.
    assert AuditEntry.objects.filter(action="claim.released").count() == 1


def test_nobody_ends_what_a_colleague_has_said(client, world):
    press(client, world.ala, url(world))
    told(world.bartek, world)
    press(client, world.bartek, url(world), release="1")
    assert claims() == [("Ala", "ACME · Northstar Agency")]


def test_an_old_word_makes_room(client, world):
    press(client, world.ala, url(world))
    Claim.objects.update(claimed_at=timezone.now() - CLAIM_HOLDS)
    told(world.bartek, world)
    press(client, world.bartek, url(world))
    assert claims() == [("Bartek", "ACME · Northstar Agency")]


def test_who_is_deactivated_or_removed_is_on_nothing(world):
    matter = Matter("lead", world.lead.pk)
    take(world.bartek, matter, world.lead)
    world.bartek.is_active = False
    world.bartek.save()
    assert holding([world.northstar.pk], [matter]) == {}
    remove_member(world.ala.user, world.bartek)
    assert not Claim.objects.exists()


def test_each_partner_of_a_deal_has_a_word_of_its_own(world):
    deal = make_deal(make_company("other.example"), shares=(world.northstar, world.southwind))
    matter = Matter("deal", deal.pk)
    take(world.ala, matter, deal)
    take(world.celina, matter, deal)
    assert claims() == [("Ala", deal.name), ("Celina", deal.name)]
    assert set(holding([world.southwind.pk], [matter])) == {(world.southwind.pk, matter)}


# --- Who sees it --------------------------------------------------------------------------


def test_colleagues_see_it_where_they_would_begin(client, world):
    press(client, world.ala, url(world))
    told(world.bartek, world)
    at = timezone.localtime(Claim.objects.get().claimed_at).strftime("%H:%M")
    places = ("/inbox/", "/inbox/panel/", f"/leads/{world.lead.pk}/")
    for path in (*places, f"/activity/{world.activity.message_id}/"):
        assert f"Ala is on it since {at}" in read(client, world.bartek.user, path), path
        assert f"You are on it since {at}" in read(client, world.ala.user, path), path
        assert "any more" in read(client, world.ala.user, path), path


def test_the_first_partner_sees_it_on_the_deal_and_nobody_else_does(client, world):
    company = make_company("deal.example", owner=world.gosia.user)
    deal = make_deal(company, shares=(world.northstar, world.southwind), owner=world.ala)
    make_contact("ewa@deal.example", company)
    choose(world.ala, "email", "co_selling_prospect_activity", True)
    activity = world.does("ewa@deal.example", event="CRM Signed Up")
    press(client, world.ala, f"/on-it/deal/{deal.pk}/")
    assert "You are on it since" in read(client, world.ala.user, f"/deals/{deal.pk}/")
    assert "Ala is on it since" in read(client, world.bartek.user, f"/deals/{deal.pk}/")
    for who in (world.celina, world.gosia):
        page = read(client, who.user, f"/deals/{deal.pk}/")
        assert "on it since" not in page
        assert "Ala is on it" not in page
    page = read(client, world.gosia.user, f"/activity/{activity.message_id}/")
    assert "on it since" not in page


def test_a_client_has_it_on_the_page_of_the_activity(client, world):
    row = make_client(world.northstar, "client.example", company="Client Ltd")
    activity = world.does("jan@client.example")
    press(client, world.ala, f"/on-it/client/{row.pk}/")
    page = read(client, world.ala.user, f"/activity/{activity.message_id}/")
    assert "Client Ltd" in page
    assert "You are on it since" in page


def test_the_mail_leads_to_the_page_with_the_button(client, world):
    (message,) = mail.outbox
    assert "I'm on it\n" in message.body
    assert f"{url(world)}?account=northstar" in message.body


def test_the_inbox_asks_once_for_all_its_items(world):
    def act():
        rows = list(with_subjects(inbox(world.ala)))
        assert all(on_items(rows).values())

    def grow():
        for number in range(3):
            make_lead(world.northstar, f"lead{number}.example")
            world.does(f"anna@lead{number}.example")

    assert_constant_queries(act, grow)


def test_a_button_without_a_page_answers_with_words_alone(client, world):
    client.force_login(world.ala.user)
    answer = client.post(url(world), headers={"X-Fragment": "1"})
    assert "ACME: you are on it." in answer.content.decode()


def test_the_words_name_the_lead_and_can_be_taken_back(client, world):
    looks = Notification.objects.filter(membership=world.ala).values_list("read_at", "seen_at")
    before = list(looks.all())
    answer = press(client, world.ala, url(world), next="/leads/")
    page = client.get(answer["Location"]).content.decode()
    assert "ACME: you are on it. Your colleagues can see that." in page
    assert list(looks.all()) != before
    undo = re.search(r'action="(/on-it/[^"]+)"', page).group(1)
    answer = client.post(undo, {"next": "/leads/"}, follow=True)
    assert "ACME: you are not on it any more." in answer.content.decode()
    assert claims() == []
    assert list(looks.all()) == before


def test_what_was_said_before_is_not_offered_to_be_taken_back(client, world):
    press(client, world.ala, url(world))
    assert "release=1" in read(client, world.ala.user, "/leads/")
    press(client, world.ala, url(world))
    page = read(client, world.ala.user, "/leads/")
    assert "ACME: you are on it. Your colleagues can see that." in page
    assert "release=1" not in page


def test_what_is_about_something_else_as_well_stays_unread(client, world):
    about = Notification.objects.get(reasons__lead=world.lead, membership=world.ala)
    deal = make_deal(make_company("other.example"), shares=(world.northstar,), owner=world.ala)
    about.reasons.create(kind="deal", deal=deal)
    press(client, world.ala, url(world))
    about.refresh_from_db()
    assert about.read_at is None


def test_who_is_on_it_has_read_what_their_bell_has_about_it(client, world):
    make_lead(world.northstar, "other.example")
    world.does("jan@other.example")
    world.does()
    about = Notification.objects.filter(reasons__lead=world.lead, membership=world.ala)
    assert list(about.values_list("read_at", flat=True)) == [None, None]
    press(client, world.ala, url(world))
    assert about.exclude(read_at=None).count() == 2
    (other,) = Notification.objects.filter(read_at=None)
    assert other.membership == world.ala


def test_who_comes_too_late_has_read_nothing(client, world):
    told(world.bartek, world)
    take(world.bartek, Matter("lead", world.lead.pk), world.lead)
    press(client, world.ala, url(world))
    assert Notification.objects.filter(membership=world.ala, read_at=None).exists()
