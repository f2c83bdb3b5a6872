"""Two mail servers and a real worker: the second stands in while the first is down."""

from __future__ import annotations

import itertools

import pytest

from tests.end_to_end.conftest import BACKENDS
from tests.instance import instance
from tests.servers import free_port
from tests.sinks import SmtpSink, wait_until

pytestmark = pytest.mark.processes
ALA = "ala@two-servers.example"
PROGRAM = {
    "accounts": [
        {
            "slug": "two-servers",
            "users": [{"email": ALA, "role": "admin"}],
            "communication": {"receive_lead_activity": True, "recipient": ALA},
            "leads": [
                {
                    "domain": "two-servers-lead.example",
                    "company": "ACME",
                    "registered_at": "2026-01-01T00:00:00Z",
                }
            ],
        }
    ]
}
_numbers = itertools.count(1)


def post(product, key: str) -> str:
    message_id = f"two-servers-{next(_numbers)}"
    body = {
        "event": "Demo Requested",
        "messageId": message_id,
        "userId": "anna@two-servers-lead.example",
    }
    assert product.post("/v1/track", body, key=key).status == 200
    return message_id


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_second_takes_over_and_the_first_comes_back(backend, tmp_path):
    first_port = free_port()
    with SmtpSink() as second:
        urls = {
            "EMAIL_URL": f"smtp://127.0.0.1:{first_port}",
            "EMAIL_URL_2": f"smtp://127.0.0.1:{second.port}",
        }
        with instance(backend, tmp_path, **urls) as product:
            product.import_program(PROGRAM)
            key = product.write_key()
            product.start("web", "worker", "beat")
            product.wait_ready()

            post(product, key)
            wait_until(lambda: second.received, what="the second server's mail")
            with SmtpSink(port=first_port) as first:
                post(product, key)
                wait_until(lambda: first.received, what="the first server's mail")
                assert len(second.received) == 1
                first.refuse = lambda _address: "421 4.3.2 going down"
                post(product, key)
                wait_until(lambda: len(second.received) == 2, what="the mail after a 421")
                first.refuse = lambda _address: None
            ids = [mail.message_id for mail in (*first.received, *second.received)]
            assert len(set(ids)) == 3  # Each of them once.
            product.manage("check_invariants")
