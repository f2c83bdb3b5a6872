"""Connecting Slack and Teams on the pages: friendly, and the address stays a secret."""

from __future__ import annotations

import json
import re
from urllib.parse import unquote

import pytest
from django.db import connection

from accounts.models import AuditEntry
from notifications.models import Delivery, Endpoint, EndpointHealth
from tests.chats import Chats
from tests.factories import make_chat, make_lead, make_webhook, switch_on
from tests.world import World, read

pytestmark = pytest.mark.django_db
LIST = "/settings/endpoints/"
SLACK = "https://hooks.slack.com/services/T01SECRET/B01SECRET/secretSECRETa1b2"
TEAMS = "https://a.environment.api.powerplatform.com/workflows/x?sig=secretSECRETc3d4"
ADDRESSES = {"slack": SLACK, "teams": TEAMS}


@pytest.fixture
def world():
    return World()


@pytest.fixture
def chats(settings):
    settings.ALLOW_PRIVATE_WEBHOOKS = True
    with Chats() as chats:
        yield chats


def add(client, world, kind, **data):
    client.force_login(world.ala.user)
    return client.post(f"{LIST}add-{kind}/", {"name": "Sales", **data}, follow=True)


def post(client, endpoint, part="", **data):
    return client.post(f"{LIST}{endpoint.pk}/{part}", data, follow=True)


def says(answer) -> str:
    return " ".join(str(message) for message in answer.context["messages"])


def log():
    entries = AuditEntry.objects.filter(action__startswith="endpoints.").order_by("pk")
    return list(entries.values_list("action", "subject", "old", "new"))


# --- Connecting -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "words"), [("slack", "Incoming Webhooks"), ("teams", "Send webhook alerts")]
)
def test_the_page_says_where_the_address_comes_from(client, world, kind, words):
    html = read(client, world.ala.user, f"{LIST}add-{kind}/")
    assert html.count("<li>") >= 4 and words in html
    assert "Without names" in html and "Never send twice" in html


def test_a_webhook_has_no_channel_that_others_read(client, world):
    assert "Without names" not in read(client, world.ala.user, f"{LIST}add-webhook/")
    add(client, world, "webhook", address="https://hooks.example.com/x", teaser="on")
    assert not Endpoint.objects.get().teaser


@pytest.mark.parametrize("kind", ADDRESSES)
def test_a_chat_is_connected(client, world, kind):
    answer = add(client, world, kind, address=ADDRESSES[kind], teaser="on")
    endpoint = Endpoint.objects.get()
    assert answer.redirect_chain == [(f"{LIST}{endpoint.pk}/", 302)]
    assert says(answer) == "“Sales” is added."
    assert (endpoint.kind, endpoint.sends_to, endpoint.teaser) == (kind, ADDRESSES[kind], True)
    assert not endpoint.is_signed


@pytest.mark.parametrize(
    ("kind", "address", "why"),
    [
        ("slack", "https://example.com/x", "This is not from Slack"),
        ("slack", SLACK[:50], "The address is not complete. Copy it from Slack once more."),
        ("teams", "https://a.webhook.office.com/x", "Microsoft has retired these addresses"),
        ("teams", SLACK, "not the address of a workflow in Teams"),
        ("teams", "http://a.logic.azure.com/", "starts with https://"),
        ("slack", "", "This field is required"),
    ],
)
def test_what_cannot_be_used_is_refused_at_its_field(client, world, kind, address, why):
    answer = add(client, world, kind, address=address)
    assert answer.status_code == 422
    html = answer.content.decode()
    assert re.search(rf'id="id_address_error"[^>]*>[^<]*{re.escape(why)}', html)
    assert 'value="Sales"' in html
    assert not Endpoint.objects.exists()


def test_the_same_address_again_is_refused(client, world):
    add(client, world, "slack", address=SLACK)
    answer = add(client, world, "slack", name="Again", address=SLACK)
    assert answer.status_code == 422
    assert "You have this address already: “Sales”" in answer.content.decode()


# --- The address stays a secret ---------------------------------------------------------------


@pytest.mark.parametrize("kind", ADDRESSES)
def test_the_address_is_shown_nowhere(client, admin_client, world, kind):
    add(client, world, kind, address=ADDRESSES[kind])
    endpoint = Endpoint.objects.get()
    EndpointHealth.objects.create(channel="other_apps", endpoint_key=endpoint.key)
    pages = [LIST, f"{LIST}{endpoint.pk}/", f"{LIST}{endpoint.pk}/remove/"]
    pages += ["/settings/notifications/other-apps/", "/deliveries/"]
    for page in pages:
        assert "SECRET" not in read(client, world.ala.user, page), page
    assert ADDRESSES[kind][-4:] in read(client, world.ala.user, f"{LIST}{endpoint.pk}/")
    for page in ("", f"{endpoint.pk}/change/"):
        html = admin_client.get(f"/admin/notifications/endpoint/{page}").content.decode()
        assert "Sales" in html and "SECRET" not in html
    host = ADDRESSES[kind].split("/")[2]
    assert log() == [("endpoints.added", "Sales", "", host)]


def test_the_address_does_not_lie_readable_in_the_database(client, world):
    add(client, world, "slack", address=SLACK)
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM notifications_endpoint")
        assert "SECRET" not in str(cursor.fetchall())


def test_an_answer_that_repeats_the_address_is_not_shown(client, world, chats):
    url = chats.teams("run-of-the-workflow") + "%2Fmore"
    escaped = json.dumps({"at": url, "sig": url.partition("sig=")[2]}).replace("/", r"\/")
    chats.answer = lambda _request: (500, {}, f"no service {escaped} {unquote(url)}".encode())
    endpoint = make_chat(world.ala, "teams", url)
    make_lead(world.northstar)
    switch_on(world.northstar, world.ala)
    world.does()
    assert chats.requests
    row = Delivery.objects.get(endpoint_key=endpoint.key)
    for told in (EndpointHealth.objects.get().last_error, row.detail, row.attempts.get().detail):
        assert "no service" in told and "…" in told
        assert "Secret" not in told and "run-of" not in told


# --- Changing -------------------------------------------------------------------------------


def test_an_empty_address_keeps_the_present_one(client, world):
    add(client, world, "slack", address=SLACK)
    endpoint = Endpoint.objects.get()
    answer = post(client, endpoint, name="Deals", address="", never_twice="on")
    assert says(answer) == "“Deals” is saved."
    endpoint.refresh_from_db()
    assert (endpoint.name, endpoint.sends_to, endpoint.never_twice) == ("Deals", SLACK, True)
    assert [action for action, *_more in log()[1:]] == ["endpoints.never_twice", "endpoints.name"]


def test_another_address_begins_anew(client, world):
    add(client, world, "slack", address=SLACK)
    endpoint = Endpoint.objects.get()
    EndpointHealth.objects.create(channel="other_apps", endpoint_key=endpoint.key, openings=3)
    post(client, endpoint, name="Sales", address=SLACK[:-4] + "zzzz")
    endpoint.refresh_from_db()
    assert endpoint.sends_to.endswith("zzzz") and endpoint.address.endswith("…zzzz")
    assert EndpointHealth.objects.get().openings == 0
    assert log()[-1] == ("endpoints.address", "Sales", "hooks.slack.com", "hooks.slack.com")


def test_a_chat_has_no_secret_to_show_or_renew(client, world):
    add(client, world, "slack", address=SLACK)
    endpoint = Endpoint.objects.get()
    for part in ("secret/", "secret/new/"):
        assert post(client, endpoint, part).status_code == 404


# --- Test -------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ADDRESSES)
def test_a_test_is_a_real_message(client, world, chats, kind):
    url = getattr(chats, kind)()
    add(client, world, kind, address=url)
    answer = post(client, Endpoint.objects.get(), "test/")
    assert "The test arrived" in says(answer)
    (request,) = chats.to(url)
    assert "Test: Sales" in request.body.decode()


@pytest.mark.parametrize(
    ("kind", "reply", "words"),
    [
        ("slack", "channel_is_archived", "Its channel is archived."),
        ("slack", "no_service", "The workspace has removed this address."),
        ("slack", "no_text", "It refused the message (200)."),
        ("teams", "hidden-429", "so it asked for a pause."),
        ("teams", "not-found", "It knows nothing at this address (404)."),
    ],
)
def test_a_failed_test_says_why_in_plain_words(client, world, chats, kind, reply, words):
    endpoint = make_chat(world.ala, kind, getattr(chats, kind)(reply))
    client.force_login(world.ala.user)
    assert words in says(post(client, endpoint, "test/"))
    assert not EndpointHealth.objects.exists()


# --- Topics of one endpoint ----------------------------------------------------------------------


def ticked(html: str) -> set[str]:
    return set(re.findall(r'name="topic" value="(\w+)"[^>]* checked', html))


def test_topics_are_ticked_for_each_endpoint(client, world):
    hook = make_webhook(world.bartek, "https://hooks.example.com/x")
    html = read(client, world.bartek.user, f"{LIST}{hook.pk}/")
    lead = "registered_lead_activity"
    every = {"co_selling_prospect_activity", "escalation", lead}
    assert ticked(html) == every
    assert html.count("Not ticked under Other apps") == 2
    answer = post(client, hook, "topics/", topic=sorted(every - {lead}))
    assert says(answer) == "The topics of “Sales hook” are saved."
    hook.refresh_from_db()
    assert hook.topics_off == [lead]
    html = answer.content.decode()
    assert ticked(html) == every - {lead}
    assert "No topic is ticked below that is ticked for “Other apps” as well." in html
    assert "Some topics only" in read(client, world.bartek.user, LIST)
    post(client, hook, "topics/", topic=sorted(every))
    hook.refresh_from_db()
    assert hook.topics_off == []
    assert log() == [
        ("endpoints.topic", "Sales hook", f"{lead} on", f"{lead} off"),
        ("endpoints.topic", "Sales hook", f"{lead} off", f"{lead} on"),
    ]


def test_a_topic_that_somebody_cannot_see_stays_as_it_is(client, world):
    hook = make_webhook(world.bartek, "https://x.example.com/", topics_off=["delivery_problems"])
    client.force_login(world.bartek.user)
    post(client, hook, "topics/", topic=["nonsense", "delivery_problems"])
    hook.refresh_from_db()
    assert set(hook.topics_off) == {
        "co_selling_prospect_activity",
        "delivery_problems",
        "escalation",
        "registered_lead_activity",
    }
