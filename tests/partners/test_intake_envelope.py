"""What surrounds an event: the write key, which is not kept, and the batch's context."""

from __future__ import annotations

import json

import pytest

from partners.models import Activity, Contact, RejectedEvent
from tests.factories import make_source

pytestmark = pytest.mark.django_db

ROBOT = "Mozilla/5.0 (compatible; Googlebot/2.1)"
ANNA = "anna@acme.example"


@pytest.fixture
def key():
    return make_source()[1]


@pytest.fixture
def send(client, key):
    def post(body: dict, path: str = "/v1/batch"):
        headers = {"Authorization": f"Bearer {key}"}
        return client.post(path, json.dumps(body), content_type="text/plain", headers=headers)

    return post


# --- The write key ------------------------------------------------------------------------


def kept() -> str:
    return json.dumps([*Activity.objects.values(), *RejectedEvent.objects.values()], default=str)


@pytest.mark.parametrize("name", ["Demo Requested", None], ids=["accepted", "rejected"])
def test_the_key_of_a_single_event_is_not_kept(send, key, name):
    send({"event": name, "writeKey": key, "messageId": "m"}, "/v1/track")
    assert '"m"' in kept() and key not in kept()


@pytest.mark.parametrize("name", ["Demo Requested", None], ids=["accepted", "rejected"])
def test_the_key_of_an_event_in_a_batch_is_not_kept(send, key, name):
    event = {"type": "track", "event": name, "writeKey": key, "messageId": "m"}
    send({"batch": [event], "writeKey": key})
    assert '"m"' in kept() and key not in kept()


def test_the_same_event_with_and_without_its_key_is_the_same(send, key):
    event = {"type": "page", "messageId": "m"}
    send({"batch": [event, {**event, "writeKey": key}]})
    assert not RejectedEvent.objects.exists()


def test_a_repeat_with_another_body_does_not_show_the_key(send, key):
    for name in ("A", "B"):
        send({"event": name, "messageId": "m", "writeKey": key}, "/v1/track")
    assert RejectedEvent.objects.get().code == "repeated_message_id"
    assert key not in kept()


# --- The context of a batch -----------------------------------------------------------------


def contexts() -> list[dict]:
    return [a.payload.get("context") for a in Activity.objects.order_by("pk")]


def test_the_context_of_the_batch_is_the_default_of_its_events(send):
    """Key by key, as Segment does: what the event says itself wins."""
    events = [
        {"type": "page"},
        {"type": "page", "context": None},
        {"type": "page", "context": {"locale": "pl"}},
        {"type": "page", "context": {"userAgent": "Firefox"}},
    ]
    send({"batch": events, "context": {"userAgent": ROBOT, "traits": {"email": ANNA}}})
    agents = [context["userAgent"] for context in contexts()]
    assert agents == [ROBOT, ROBOT, ROBOT, "Firefox"]
    assert contexts()[2]["locale"] == "pl"
    assert Activity.objects.filter(contact__email=ANNA).count() == 4


def test_consent_denied_for_the_batch_is_denied_for_its_events(send):
    event = {"type": "identify", "userId": "u1", "traits": {"email": ANNA}, "context": {"ip": "x"}}
    send({"batch": [event], "context": {"consent": "denied"}})
    assert Activity.objects.get().consent_denied and Contact.objects.get().consent_denied


@pytest.mark.parametrize("context", [None, {}])
def test_no_context_adds_nothing(send, context):
    send({"batch": [{"type": "page"}], "context": context})
    assert contexts() == [None]


@pytest.mark.parametrize(
    ("context", "code"),
    [
        ({"userAgent": "\0"}, "nul_character"),
        ({"a": float("nan")}, "invalid_number"),
        (["x"], "object_expected"),
    ],
    ids=["NUL", "NaN", "list"],
)
def test_what_cannot_be_kept_in_it_spoils_the_request(send, context, code):
    answer = send({"batch": [{"type": "page"}], "context": context})
    assert (answer.status_code, answer.json()["code"]) == (400, code)


def test_its_size_is_limited_for_it_is_kept_with_every_event(send):
    answer = send({"batch": [{"type": "page"}], "context": {"a": "x" * 9_000}})
    assert (answer.status_code, answer.json()["code"]) == (413, "context_too_large")
    answer = send({"batch": [{"type": "page"}], "context": {"a": "x" * 8_000}})
    assert answer.json()["accepted"] == 1
