"""Pushes on the whole path: who gets one, what a locked screen shows, when a browser left."""

from __future__ import annotations

import io
import json
from datetime import timedelta

import pytest
from django.core import mail
from django.core.management import call_command
from django.utils import timezone

from notifications.delivery.replay import repeatable
from notifications.drain import drain
from notifications.endpoints import services
from notifications.evaluation import evaluate_due
from notifications.inbox.selectors import inbox
from notifications.invariants import broken
from notifications.models import Attempt, Delivery, Endpoint, EndpointHealth, Notification
from partners.models import Activity
from tests.factories import choose, make_client, make_device
from tests.northstar import SIGN_UP
from tests.push import BrowserKeys

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser():
    return BrowserKeys()


@pytest.fixture
def laptop(northstar, sink, browser):
    """A browser of Ala's, switched on."""
    return make_device(
        northstar.ala, f"{sink.url}/laptop", browser.keys, channel="desktop", name="Laptop"
    )


@pytest.fixture
def phone(northstar, sink, browser):
    return make_device(northstar.ala, f"{sink.url}/phone", browser.keys)


def told(northstar, **fields) -> None:
    northstar.happens(**fields)
    drain(patience_seconds=0)


def places(channel: str = "desktop") -> dict[str, str]:
    rows = Delivery.objects.filter(channel=channel)
    return dict(rows.values_list("endpoint_key", "state"))


# --- Who ---------------------------------------------------------------------------------------


def test_the_bell_and_each_browser_have_a_delivery_of_their_own(northstar, laptop, sink, browser):
    other = make_device(
        northstar.ala, f"{sink.url}/other", browser.keys, channel="desktop", name="Other"
    )
    told(northstar)
    assert places() == dict.fromkeys(("user", laptop.key, other.key), "delivered")
    assert sorted(request.path for request in sink.requests) == ["/laptop", "/other"]
    assert inbox(northstar.ala).count() == 1
    assert sum(broken().values()) == 0


def test_the_decisions_name_the_bell_as_ever(northstar, laptop):
    told(northstar)
    out = io.StringIO()
    call_command("decisions", "--jsonl", stdout=out)
    (line,) = map(json.loads, out.getvalue().splitlines())
    sent = {"state": "delivered", "reason": "sent"}
    assert [d for d in line["deliveries"] if d["channel"] == "desktop"] == [
        {"channel": "desktop", "endpoint": "user", **sent},
        {"channel": "desktop", "endpoint": laptop.key, **sent},
    ]


def test_with_the_switch_off_only_the_bell_rings(northstar, laptop, sink):
    northstar.ala.preferences.filter(key="browser").delete()
    told(northstar)
    assert places() == {"user": "delivered"}
    assert sink.requests == []


def test_without_the_bell_a_browser_still_tells(northstar, laptop, sink):
    choose(northstar.ala, "desktop", "bell", False)
    told(northstar)
    assert places() == {laptop.key: "delivered"}
    assert not inbox(northstar.ala).exists()


def test_a_topic_that_is_not_ticked_goes_to_no_browser(northstar, laptop, sink):
    northstar.ala.preferences.filter(key="registered_lead_activity").update(is_on=False)
    told(northstar)
    assert places() == {}


def test_a_switch_that_went_off_meanwhile_stops_what_hangs_on_it(northstar, laptop):
    northstar.happens()
    evaluate_due()
    northstar.ala.preferences.filter(channel="desktop", key="browser").update(is_on=False)
    drain(patience_seconds=0)
    assert places() == {"user": "delivered", laptop.key: "suppressed"}
    assert Delivery.objects.get(channel="desktop", state="suppressed").reason == "topic_off"


def test_a_slow_push_service_holds_up_no_bell(northstar, laptop):
    northstar.happens()
    evaluate_due()
    earlier = timezone.now() - timedelta(minutes=1)
    Delivery.objects.filter(endpoint_key=laptop.key).update(not_before=earlier)
    drain(patience_seconds=0)
    begun = Attempt.objects.filter(delivery__channel="desktop").order_by("pk")
    assert list(begun.values_list("delivery__endpoint_key", flat=True)) == ["user", laptop.key]


def test_what_a_browser_got_can_be_sent_again_and_what_lies_in_the_inbox_not(northstar, laptop):
    told(northstar)
    again = repeatable(Delivery.objects.filter(channel="desktop"))
    assert set(again.values_list("endpoint_key", flat=True)) == {laptop.key}


# --- What ----------------------------------------------------------------------------------------


def pushed(sink, browser) -> dict[str, str]:
    (request,) = sink.requests
    return browser.read(request.body)


def test_a_locked_screen_names_nobody(northstar, phone, sink, browser):
    told(northstar)
    message = pushed(sink, browser)
    assert message["title"] == "A lead did something that matters"
    assert message["body"] == "Northstar"
    assert message["action"] == "Open"
    (activity,) = Activity.objects.all()
    assert message["why"]["label"] == "Why?"
    assert f"/activity/{activity.message_id}/" in message["why"]["url"]
    assert f"/leads/{northstar.lead.pk}/?account=northstar" in message["url"]
    shown = " ".join(message[part] for part in ("title", "body", "action", "tag"))
    assert "anna" not in shown and "ACME" not in shown
    (row,) = Delivery.objects.filter(channel="mobile")
    assert message["tag"] == str(row.public_id)


@pytest.mark.parametrize("channel", ["mobile", "desktop"])
def test_who_asks_for_names_gets_them_there_only(northstar, phone, laptop, sink, browser, channel):
    choose(northstar.ala, channel, "names", True)
    told(northstar)
    titles = {r.path: browser.read(r.body)["title"] for r in sink.requests}
    named = "/phone" if channel == "mobile" else "/laptop"
    assert titles.pop(named) == "anna@acme.example (ACME) requested a demo"
    assert list(titles.values()) == ["A lead did something that matters"]


def test_a_message_id_of_any_length_fits(northstar, phone, sink, browser):
    """A push is 4 kB at most, and a link may need twelve characters for one of an id."""
    told(northstar, message_id="\N{GRINNING FACE}" * 255)
    message = pushed(sink, browser)
    assert message["why"] is None
    assert len(sink.requests[0].body) < 2_000


def test_a_deal_and_a_client_are_no_lead(northstar, phone, sink, browser):
    choose(northstar.ala, "mobile", "co_selling_prospect_activity", True)
    northstar.share_a_deal()
    northstar.lead.delete()
    told(northstar, **SIGN_UP)
    assert pushed(sink, browser)["title"] == "There is news about a shared deal"
    sink.requests.clear()
    make_client(northstar.account, "acme.example")
    told(northstar)
    assert pushed(sink, browser)["title"] == "A client did something that matters"


def test_it_speaks_the_readers_language(northstar, phone, sink, browser):
    northstar.ala.user.language = "pl"
    northstar.ala.user.save()
    told(northstar)
    message = pushed(sink, browser)
    assert (message["language"], message["action"]) == ("pl", "Otwórz")


# --- Gone ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [404, 410])
def test_a_browser_that_left_is_removed_and_its_owner_told(northstar, phone, sink, status):
    sink.answer = lambda _request: (status, {}, b"")
    for _ in range(3):
        northstar.happens()
    drain(patience_seconds=0)
    drain(patience_seconds=0)
    assert len(sink.requests) == 1
    assert not Endpoint.objects.exists()
    assert not EndpointHealth.objects.filter(channel="mobile").exists()
    states = Delivery.objects.filter(channel="mobile").values_list("state", "reason")
    assert sorted(states) == [
        ("dead", "suppressed_address"),
        *[("suppressed", "suppressed_address")] * 2,
    ]
    notice = Notification.objects.exclude(notice="").get()
    assert (notice.endpoint, notice.endpoint_name) == (None, "Phone")
    (letter,) = [m for m in mail.outbox if "Removed: Phone" in m.subject]
    assert "/settings/endpoints/" in letter.body
    assert sum(broken().values()) == 0


@pytest.mark.parametrize("status", [400, 401, 403, 413, 429, 500])
def test_other_answers_remove_nothing(northstar, phone, sink, status):
    sink.answer = lambda _request: (status, {}, b"")
    told(northstar)
    assert Endpoint.objects.get().disabled_at is None


def test_what_waits_for_a_removed_device_ends_at_once(northstar, phone, sink):
    sink.answer = lambda _request: (503, {}, b"")
    told(northstar)
    services.remove(Endpoint.objects.select_related("membership__user").get())
    drain(patience_seconds=0)
    assert set(places("mobile").values()) == {"suppressed"}
