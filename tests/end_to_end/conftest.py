"""One instance per backend and module: web, worker, beat, an SMTP sink."""

from __future__ import annotations

import pytest

from tests.end_to_end.truth_tables import CAP
from tests.instance import instance
from tests.sinks import SmtpSink

BACKENDS = ("sqlite", "postgresql")


@pytest.fixture(scope="module", params=BACKENDS)
def product(request, tmp_path_factory):
    """A running instance with `sink` and a write key in `key`; invariants hold at its end."""
    folder = tmp_path_factory.mktemp(request.param)
    with SmtpSink() as sink:
        settings = {
            "EMAIL_URL": f"smtp://127.0.0.1:{sink.port}",
            "EMAIL_DAILY_CAP": str(CAP),
            "DELIVERY_LEASE_SECONDS": "6",
            "ALLOW_PRIVATE_WEBHOOKS": "true",  # The receivers listen on loopback.
            "DEFAULT_FROM_EMAIL": "Northwind <notify@northwind.example>",
        }
        with instance(request.param, folder, **settings) as running:
            running.sink = sink
            running.key = running.write_key()
            running.start("web", "worker", "beat")
            running.wait_ready()
            yield running
            running.manage("check_invariants")
