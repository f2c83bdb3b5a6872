"""Slack and Teams on the whole path: decided, sent, left alone, given up, told without names."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from notifications.channels import OTHER_APPS
from notifications.channels.registry import sender_of
from notifications.delivery.claim import claim, sweep
from notifications.delivery.outcome import next_try, start
from notifications.delivery.recheck import Recheck
from notifications.delivery.send import deliver_due
from notifications.drain import drain
from notifications.evaluation import evaluate_due
from notifications.invariants import broken
from notifications.models import Delivery, Endpoint, EndpointHealth, Notification
from notifications.topics import CO_SELLING, LEAD_ACTIVITY
from tests.chats import Chats, texts_of
from tests.factories import choose, make_chat, make_webhook
from tests.northstar import SIGN_UP

pytestmark = pytest.mark.django_db


@pytest.fixture
def chats(settings):
    settings.ALLOW_PRIVATE_WEBHOOKS = True
    with Chats() as chats:
        yield chats


@pytest.fixture(params=["slack", "teams"])
def kind(request):
    return request.param


def happens(northstar, times=1, **fields):
    for _ in range(times):
        northstar.happens(**fields)
    evaluate_due()
    drain(patience_seconds=0)


def rows():
    return Delivery.objects.filter(channel=OTHER_APPS).order_by("pk")


def states() -> list[str]:
    return sorted(rows().values_list("state", flat=True))


def said(request) -> str:
    return " ".join(texts_of(request.json))


# --- What goes out ----------------------------------------------------------------------------


def test_each_app_gets_its_own_kind_of_message(northstar, chats):
    slack, teams = chats.slack(), chats.teams()
    make_chat(northstar.ala, "slack", slack)
    make_chat(northstar.ala, "teams", teams)
    make_webhook(northstar.ala, f"{chats.url}/hook")
    chats.answer = lambda request: (200, {}, b"ok")
    happens(northstar)
    assert chats.to(slack)[0].json["blocks"]
    assert chats.to(teams)[0].json["attachments"]
    assert chats.at("/hook")[0].json["type"] == "lead.activity"
    assert states() == ["delivered"] * 3
    assert sum(broken().values()) == 0


def test_a_message_arrives_and_its_links_lead_back(northstar, chats, kind, settings):
    url = getattr(chats, kind)()
    make_chat(northstar.ala, kind, url)
    happens(northstar)
    (request,) = chats.to(url)
    text = said(request)
    assert "requested a demo" in text and "anna@acme.example" in text
    assert f"{settings.SITE_URL}/leads/{northstar.lead.pk}/" in text
    assert states() == ["delivered"]
    assert EndpointHealth.objects.get().sent_at


def test_eight_tries_of_a_chat_and_ten_of_a_webhook():
    for kind, tries, hours in (("slack", 8, 28), ("teams", 8, 28), ("webhook", 10, 76)):
        sender = sender_of(OTHER_APPS, kind)
        assert next_try(sender, tries - 1) and next_try(sender, tries) is None
        lasts = sum(sender.retries, timedelta())
        assert timedelta(hours=hours - 1) < lasts < timedelta(hours=hours)


# --- What comes back ----------------------------------------------------------------------------


def test_what_slack_does_not_understand_is_dead_and_the_channel_well(northstar, chats):
    make_chat(northstar.ala, "slack", chats.slack("no_text"))
    happens(northstar)
    assert states() == ["dead"]
    assert rows().get().detail == "200 no_text"
    assert not Endpoint.objects.exclude(disabled_at=None).exists()
    assert EndpointHealth.objects.get().failures == 0


@pytest.mark.parametrize(
    ("kind", "answer"),
    [
        ("slack", "channel_is_archived"),
        ("slack", "no_service"),
        ("slack", "action_prohibited"),
        ("slack", "not-found"),
        ("slack", "gone"),
        ("teams", "not-found"),
        ("teams", "gone"),
    ],
)
def test_what_is_gone_is_given_up_at_once_and_the_owner_told(northstar, chats, kind, answer):
    url = getattr(chats, kind)(answer)
    chat = make_chat(northstar.ala, kind, url)
    happens(northstar, 3)
    drain(patience_seconds=0)
    assert len(chats.to(url)) == 1
    chat.refresh_from_db()
    assert chat.disabled_because == Endpoint.Why.GONE
    assert states() == ["dead", "suppressed", "suppressed"]
    assert Notification.objects.exclude(notice="").get().endpoint == chat
    assert sum(broken().values()) == 0


@pytest.mark.parametrize(("kind", "answer"), [("slack", "busy"), ("teams", "busy")])
def test_who_asks_for_a_pause_gets_it(northstar, chats, kind, answer):
    url = getattr(chats, kind)(answer)
    make_chat(northstar.ala, kind, url)
    happens(northstar, 3)
    assert len(chats.to(url)) == 1
    wait = EndpointHealth.objects.get().wait_until - timezone.now()
    assert timedelta(seconds=110) < wait <= timedelta(seconds=120)
    assert sorted(rows().values_list("starts", flat=True)) == [0, 0, 1]


def test_a_200_of_teams_that_hides_a_refusal_is_one(northstar, chats):
    url = chats.teams("hidden-429")
    make_chat(northstar.ala, "teams", url)
    happens(northstar, 2)
    assert states() == ["pending", "pending"]
    assert len(chats.to(url)) == 1
    assert EndpointHealth.objects.get().wait_until > timezone.now()
    chats.change(url, "one")
    EndpointHealth.objects.update(wait_until=None)
    rows().update(not_before=timezone.now())
    drain(patience_seconds=0)
    assert states() == ["delivered", "delivered"]


@pytest.mark.parametrize(("never_twice", "state"), [(True, "unknown"), (False, "pending")])
def test_one_that_never_answers(northstar, chats, kind, settings, never_twice, state):
    settings.HTTP_DEADLINE = timedelta(seconds=0.3)
    url = getattr(chats, kind)("hang")
    make_chat(northstar.ala, kind, url, never_twice=never_twice)
    happens(northstar)
    assert states() == [state]
    assert rows().get().detail == "no answer within 0.3 s"


def test_nothing_is_sent_into_a_private_network(northstar, kind):
    with Chats() as chats:
        make_chat(northstar.ala, kind, getattr(chats, kind)())
        happens(northstar)
        assert chats.requests == []
        assert "not reachable from outside" in rows().get().detail


def test_a_chat_that_was_removed_during_a_send_that_was_cut(northstar, chats):
    chat = make_chat(northstar.ala, "slack", chats.slack())
    northstar.happens()
    evaluate_due()
    token = uuid.uuid4()
    recheck = Recheck(claim(OTHER_APPS, token, 1))
    start(recheck.check(recheck.deliveries[0]), token)
    chat.delete()
    rows().update(lease_until=timezone.now() - timedelta(minutes=1))
    sweep()
    assert states() == ["pending"]
    deliver_due(OTHER_APPS)
    assert (states(), chats.requests) == (["suppressed"], [])


# --- Topics of one endpoint -----------------------------------------------------------------------


def test_each_endpoint_gets_the_topics_that_it_takes(northstar, chats):
    northstar.share_a_deal()
    choose(northstar.ala, OTHER_APPS, CO_SELLING, True)
    places = {
        "all": make_chat(northstar.ala, "slack", chats.slack()),
        "leads": make_chat(northstar.ala, "teams", chats.teams(), topics_off=[CO_SELLING]),
        "deals": make_webhook(northstar.ala, f"{chats.url}/hook", topics_off=[LEAD_ACTIVITY]),
        "none": make_webhook(northstar.ala, chats.url, topics_off=[CO_SELLING, LEAD_ACTIVITY]),
    }
    chats.answer = lambda _request: (200, {}, b"ok")
    happens(northstar, **SIGN_UP)
    told = {place.key: name for name, place in places.items()}
    assert {told[row.endpoint_key]: row.state for row in rows()} == dict.fromkeys(
        ("all", "leads", "deals"), "delivered"
    )
    leads, deals = said(chats.to(chats.teams())[0]), chats.at("/hook")[0].json
    assert "shared deal" not in leads and "is a lead registered" in leads
    assert [reason["kind"] for reason in deals["data"]["reasons"]] == ["deal"]
    assert sum(broken().values()) == 0


def test_a_topic_that_was_unticked_before_the_send_is_not_sent_there(northstar, chats):
    chat = make_chat(northstar.ala, "slack", chats.slack())
    other = make_chat(northstar.ala, "teams", chats.teams())
    northstar.happens()
    evaluate_due()
    Endpoint.objects.filter(pk=chat.pk).update(topics_off=[LEAD_ACTIVITY])
    drain(patience_seconds=0)
    assert rows().get(endpoint_key=chat.key).reason == "topic_off"
    assert rows().get(endpoint_key=chat.key).state == "suppressed"
    assert rows().get(endpoint_key=other.key).state == "delivered"
    assert northstar.lead.decisions.get().outcome == "send"


# --- Without names -----------------------------------------------------------------------------


def test_a_channel_that_others_read_gets_no_names(northstar, chats, kind, settings):
    url = getattr(chats, kind)()
    make_chat(northstar.ala, kind, url, teaser=True)
    happens(northstar)
    (request,) = chats.to(url)
    text = said(request)
    assert "A lead of Northstar requested a demo" in text
    activity = Notification.objects.get().activity
    assert f"{settings.SITE_URL}/activity/{activity.message_id}/" in text
    for secret in ("anna", "Anna", "acme", "ACME", "ala@"):
        assert secret not in text


def test_a_deal_without_names(northstar, chats):
    northstar.share_a_deal()
    northstar.lead.delete()
    choose(northstar.ala, OTHER_APPS, CO_SELLING, True)
    make_chat(northstar.ala, "slack", chats.slack(), teaser=True)
    happens(northstar, **SIGN_UP)
    (request,) = chats.to(chats.slack())
    what = "Somebody from a company with a shared deal of Northstar signed up for the CRM"
    assert what in said(request)
