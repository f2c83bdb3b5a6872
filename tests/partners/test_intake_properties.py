"""Properties are never type-checked: whatever they are is kept, evaluated and shown."""

from __future__ import annotations

import json

import pytest

from notifications.drain import drain
from partners.models import Activity
from tests.factories import make_source
from tests.world import World, read

pytestmark = pytest.mark.django_db

ODD = [[1], "x", 5, True, [{"url": "/pricing"}], [[[]]], {"url": [1], "product": {"a": 1}},
       {"email": ["a"], "consent": [0], "path": 7}]  # fmt: skip


@pytest.mark.parametrize("properties", ODD, ids=repr)
@pytest.mark.parametrize("kind", ["page", "track"])
def test_properties_of_any_type(client, properties, kind):
    world = World()
    _, key = make_source()
    event = {
        "type": kind,
        "event": "Signed Up",
        "userId": "anna@acme.example",
        "messageId": "m",
        "properties": properties,
    }
    answer = client.post("/v1/batch", json.dumps({"batch": [event], "writeKey": key}), "text/plain")
    assert answer.json()["accepted"] == 1
    drain(patience_seconds=0)
    activity = Activity.objects.get()
    assert (activity.state, activity.failures) == (Activity.State.EVALUATED, 0)
    assert activity.payload["properties"] == properties
    for url in ("/activity/", "/activity/m/"):
        read(client, world.gosia.user, url)
