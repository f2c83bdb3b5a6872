"""What surrounds an event: the write key, which is not kept."""

from __future__ import annotations

import json

import pytest

from partners.models import Activity, RejectedEvent
from tests.factories import make_source

pytestmark = pytest.mark.django_db


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
