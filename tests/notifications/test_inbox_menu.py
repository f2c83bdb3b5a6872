"""The "…" menu of a notification (R76): what each choice does, and how it is taken back."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone
from django.utils.formats import date_format

from accounts.templatetags.moments import due, since
from notifications.inbox.snooze import Wait, offers, snoozed_until
from notifications.models import Delivery, Notification, Preference, Snooze
from notifications.stream.permits import read_token
from partners.models import Lead
from tests.factories import (
    choose,
    make_company,
    make_deal,
    make_lead,
    make_member,
    make_profile,
    make_webhook,
)

WARSAW, NEW_YORK = ZoneInfo("Europe/Warsaw"), ZoneInfo("America/New_York")
SENTENCE = "anna@acme.example (ACME) requested a demo"


def page(client, address="/inbox/"):
    return client.get(address).content.decode()


def mute(member, until, lead=None):
    """Keep the lead, or everything, from the member."""
    return Snooze.objects.create(membership=member, lead=lead, until=until)


def bell(client):
    return client.get("/inbox/unread/").json()


def undo(client, text):
    """Press the button that takes the last choice back."""
    action = re.search(r'action="([^"]+)" data-quiet>(?:(?!</form>).)*>Undo<', text)
    assert action, text
    return client.post(action.group(1).replace("&amp;", "&"), follow=True).content.decode()


# --- Archive ------------------------------------------------------------------------------


def test_what_is_archived_leaves_inbox_and_bell_and_can_be_brought_back(ala, url):
    text = ala.post(f"{url}archive/", follow=True).content.decode()
    assert "Archived." in text
    assert SENTENCE not in text
    assert bell(ala)["count"] == 0
    assert SENTENCE not in page(ala, "/inbox/panel/")
    archived = page(ala, "/inbox/?show=archived")
    assert SENTENCE in archived
    assert "Back to the inbox" in archived
    ala.post(f"{url}bring-back/")
    assert SENTENCE in page(ala)
    assert bell(ala)["count"] == 0  # Who put it away has read it.


def test_taking_it_back_also_makes_it_unread_again(ala, url):
    undo(ala, ala.post(f"{url}archive/", follow=True).content.decode())
    assert SENTENCE in page(ala)
    assert bell(ala)["count"] == 1


# --- Snooze -------------------------------------------------------------------------------


def test_what_is_snoozed_comes_back_unread_as_the_newest(ala, url, world):
    ala.post(f"{url}read/")
    ala.post(f"{url}snooze/", {"wait": "hour"})
    world.does("jan@acme.example")
    assert SENTENCE not in page(ala)
    assert bell(ala)["count"] == 1
    moves_at = datetime.fromtimestamp(bell(ala)["moves_at"], UTC)
    assert timedelta(minutes=58) < moves_at - timezone.now() < timedelta(minutes=61)
    assert "Comes back on" in page(ala, "/inbox/?show=snoozed")
    pk = int(url.split("/")[2])
    Notification.objects.filter(pk=pk).update(snoozed_until=timezone.now())
    assert bell(ala)["unread"][0] == pk
    assert (bell(ala)["count"], bell(ala)["moves_at"]) == (2, None)
    text = page(ala)
    assert text.index("anna@acme.example") < text.index("jan@acme.example")
    assert SENTENCE not in page(ala, "/inbox/?show=snoozed")


def test_a_snooze_is_taken_back(ala, url):
    before = page(ala).count(SENTENCE)
    undo(ala, ala.post(f"{url}snooze/", {"wait": "monday"}, follow=True).content.decode())
    assert page(ala).count(SENTENCE) == before
    assert bell(ala)["moves_at"] is None


@pytest.mark.parametrize("wait", ["", "year", "\0"])
def test_there_is_no_other_time(ala, url, wait):
    assert ala.post(f"{url}snooze/", {"wait": wait}).status_code == 404
    assert SENTENCE in page(ala)


@pytest.mark.parametrize(
    ("wait", "now", "until"),
    [
        ("hour", datetime(2026, 11, 24, 16, 30, tzinfo=WARSAW), "2026-11-24T17:30:00+01:00"),
        ("tomorrow", datetime(2026, 11, 24, 0, 5, tzinfo=WARSAW), "2026-11-25T09:00:00+01:00"),
        ("monday", datetime(2026, 11, 24, 16, 30, tzinfo=WARSAW), "2026-11-30T09:00:00+01:00"),
        ("monday", datetime(2026, 11, 30, 8, 0, tzinfo=WARSAW), "2026-12-07T09:00:00+01:00"),
        ("monday", datetime(2026, 11, 29, 8, 0, tzinfo=WARSAW), "2026-11-30T09:00:00+01:00"),
        # The nights when clocks change: 9:00 is 9:00, and an hour is an hour.
        ("tomorrow", datetime(2026, 3, 28, 12, 0, tzinfo=WARSAW), "2026-03-29T09:00:00+02:00"),
        ("tomorrow", datetime(2026, 10, 24, 12, 0, tzinfo=WARSAW), "2026-10-25T09:00:00+01:00"),
        ("hour", datetime(2026, 3, 29, 1, 30, tzinfo=WARSAW), "2026-03-29T03:30:00+02:00"),
        ("hour", datetime(2026, 10, 25, 2, 30, tzinfo=WARSAW), "2026-10-25T02:30:00+01:00"),
        ("tomorrow", datetime(2026, 3, 7, 12, 0, tzinfo=NEW_YORK), "2026-03-08T09:00:00-04:00"),
        ("tomorrow", datetime(2026, 10, 31, 12, 0, tzinfo=NEW_YORK), "2026-11-01T09:00:00-05:00"),
        ("hour", datetime(2026, 3, 8, 1, 30, tzinfo=NEW_YORK), "2026-03-08T03:30:00-04:00"),
        ("hour", datetime(2026, 11, 1, 1, 30, tzinfo=NEW_YORK), "2026-11-01T01:30:00-05:00"),
    ],
)
def test_until_when(wait, now, until):
    assert snoozed_until(Wait(wait), now).isoformat() == until


def test_on_a_sunday_tomorrow_is_monday():
    sunday, monday = (datetime(2026, 11, day, 12, tzinfo=WARSAW) for day in (29, 30))
    assert [offer.key for offer in offers(sunday)] == ["hour", "tomorrow"]
    assert [offer.key for offer in offers(monday)] == ["hour", "tomorrow", "monday"]


def test_the_clock_is_the_readers(ala, url, world):
    world.ala.user.timezone = "America/New_York"
    world.ala.user.save()
    ala.post(f"{url}snooze/", {"wait": "tomorrow"})
    until = Notification.objects.get().snoozed_until.astimezone(NEW_YORK)
    assert (until.hour, until.minute) == (9, 0)


# --- Do not show me these any more --------------------------------------------------------


def test_the_topic_is_unticked_for_bell_and_pop_ups_only(ala, url, world):
    text = ala.post(f"{url}silence/", follow=True).content.decode()
    assert "Registered lead activity: off in bell and pop-ups, only for you." in text
    cell = Preference.objects.get()
    assert (cell.membership, cell.channel, cell.key, cell.is_on) == (
        *(world.ala, "desktop", "registered_lead_activity", False),
    )
    world.does("jan@acme.example")
    newest = Notification.objects.order_by("pk").last()
    assert set(newest.deliveries.values_list("channel", flat=True)) == {"email"}
    assert "Registered lead activity: on again" in undo(ala, text)
    assert not Preference.objects.exists()


def test_only_what_was_ticked_is_ticked_again(ala, world):
    """R61: the sign-up of a lead in a shared deal comes by two topics, one of them wanted."""
    company = make_company("acme.example", owner=world.gosia.user)
    make_deal(company, shares=(world.northstar,), owner=world.ala)
    choose(world.ala, "email", "co_selling_prospect_activity", True)
    world.does("ewa@acme.example", event="CRM Signed Up")
    note = Notification.objects.order_by("pk").last()
    assert note.reasons.count() == 2
    undo(ala, ala.post(f"/inbox/{note.pk}/silence/", follow=True).content.decode())
    assert not Preference.objects.filter(channel="desktop").exists()


def test_twice_is_once(ala, url):
    ala.post(f"{url}silence/")
    assert "off already, only for you" in ala.post(f"{url}silence/", follow=True).content.decode()


def test_what_the_account_requires_stays_and_that_is_said(ala, url, world):
    """R73."""
    cell = ("desktop", "registered_lead_activity")
    make_profile(world.northstar, cells={cell: True}, locked=(cell,), is_default=True)
    text = ala.post(f"{url}silence/", follow=True).content.decode()
    assert "profile requires it, so it stays on." in text
    assert not Preference.objects.exists()


def test_nothing_foreign_is_ticked(ala, url):
    ala.post(f"{url}show-again/?topics=delivery_problems,co_selling_prospect_activity,x")
    assert not Preference.objects.exists()


def test_a_word_about_an_endpoint_cannot_be_switched_off(ala, url, world):
    hook = make_webhook(world.ala, "https://hooks.example.com/in")
    Notification.objects.update(notice="suppressed_address", endpoint=hook)
    assert "Do not show me these any more" not in page(ala)
    assert "Go to preferences" in page(ala)
    ala.post(f"{url}silence/")
    assert not Preference.objects.filter(channel="desktop").exists()


def test_preferences_open_where_the_topic_stands(ala):
    link = re.search(r'href="([^"]+)">Go to preferences', page(ala)).group(1)
    path, _, anchor = link.partition("#")
    text = page(ala, path)
    assert f'id="{anchor}"' in text
    assert re.search(r'id="group-desktop-partners"[^>]* open>', text)


# --- Mute, and why ------------------------------------------------------------------------


def test_the_lead_is_muted_for_a_week_and_that_is_taken_back(ala, world):
    lead = Lead.objects.get()
    answer = ala.post(f"/leads/{lead.pk}/snooze/", {"span": "week", "next": "/inbox/"}, follow=True)
    text = answer.content.decode()
    assert answer.redirect_chain == [("/inbox/", 302)]
    assert ", only for you. The bell still lists it." in text
    snooze = Snooze.objects.get(membership=world.ala, lead=lead)
    assert timedelta(days=6) < snooze.until - timezone.now() < timedelta(days=8)
    assert "ACME is muted until " in text
    assert "You are told about ACME again." in undo(ala, text)
    assert not Snooze.objects.exists()


def test_everything_is_paused_for_an_hour_and_that_is_taken_back(ala, world):
    text = ala.post("/settings/when/pause/", {"span": "hour", "next": "/inbox/"}, follow=True)
    assert "The bell still lists everything." in text.content.decode()
    assert Snooze.objects.get(membership=world.ala, lead=None).until > timezone.now()
    assert "You are told again." in undo(ala, text.content.decode())
    assert not Snooze.objects.exists()


@pytest.mark.parametrize("address", ["/inbox/", "/inbox/panel/"])
def test_a_muted_lead_looks_muted_and_is_unmuted_where_it_stands(ala, world, address):
    lead, until = Lead.objects.get(), timezone.now() + timedelta(days=6)
    make_lead(world.northstar, "other.example", company="Other")
    world.does("bob@other.example")
    text = page(ala, address)
    assert text.count("Mute this lead for a week") == 2
    assert "Muted until" not in text
    mute(world.ala, until, lead)
    mute(world.bartek, until, Lead.objects.get(domain="other.example"))
    mute(world.ala, timezone.now(), Lead.objects.get(domain="other.example"))  # That is over.
    text = page(ala, address)
    assert text.count(f"Muted until {due(until)}") == 1
    assert text.count("Mute this lead for a week") == 1
    form = re.search(r'action="([^"]+)"(?:(?!</form>).)*Unmute this lead', text, re.DOTALL)
    ala.post(form.group(1), {"span": "", "next": address})
    assert "Muted until" not in page(ala, address)


def test_a_pause_stands_above_the_inbox_and_in_the_bell(ala, world):
    assert "is paused until" not in page(ala) + page(ala, "/inbox/panel/")
    until = timezone.now() + timedelta(hours=1)
    mute(world.bartek, until)
    assert not bell(ala)["paused"]
    mute(world.ala, until)
    said = f"Everything is paused until {since(until)}"
    for address in ("/inbox/", "/inbox/panel/"):
        text = page(ala, address)
        assert said in text
        assert "Resume" in text
    label = f"Notifications, 1 unread, paused until {since(until)}"
    assert (bell(ala)["paused"], bell(ala)["label"]) == (said, label)
    assert bell(ala)["moves_at"] == until.timestamp()
    assert f'aria-label="{label}"' in page(ala, "/leads/")
    Notification.objects.update(read_at=timezone.now())
    assert bell(ala)["label"] == f"Notifications, paused until {since(until)}"
    text = ala.post("/settings/when/pause/", {"span": "", "next": "/inbox/"}, follow=True)
    assert said not in text.content.decode()
    assert not bell(ala)["paused"]


@pytest.mark.parametrize("is_of_a_lead", [True, False])
def test_what_lasts_longer_already_goes_on(ala, world, is_of_a_lead):
    """And no Undo would end it."""
    lead = Lead.objects.get() if is_of_a_lead else None
    url = f"/leads/{lead.pk}/snooze/" if lead else "/settings/when/pause/"
    longer = timezone.now() + timedelta(days=20)
    mute(world.ala, longer, lead)
    text = ala.post(url, {"span": "week" if lead else "hour"}, follow=True).content.decode()
    assert Snooze.objects.get().until == longer
    assert ">Undo<" not in text
    assert date_format(timezone.localtime(longer), "j M") in text


def test_the_menu_offers_both_and_says_why(ala, world):
    text, lead = page(ala), Lead.objects.get()
    assert f'action="/leads/{lead.pk}/snooze/"' in text
    assert 'action="/settings/when/pause/"' in text
    link = re.search(r'href="([^"]+)">Why am I getting this', text).group(1)
    assert "Why did I get this, or why not?" in page(ala, link)


def test_a_lead_that_is_anothers_now_cannot_be_muted(ala, world):
    Lead.objects.update(account=world.southwind)
    assert "Mute this lead" not in page(ala)


def test_a_partner_manager_keeps_hours_but_has_no_leads_to_mute(client, world):
    pat = make_member(world.vendor, "pat@northwind.example", role="partner_manager")
    Notification.objects.update(membership=pat, account=world.vendor)
    Delivery.objects.update(account=world.vendor)
    client.force_login(pat.user)
    text = page(client)
    assert SENTENCE in text
    assert "Why am I getting this" in text
    assert "Mute this lead" not in text
    assert "Pause everything for an hour" in text
    client.post("/settings/when/pause/", {"span": "hour"})
    assert Snooze.objects.get().membership == pat


# --- For scripts, and for nobody else -----------------------------------------------------


def test_a_script_gets_the_words_alone(ala, url):
    answer = ala.post(f"{url}archive/", {"next": "/leads/"}, headers={"X-Fragment": "1"})
    text = answer.content.decode()
    assert answer.status_code == 200
    assert "<html" not in text
    assert "Archived." in text
    assert 'name="next" value="/leads/"' in text
    assert "Archived." not in page(ala)  # It was said once.


def test_the_way_back_stays_on_the_site(ala, url):
    assert ala.post(f"{url}archive/", {"next": "/inbox/?kind=lead"}).url == "/inbox/?kind=lead"
    assert ala.post(f"{url}archive/", {"next": "//evil.example/"}).url == "/inbox/"


@pytest.mark.parametrize("name", ["archive", "bring-back", "snooze", "silence", "show-again"])
def test_nobody_changes_anothers_notification(client, world, url, name):
    for other in (world.bartek, world.celina, world.gosia):
        client.force_login(other.user)
        assert client.post(f"{url}{name}/", {"wait": "hour"}).status_code == 404
        assert client.get(f"{url}{name}/").status_code == 405
    note = Notification.objects.get()
    assert (note.archived_at, note.snoozed_until) == (None, None)
    assert not Preference.objects.exists()


# --- Open pages ----------------------------------------------------------------------------


def test_the_page_learns_what_the_member_wants(ala, world):
    assert (bell(ala)["popup"], bell(ala)["red_dot"]) == (False, False)
    choose(world.ala, "desktop", "popup", True)
    assert (bell(ala)["popup"], bell(ala)["red_dot"]) == (True, False)


def test_where_pages_may_listen(ala, settings):
    assert ala.get("/inbox/stream/").json() == {"url": ""}
    settings.STREAM_URL = "https://live.example"
    answer = ala.get("/inbox/stream/")
    assert answer.json()["url"].startswith("https://live.example/?token=")
    assert "no-store" in answer.headers["Cache-Control"]


def test_a_permit_ends_with_the_session(ala, settings, world):
    settings.STREAM_URL = "https://live.example"
    session = ala.session
    session.set_expiry(60)
    session.save()
    address = urlsplit(ala.get("/inbox/stream/").json()["url"])
    permit = read_token(parse_qs(address.query)["token"][0])
    assert permit.member == world.ala.pk
    assert permit.origin == "http://testserver"
    assert 0 < permit.seconds_left <= 60
