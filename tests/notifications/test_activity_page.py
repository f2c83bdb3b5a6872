"""/activity/ (the vendor's event debugger, a partner's timeline) and /triggers/."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import AuditEntry
from notifications import quarantine
from notifications.activities import pages
from notifications.drain import drain
from notifications.models import Trigger
from notifications.views import activity as views
from partners.models import Activity, RejectedEvent
from tests.factories import (
    make_activity,
    make_client,
    make_contact,
    make_lead,
    make_member,
    switch_on,
)
from tests.queries import assert_constant_queries
from tests.world import World, read

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    return World()


def reject(world, **fields):
    fields.setdefault("received_at", timezone.now())
    fields.setdefault("message_id", "bad-1")
    return RejectedEvent.objects.create(
        source=world.source, index=3, code="bad_number", message="NaN.", excerpt="{…}", **fields
    )


def said(answer) -> list[str]:
    return [str(message) for message in answer.context["messages"]]


# --- The vendor ---------------------------------------------------------------------------


def test_the_debugger_shows_accepted_and_rejected_events(client, world):
    make_lead(world.northstar, "acme.example")
    switch_on(world.northstar, world.ala)
    world.does(message_id="good-1")
    world.does(message_id="dull-1", event="Read The Blog")
    reject(world)
    page = read(client, world.gosia.user, "/activity/")
    for words in ("good-1", "Requested a demo", "1 person told", "dull-1", "bad-1", "bad_number"):
        assert words in page, words


def test_a_refused_event_of_a_batch_is_found_in_the_debugger(client, world):
    """Contract, section 3: single events of a batch were rejected."""
    from tests.factories import make_source

    _source, key = make_source()
    batch = [{"type": "track", "event": "A", "userId": "u", "messageId": "ok-1"}, 7]
    answer = client.post(
        "/v1/batch",
        json.dumps({"batch": batch, "writeKey": key}),
        content_type="application/json",
    )
    assert answer.json()["accepted"] == 1
    page = read(client, world.gosia.user, "/activity/?tab=rejected")
    assert "object_expected" in page
    assert "ok-1" not in page


def test_the_tabs(client, world):
    world.does(message_id="good-1")
    world.does(message_id="broken-1")
    Activity.objects.filter(message_id="broken-1").update(state="quarantined", problem="Boom")
    reject(world)
    rejected = read(client, world.gosia.user, "/activity/?tab=rejected")
    assert "bad-1" in rejected
    assert "good-1" not in rejected
    aside = read(client, world.gosia.user, "/activity/?tab=quarantined")
    assert "broken-1" in aside
    assert "Boom" in aside
    assert "good-1" not in aside
    assert "good-1" in read(client, world.gosia.user, "/activity/?tab=nonsense")


def test_what_was_set_aside_is_evaluated_again(client, world):
    make_lead(world.northstar, "acme.example")
    switch_on(world.northstar, world.ala)
    activity = make_activity(world.source, make_contact("anna@acme.example"), message_id="aside-1")
    aside = {"state": "quarantined", "failures": 5, "problem": "Boom"}
    Activity.objects.filter(pk=activity.pk).update(**aside)
    boss = make_member(world.vendor, role="admin")
    assert "have them tried again" in read(client, boss.user, "/activity/?tab=quarantined")
    answer = client.post("/set-aside/evaluate/", follow=True)
    assert said(answer) == ["1 event is tried again. What fails once more comes back here."]
    activity.refresh_from_db()
    assert (activity.state, activity.problem) == ("pending", "")
    drain(patience_seconds=0)
    assert "1 person told" in read(client, boss.user, "/activity/?q=aside-1")
    entry = AuditEntry.objects.get(action="activities.evaluate_again")
    assert (entry.actor, entry.new) == (boss.user, "1")
    again = client.post("/set-aside/evaluate/", follow=True)
    assert said(again) == ["Nothing is set aside any more."]
    assert AuditEntry.objects.filter(action="activities.evaluate_again").count() == 1


def test_only_what_was_found_is_tried_again(client, world):
    for name in ("acme", "lumen"):
        make_activity(world.source, make_contact(f"anna@{name}.example"), message_id=name)
    Activity.objects.update(state="quarantined", failures=5, problem="Boom")
    client.force_login(make_member(world.vendor, role="admin").user)
    page = client.get("/activity/?tab=quarantined&q=anna@acme.example").content.decode()
    assert "Try these again" in page
    answer = client.post("/set-aside/evaluate/", {"q": "anna@acme.example"})
    assert answer.url == "/activity/?tab=quarantined&q=anna%40acme.example"
    waiting = Activity.objects.filter(state="pending")
    assert list(waiting.values_list("message_id", flat=True)) == ["acme"]
    assert AuditEntry.objects.get(action="activities.evaluate_again").subject == "anna@acme.example"
    again = client.post("/set-aside/evaluate/", {"q": "anna@acme.example"}, follow=True)
    assert said(again)[-1:] == ["Nothing of what you searched for is set aside any more."]


def test_what_is_more_than_one_go_is_tried_again_in_several(client, world, monkeypatch):
    for module in (quarantine, views):
        monkeypatch.setattr(module, "MOST", 25)
    anna = make_contact("anna@acme.example")
    for _ in range(26):
        make_activity(world.source, anna)
    Activity.objects.update(state="quarantined", failures=5, problem="Boom")
    boss = make_member(world.vendor, role="admin").user
    page = read(client, boss, "/activity/?tab=quarantined")
    assert "Try the oldest 25 again" in page
    assert "10 a second" in page and "more than 72 hours old by then" in page
    answer = client.post("/set-aside/evaluate/", follow=True)
    assert said(answer) == [
        "25 events are tried again. 10 a second; the last is due in 2.0 s."
        " What fails once more comes back here."
    ]
    assert "Try everything set aside again" in read(client, boss, "/activity/?tab=quarantined")


def test_whoever_only_reads_is_told_who_can_have_it_evaluated(client, world):
    world.does(message_id="aside-1")
    Activity.objects.filter(message_id="aside-1").update(state="quarantined", problem="Boom")
    page = read(client, world.gosia.user, "/activity/?tab=quarantined")
    assert "an operator or an admin of yours" in page
    assert "/set-aside/evaluate/" not in page


@pytest.mark.parametrize("text", ["good-1", "anna@acme.example", "ANNA@acme.example", " good-1 "])
def test_search(client, world, text):
    world.does(message_id="good-1")
    world.does("jan@lumen.example", message_id="other-1")
    page = read(client, world.gosia.user, f"/activity/?q={text}")
    assert "good-1" in page
    assert "other-1" not in page


def test_search_finds_a_rejected_event(client, world):
    reject(world)
    assert "bad_number" in read(client, world.gosia.user, "/activity/?q=bad-1")


@pytest.mark.parametrize(
    "cursor",
    [
        *("x", "~", "2026-99-01T00:00:00+00:00~1", "2026-01-01~1~r"),
        *("0001-01-01T00:00:00%2B14:00~1", "9999-12-31T23:59:59-12:00~1"),  # No time in UTC.
    ],
)
def test_a_broken_cursor_shows_the_first_page(client, world, cursor):
    world.does(message_id="good-1")
    assert "good-1" in read(client, world.gosia.user, f"/activity/?before={cursor}&q=%00")


def test_pages_join_without_gap_or_repetition(client, world, monkeypatch):
    """Also among events of the same moment, accepted and rejected."""
    monkeypatch.setattr(pages, "PAGE_SIZE", 3)
    now = timezone.now()
    contact = make_contact("anna@acme.example")
    expected = []
    for minutes in (0, 0, 0, 1, 1):
        at = now - timedelta(minutes=minutes)
        number = len(expected)
        make_activity(world.source, contact, message_id=f"m-{number}", received_at=at)
        reject(world, message_id=f"m-{number + 1}", received_at=at)
        expected += [f"m-{number}", f"m-{number + 1}"]
    seen, before = [], None
    while True:
        page = pages.debugger("all", "", before)
        seen += [row.message_id for row in page.rows]
        if page.older is None:
            break
        before = pages.Cursor.read(str(page.older))
    assert sorted(seen) == sorted(expected)
    assert len(seen) == len(set(seen))


def test_the_debugger_makes_constant_queries(client, world):
    make_lead(world.northstar, "acme.example")
    switch_on(world.northstar, world.ala)

    def grow():
        for _row in range(5):
            world.does()
            reject(world)

    grow()
    client.force_login(world.gosia.user)
    assert_constant_queries(lambda: client.get("/activity/"), grow)


# --- A partner ------------------------------------------------------------------------------


def test_a_partner_reads_its_own_leads_and_clients(client, world):
    make_lead(world.northstar, "acme.example")
    make_client(world.northstar, "lumen.example")
    make_lead(world.southwind, "other.example")
    for domain in ("acme", "lumen", "other", "stranger"):
        world.does(f"anna@{domain}.example", message_id=domain)
    reject(world)
    page = read(client, world.ala.user, "/activity/")
    assert "anna@acme.example" in page
    assert "anna@lumen.example" in page
    for secret in ("other.example", "stranger.example", "bad-1"):
        assert secret not in page
    assert "anna@other.example" in read(client, world.celina.user, "/activity/")


def test_a_partner_cannot_search_for_what_it_may_not_see(client, world):
    make_lead(world.southwind, "other.example")
    world.does("anna@other.example", message_id="m-1")
    for text in ("anna@other.example", "m-1"):
        assert "Nothing found" in read(client, world.ala.user, f"/activity/?q={text}")
    assert "bad-1" not in read(client, world.ala.user, "/activity/?tab=rejected")


def test_the_timeline_makes_constant_queries(client, world):
    numbers = iter(range(1_000))

    def grow():
        for _row in range(4):
            number = next(numbers)
            make_lead(world.northstar, f"c{number}.example")
            world.does(f"anna@c{number}.example")

    grow()
    client.force_login(world.ala.user)
    assert_constant_queries(lambda: client.get("/activity/"), grow)


# --- Which actions notify ---------------------------------------------------------------------


def test_the_catalogue_in_plain_words(client, world):
    Trigger.objects.create(key="demo_request", enabled=False)
    Trigger.objects.create(key="own", label="Visited the fair page", page_path="/fair")
    page = read(client, world.ala.user, "/triggers/")
    for words in (
        "Viewed pricing page",
        "pages whose path begins with /pricing",
        "the event “signed up” for the product “crm”",
        "the page /fair",
        "within 24 hours",
        "Only the first time",
        "and the owner and team of a shared deal",
    ):
        assert words in page, words
    assert page.index("Visited the fair page") < page.index("Requested a demo")


def test_a_timeline_says_what_was_done_and_not_who_was_recognised(client, world):
    make_lead(world.northstar, "acme.example")
    world.does(message_id="id-1", type="identify", event="")
    blog = {"properties": {"path": "/blog/"}}
    world.does(message_id="page-1", type="page", event="Blog", payload=blog)
    home = {"properties": {"path": "/"}}
    world.does(message_id="page-2", type="page", event="Northwind CRM", payload=home)
    page = read(client, world.ala.user, "/activity/")
    assert "Viewed the page “Blog”" in page
    assert "Viewed the home page" in page
    assert "id-1" not in page


def test_keys_are_for_the_vendor(client, world):
    assert "pricing_view" in read(client, world.gosia.user, "/triggers/")
    assert "pricing_view" not in read(client, world.ala.user, "/triggers/")


def test_the_actions_say_who_switches_them_and_lead_a_partner_back(client, world):
    page = read(client, world.ala.user, "/triggers/")
    assert "Northwind decides which of them are on." in page
    assert '<p class="crumbs"><a href="/settings/partners/communication/">' in page
    of_the_vendor = read(client, world.gosia.user, "/triggers/")
    assert "decides which" not in of_the_vendor
    assert "/settings/partners/communication/" not in of_the_vendor


def test_a_search_without_result_names_the_other_places_and_reveals_nothing(client, world):
    """The words are the same, whether there is something that is not theirs or nothing."""
    make_lead(world.northstar, "acme.example")
    switch_on(world.northstar, world.ala)
    world.does("anna@acme.example", message_id="of-ala")
    hint = "Only what concerns your account is listed."
    foreign, none = (
        read(client, world.celina.user, f"/activity/?q={text}@acme.example")
        for text in ("anna", "nobd")
    )
    assert hint in foreign and "of-ala" not in foreign
    assert foreign.replace("anna@", "nobd@") == none
    assert hint not in read(client, world.celina.user, "/activity/")
