"""The inbox and the bell (R77)."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from notifications.models import Notification, Trigger
from tests.factories import (
    choose,
    make_client,
    make_company,
    make_deal,
    make_lead,
    switch_on,
)
from tests.queries import assert_constant_queries
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    world = World()
    world.lead = make_lead(world.northstar, "acme.example", company="ACME")
    switch_on(world.northstar, world.ala)
    return world


@pytest.fixture
def ala(client, world):
    client.force_login(world.ala.user)
    return client


def html(client, url="/inbox/"):
    answer = client.get(url)
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_start_page_is_the_inbox(ala):
    assert ala.get("/").url == "/inbox/"


def test_ala_reads_who_did_what_and_why_she_sees_it(ala, world):
    world.does("anna@acme.example")
    text = html(ala)
    assert "anna@acme.example (ACME) requested a demo" in text
    assert "Your registered lead acme.example" in text
    assert "is-unread" in text
    assert "Notifications, 1 unread" in text


def test_an_item_says_when_it_happened(ala, world):
    happened = timezone.now() - timedelta(hours=30)
    world.does("anna@acme.example", occurred_at=happened)
    assert "1 day ago" in html(ala)


def test_opening_marks_as_read_and_leads_to_the_lead(ala, world):
    world.does()
    note = Notification.objects.get()
    assert f'<form method="post" action="/inbox/{note.pk}/">' in html(ala)
    assert ala.post(f"/inbox/{note.pk}/").url == f"/leads/{world.lead.pk}/"
    note.refresh_from_db()
    assert note.read_at
    assert "is-unread" not in html(ala)


def test_following_a_link_marks_nothing(ala, world):
    """Browsers fetch links ahead and scanners of mail follow them; a GET only leads on."""
    world.does()
    note = Notification.objects.get()
    assert ala.get(f"/inbox/{note.pk}/").url == f"/leads/{world.lead.pk}/"
    note.refresh_from_db()
    assert note.read_at is None
    for url in ("/inbox/", "/inbox/panel/"):
        assert f'href="/inbox/{note.pk}/' not in html(ala, url)


def test_opening_needs_the_token_of_the_page(world):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(world.ala.user)
    world.does()
    note = Notification.objects.get()
    assert browser.post(f"/inbox/{note.pk}/").status_code == 403
    for url in ("/inbox/", "/inbox/panel/"):
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', html(browser, url))
        sent = {"csrfmiddlewaretoken": token.group(1)}
        assert browser.post(f"/inbox/{note.pk}/", sent).status_code == 302


def test_a_client_has_no_page_so_its_item_leads_to_the_explanation(ala, world):
    make_client(world.northstar, "brightly.example")
    activity = world.does("jo@brightly.example")
    note = Notification.objects.get()
    assert ala.get(f"/inbox/{note.pk}/").url == f"/activity/{activity.message_id}/"


def test_a_deal_item_leads_to_the_deal(client, world):
    company = make_company("lumen.example", owner=world.gosia.user)
    deal = make_deal(company, shares=(world.northstar,), owner=world.bartek)
    choose(world.bartek, "desktop", "co_selling_prospect_activity", True)
    world.does("piotr@lumen.example", event="CRM Signed Up")
    client.force_login(world.bartek.user)
    assert f"Shared deal “{deal.name}”" in html(client)
    note = Notification.objects.get()
    assert client.get(f"/inbox/{note.pk}/").url == f"/deals/{deal.pk}/"


def test_one_and_all_can_be_marked_as_read(ala, world):
    for name in ("anna", "jan", "ewa"):
        world.does(f"{name}@acme.example")
    first = Notification.objects.order_by("pk").first()
    answer = ala.post(f"/inbox/{first.pk}/read/", {"next": "/inbox/?unread=1"})
    assert (answer.status_code, answer.url) == (302, "/inbox/?unread=1")
    assert Notification.objects.filter(read_at=None).count() == 2
    ala.post("/inbox/read/")
    assert not Notification.objects.filter(read_at=None).exists()


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example/", "x", ""])
def test_the_way_back_stays_on_the_site(ala, world, elsewhere):
    assert ala.post("/inbox/read/", {"next": elsewhere}).url == "/inbox/"


def test_nobody_reads_anothers_notifications(client, world):
    world.does()
    note = Notification.objects.get()
    for other in (world.bartek, world.celina, world.gosia):
        client.force_login(other.user)
        assert "anna@acme.example" not in html(client)
        assert client.get(f"/inbox/{note.pk}/").status_code == 404
        assert client.post(f"/inbox/{note.pk}/").status_code == 404
        assert client.post(f"/inbox/{note.pk}/read/").status_code == 404
        assert client.post("/inbox/read/").status_code == 302
    client.force_login(world.obcy)
    assert client.get(f"/inbox/{note.pk}/").status_code == 403
    note.refresh_from_db()
    assert note.read_at is None


def test_a_get_marks_nothing_in_bulk(ala, world):
    world.does()
    assert ala.get("/inbox/read/").status_code == 405


def test_filters_by_kind_and_unread(ala, world):
    make_client(world.northstar, "brightly.example")
    world.does("anna@acme.example")
    world.does("jo@brightly.example")
    assert "jo@brightly.example" not in html(ala, "/inbox/?kind=lead")
    assert "anna@acme.example" not in html(ala, "/inbox/?kind=client")
    ala.post("/inbox/read/")
    assert "Nothing matches" in html(ala, "/inbox/?unread=1")


def test_an_empty_inbox_says_what_to_do(ala):
    text = html(ala)
    assert "Nothing here yet" in text
    assert "/settings/notifications/" in text


def test_the_vendors_empty_inbox_does_not_speak_of_leads_of_its_own(client, world):
    client.force_login(world.gosia.user)
    text = html(client)
    assert "Partners are told about their leads" in text
    assert "leads, clients and deals of" not in text


def test_what_is_only_mailed_or_too_old_is_not_in_the_inbox(ala, world):
    world.does("anna@acme.example")
    Notification.objects.update(created_at=timezone.now() - timedelta(days=91))
    choose(world.ala, "desktop", "bell", False)
    world.does("jan@acme.example")
    assert "Nothing here yet" in html(ala)


def test_the_bell_is_answered_cheaply_when_nothing_is_new(ala, world):
    world.does()
    answer = ala.get("/inbox/unread/")
    body = answer.json()
    assert (body["count"], body["badge"], body["red_dot"]) == (1, "1", False)
    tag = answer.headers["ETag"]
    assert ala.get("/inbox/unread/", headers={"if-none-match": tag}).status_code == 304
    world.does("jan@acme.example")
    fresh = ala.get("/inbox/unread/", headers={"if-none-match": tag})
    assert (fresh.status_code, fresh.json()["label"]) == (200, "Notifications, 2 unread")


def test_the_badge_stops_at_ninety_nine(ala, world):
    world.does()
    note = Notification.objects.get()
    desktop = note.deliveries.get(channel="desktop")
    for number in range(120):
        note.pk, note.visit, note.dedupe_key = None, None, f"copy-{number}"
        note.save(force_insert=True)
        desktop.pk, desktop.notification = None, note
        desktop.save(force_insert=True)
    assert ala.get("/inbox/unread/").json()["badge"] == "99+"


def test_the_panel_lists_the_newest(ala, world):
    for number in range(9):
        world.does(f"p{number}@acme.example")
    text = html(ala, "/inbox/panel/")
    assert text.count('class="item is-unread"') == 8
    assert "p8@acme.example" in text
    assert "p0@acme.example" not in text


@pytest.mark.parametrize("url", ["/inbox/", "/inbox/panel/", "/inbox/unread/"])
def test_queries_do_not_grow(ala, world, url):
    Trigger.objects.create(key="brochure", label="Took a brochure", event_name="Brochure")
    number = iter(range(99))

    def grow():
        for _ in range(3):
            world.does(f"p{next(number)}@acme.example")
            world.does(f"p{next(number)}@acme.example", event="Brochure")

    grow()
    # Session, user, memberships, vendor, bell; keys, rows, reasons, triggers twice.
    assert assert_constant_queries(lambda: ala.get(url), grow) <= 12
