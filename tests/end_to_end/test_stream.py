"""From an event until an open page hears of it: intake, worker, stream, each a process."""

from __future__ import annotations

import time
import urllib.request
from collections.abc import Iterator

import pytest

from tests.instance import Instance
from tests.sinks import wait_until
from tests.stream.process import Listener, token_for

pytestmark = pytest.mark.processes
PROGRAM = {
    "vendor": {"name": "Northwind"},
    "accounts": [
        {
            "slug": "streamers",
            "users": [{"email": "ala@streamers.example", "role": "admin"}],
            "communication": {
                "receive_lead_activity": True,
                "recipient": "ala@streamers.example",
            },
            "leads": [{"domain": "heard.example", "registered_at": "2026-01-01T00:00:00Z"}],
        }
    ],
}
MEMBER = """
from accounts.models import Membership
print(Membership.objects.get(user__email="ala@streamers.example").pk)
"""


@pytest.fixture
def ala(product: Instance) -> Iterator[Listener]:
    """The open stream of Ala's page."""
    product.import_program(PROGRAM)
    product.start("stream")
    wait_until(lambda: _is_up(product), seconds=30, what="the stream answers")
    member = int(product.manage("shell", "-v", "0", "-c", MEMBER).split()[-1])
    key = (product.folder / "secret_key").read_text()
    with Listener(product.stream_url, token_for(member, origin=product.url, key=key)) as listener:
        assert listener.names(2) == ["ready", "bell"]
        yield listener
    product.stop("stream")


def _is_up(product: Instance) -> bool:
    try:
        with urllib.request.urlopen(f"{product.stream_url}/healthz", timeout=5) as answer:
            return answer.status == 200
    except OSError:
        return False


def test_an_event_rings_the_bell_of_an_open_page(product, ala):
    event = {
        "event": "Demo Requested",
        "messageId": f"heard-{time.time_ns()}",
        "context": {"traits": {"email": "anna@heard.example"}},
    }
    assert product.post("/v1/track", event, key=product.key).status == 200
    heard = ala.next()
    assert heard
    assert heard.name == "bell"
