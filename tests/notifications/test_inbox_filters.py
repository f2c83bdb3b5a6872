"""The list of the inbox: filters, and pages however deep (B3)."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from notifications.inbox.filters import Filters
from notifications.models import Notification, Trigger
from tests.factories import choose, make_client, make_company, make_deal, make_lead, switch_on
from tests.queries import assert_constant_queries
from tests.world import World

pytestmark = pytest.mark.django_db
ANNA, JO, PIOTR = "anna@acme.example", "jo@brightly.example", "piotr@lumen.example"


@pytest.fixture
def world():
    """Ala has one of each kind, two days apart: a lead's, a client's, a deal's."""
    world = World()
    make_lead(world.northstar, "acme.example", company="ACME")
    make_client(world.northstar, "brightly.example", company="Brightly Ltd")
    company = make_company("lumen.example", owner=world.gosia.user)
    make_deal(company, name="Lumen CRM", shares=(world.northstar,), owner=world.ala)
    choose(world.ala, "desktop", "co_selling_prospect_activity", True)
    switch_on(world.northstar, world.ala)
    world.does(ANNA)
    world.does(JO, event="Pricing Page Viewed")
    world.does(PIOTR, event="CRM Signed Up")
    newest = timezone.now().replace(hour=12) - timedelta(days=1)  # Past, at any hour.
    for days, note in enumerate(Notification.objects.order_by("-pk")):
        Notification.objects.filter(pk=note.pk).update(created_at=newest - timedelta(days=2 * days))
    return world


@pytest.fixture
def ala(client, world):
    client.force_login(world.ala.user)
    return client


def shown(client, query=""):
    text = client.get(f"/inbox/?{query}").content.decode()
    return {email for email in (ANNA, JO, PIOTR) if f"{email} " in text}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", {ANNA, JO, PIOTR}),
        ("kind=lead", {ANNA}),
        ("kind=client", {JO}),
        ("kind=deal", {PIOTR}),
        ("kind=rubbish", {ANNA, JO, PIOTR}),
        ("trigger=demo_request", {ANNA}),
        ("trigger=pricing_view&kind=client", {JO}),
        ("trigger=pricing_view&kind=lead", set()),
        ("about=ACME", {ANNA}),
        ("about=brightly+l", {JO}),
        ("about=lumen+crm", {PIOTR}),
        ("about=.example", {ANNA, JO, PIOTR}),
        ("about=nobody", set()),
        ("about=%25", set()),
        ("unread=1", {ANNA, JO, PIOTR}),
        ("show=unread", {ANNA, JO, PIOTR}),
        ("show=archived", set()),
        ("show=snoozed", set()),
        ("since=rubbish&until=2026-02-31&before=1-x&show=%00&about=%00", {ANNA, JO, PIOTR}),
    ],
)
def test_filters(ala, query, expected):
    assert shown(ala, query) == expected


@pytest.mark.parametrize("zone", ["Pacific/Auckland", "America/Los_Angeles"])
@pytest.mark.parametrize("query", ["since=0001-01-01", "until=9999-12-31", "since=9999-12-31"])
def test_the_ends_of_the_calendar_narrow_nothing(ala, world, query, zone):
    world.ala.user.timezone = zone
    world.ala.user.save()
    assert shown(ala, query) == {ANNA, JO, PIOTR}


def test_days_are_of_the_readers_calendar(ala, world):
    world.ala.user.timezone = "Pacific/Auckland"
    world.ala.user.save()
    middle = Notification.objects.order_by("pk")[1]
    there = middle.created_at.replace(hour=20)  # The next day, in Auckland.
    Notification.objects.filter(pk=middle.pk).update(created_at=there)
    day = (there + timedelta(days=1)).date()
    assert shown(ala, f"since={day}&until={day}") == {JO}
    assert shown(ala, f"until={day - timedelta(days=1)}") == {ANNA}


def test_what_is_filtered_stays_in_the_form(ala):
    text = ala.get("/inbox/?kind=deal&about=lumen&since=2026-01-31").content.decode()
    assert '<option value="deal" selected>' in text
    assert 'name="about" value="lumen"' in text
    assert 'name="since" value="2026-01-31"' in text


def test_another_accounts_names_find_nothing(client, world):
    make_lead(world.southwind, "acme2.example", company="ACME")
    client.force_login(world.celina.user)
    assert shown(client, "about=acme") == set()


def test_empty_lists_say_why(ala):
    assert "Nothing is archived." in ala.get("/inbox/?show=archived").content.decode()
    assert "Nothing is snoozed." in ala.get("/inbox/?show=snoozed").content.decode()
    ala.post("/inbox/read/")
    assert "Everything is read." in ala.get("/inbox/?show=unread").content.decode()
    assert "Nothing matches" in ala.get("/inbox/?about=nobody").content.decode()


def test_the_query_of_the_next_page_keeps_the_filters():
    asked = {"show": "archived", "about": "a&b", "since": "2026-01-31", "before": "1-2", "x": "y"}
    assert Filters.read(asked).query == "show=archived&about=a%26b&since=2026-01-31"


@pytest.mark.parametrize("together", [True, False])
def test_pages_show_each_notification_once(ala, world, together):
    """Also when many came in the same moment."""
    for number in range(60):
        world.does(f"p{number}@acme.example")
    if together:
        Notification.objects.update(created_at=timezone.now())
    found, query = [], "kind=lead"
    while query is not None:
        text = ala.get(f"/inbox/?{query}").content.decode()
        found += re.findall(r"p\d+@acme\.example(?= \(ACME\) requested a demo</button>)", text)
        older = re.search(r'rel="next" href="\?([^"]+)"', text)
        query = older and older.group(1).replace("&amp;", "&")
    assert found == [f"p{number}@acme.example" for number in reversed(range(60))]


@pytest.mark.parametrize("query", ["show=archived", "about=acme&kind=lead&since=2026-01-01"])
def test_queries_do_not_grow(ala, world, query):
    Trigger.objects.create(key="brochure", label="Took a brochure", event_name="Brochure")
    number = iter(range(99))

    def grow():
        for _ in range(3):
            world.does(f"p{next(number)}@acme.example")
        Notification.objects.update(archived_at=timezone.now() if "archived" in query else None)

    grow()
    # Session, user, memberships, vendor, bell; triggers, keys, rows, reasons, deeds; what waits;
    # 3 for names.
    assert assert_constant_queries(lambda: ala.get(f"/inbox/?{query}"), grow) <= 15
