"""B08: an event nested too deeply is rejected alone, before anything walks down into it."""

from __future__ import annotations

import pytest

from notifications.drain import drain
from partners.events import MAX_DEPTH
from partners.models import Activity, RejectedEvent
from tests.factories import make_source
from tests.world import World, read

pytestmark = pytest.mark.django_db


@pytest.fixture
def send(client):
    _, key = make_source()

    def post(*events: str):
        body = '{"batch": [' + ", ".join(events) + "]}"
        headers = {"Authorization": f"Bearer {key}"}
        return client.post("/v1/batch", body, content_type="text/plain", headers=headers)

    return post


def nested(levels: int, core: str = "1", *, message_id: str = "deep") -> str:
    """Return an event of that many levels, itself and its properties included."""
    wraps = levels - 1
    lists, objects = wraps // 2, wraps - wraps // 2
    inner = '{"a":' * objects + "[" * lists + core + "]" * lists + "}" * objects
    return f'{{"type": "page", "messageId": "{message_id}", "properties": {inner}}}'


GOOD = nested(2, message_id="good")


@pytest.mark.parametrize("core", ["1", r'"\u0000"', "NaN", '{"a": 1, "a": 2}'])
@pytest.mark.parametrize("levels", [MAX_DEPTH + 1, 100, 500, 800])
def test_a_deep_event_is_rejected_alone(send, levels, core):
    answer = send(GOOD, nested(levels, core)).json()
    assert answer["accepted"] == 1
    assert [(r["index"], r["code"]) for r in answer["rejected"]] == [(1, "too_deep")]
    rejected = RejectedEvent.objects.get()
    assert (rejected.message_id, rejected.excerpt != "") == ("deep", True)


def test_the_limit_itself_is_fine(send):
    answer = send(GOOD, nested(MAX_DEPTH))
    assert answer.json() == {"success": True, "accepted": 2, "rejected": []}


def test_what_the_parser_cannot_read_refuses_the_request(send):
    answer = send(GOOD, nested(5_000))
    assert (answer.status_code, answer.json()["code"]) == (400, "too_deep")


@pytest.mark.parametrize("levels", [MAX_DEPTH, MAX_DEPTH + 1, 500, 950])
def test_the_pages_still_answer(client, send, levels):
    world = World()
    assert send(GOOD, nested(levels)).status_code in (200, 400)
    drain(patience_seconds=0)
    read(client, world.gosia.user, "/activity/")
    for model in (Activity, RejectedEvent):
        for message_id in model.objects.values_list("message_id", flat=True):
            read(client, world.gosia.user, f"/activity/{message_id}/")
