"""With Redis down or hung from the start: intake answers as ever, mail goes by polling."""

from __future__ import annotations

import statistics
import time

import pytest

from tests.instance import instance
from tests.servers import free_port
from tests.sinks import HungServer, SmtpSink, wait_until

pytestmark = pytest.mark.processes
HEARTBEAT_STALE = 10
RING_SECONDS = 1
ALA = "ala@northstar.example"
PROGRAM = {
    "accounts": [
        {
            "slug": "northstar",
            "users": [{"email": ALA, "role": "admin"}],
            "communication": {"receive_lead_activity": True, "recipient": ALA},
            "leads": [
                {
                    "domain": "acme.example",
                    "company": "ACME",
                    "registered_at": "2026-01-01T00:00:00Z",
                }
            ],
        }
    ]
}


@pytest.mark.parametrize("kind", ["down", "hung"])
def test_broker_away(kind, tmp_path):
    with HungServer() as server, SmtpSink() as sink:
        redis_url = f"redis://127.0.0.1:{server.port if kind == 'hung' else free_port()}/0"
        settings = {
            "REDIS_URL": redis_url,
            "CELERY_BROKER_URL": redis_url,
            "EMAIL_URL": f"smtp://127.0.0.1:{sink.port}",
        }
        with instance("sqlite", tmp_path, **settings) as product:
            product.import_program(PROGRAM)
            key = product.write_key()
            product.start("web", "worker", "beat")
            product.wait_ready()
            seconds = [_post(product, key, number) for number in range(30)]
            assert statistics.median(seconds) < RING_SECONDS  # No request waits for the ring.
            wait_until(lambda: len(sink.to(ALA)) == 30, what="the mail")
            product.manage("sweep")  # Rings, and does not hang.
            time.sleep(5 + HEARTBEAT_STALE)  # The timetable begins after 5 s.
            assert product.get("/readyz").status == 200


def _post(product, key: str, number: int) -> float:
    body = {
        "event": "Demo Requested",
        "messageId": f"m-{number}",
        "userId": "anna@acme.example",
    }
    began = time.monotonic()
    assert product.post("/v1/track", body, key=key).status == 200
    return time.monotonic() - began
