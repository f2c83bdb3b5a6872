"""A mail is still sent, once, after each of these: worker killed, broker gone, beat gone."""

from __future__ import annotations

import itertools
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import redis

from tests.instance import ROOT
from tests.sinks import wait_until

pytestmark = pytest.mark.processes
ALA = "ala@northstar.example"
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def northstar(product):
    # Three mails per test at most, and the cap counts per day: one recipient per test.
    return product


@pytest.fixture
def lead(northstar):
    """A partner of its own with one lead; returns (product, recipient, post)."""
    name = f"partner-{next(_numbers)}"
    recipient = f"ala@{name}.example"
    northstar.import_program(
        {
            "accounts": [
                {
                    "slug": name,
                    "users": [{"email": recipient, "role": "admin"}],
                    "communication": {"receive_lead_activity": True, "recipient": recipient},
                    "leads": [{"domain": f"{name}-lead.example", "company": "ACME",
                               "registered_at": "2026-01-01T00:00:00Z"}],
                }
            ]
        }
    )  # fmt: skip

    def post() -> str:
        message_id = f"{name}-{next(_numbers)}"
        body = {
            "event": "Demo Requested",
            "messageId": message_id,
            "userId": f"anna@{name}-lead.example",
        }
        assert northstar.post("/v1/track", body, key=northstar.key).status == 200
        return message_id

    yield northstar, recipient, post
    northstar.sink.answer = lambda _message: None
    for process in ("worker", "beat"):
        if process not in northstar.processes:
            northstar.start(process)


def arrived(product, recipient: str, count: int = 1, seconds: float = 30):
    wait_until(lambda: len(product.sink.to(recipient)) >= count, seconds=seconds, what="the mail")
    return product.sink.to(recipient)


def test_worker_killed_between_claim_and_send(lead):
    """T03: a process takes the delivery and dies before anything is on the wire."""
    product, recipient, post = lead
    product.stop("worker")
    post()
    claimer = subprocess.Popen(
        [sys.executable, "-c", CLAIM],
        cwd=ROOT, env=product.environment, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert int(claimer.stdout.readline()) == 1
    claimer.send_signal(signal.SIGKILL)
    claimer.wait()
    product.start("worker")
    (mail,) = arrived(product, recipient)
    row = [d for d in product.decisions() if d["user"] == recipient]
    assert [d["outcome"] for d in row] == ["send"]
    time.sleep(1)
    assert len(product.sink.to(recipient)) == 1


CLAIM = """
import django, time, uuid
django.setup()
from notifications.delivery.claim import claim
from notifications.evaluation import evaluate_due
while not (ids := (evaluate_due(), claim("email", uuid.uuid4(), 10))[1]):
    time.sleep(0.05)
print(len(ids), flush=True)
time.sleep(60)
"""


def test_worker_killed_while_the_receiver_answers(lead):
    """T05: the outcome is unknown; the copy carries the same id."""
    product, recipient, post = lead
    seen = []

    def hang(message):
        seen.append(message)
        if len(seen) == 1:
            product.stop("worker", signal.SIGKILL)
        return

    product.sink.answer = hang
    post()
    wait_until(lambda: seen, what="the first try")
    product.start("worker")
    wait_until(lambda: len(seen) >= 2, seconds=40, what="the second try")
    assert len({m["Message-ID"] for m in seen}) == 1
    assert len({m["X-PN-Delivery"] for m in seen}) == 1


def test_broker_gone(lead):
    """T09: folder deleted, or Redis emptied and then left behind: the look-out finds it."""
    product, recipient, post = lead
    if "sqlite" in product.environment["DATABASE_URL"]:
        shutil.rmtree(Path(product.environment["DATA_DIR"]) / "broker")
    else:
        redis.Redis.from_url(product.environment["REDIS_URL"]).flushdb()
    post()
    arrived(product, recipient)


def test_beat_stopped(lead):
    product, recipient, post = lead
    product.stop("beat")
    post()
    arrived(product, recipient)


def test_terminating_a_worker_cuts_no_send_in_two(lead):
    """T17: the send under way is finished; the rest is given back."""
    product, recipient, post = lead
    begun = []

    def slow(message):
        begun.append(message)
        time.sleep(1.5)
        return

    product.sink.answer = slow
    post()
    post()
    wait_until(lambda: begun, what="the first send")
    product.stop("worker", signal.SIGTERM)
    product.sink.answer = lambda _message: None
    product.start("worker")
    arrived(product, recipient, 2)
    time.sleep(1)
    ids = [m["Message-ID"] for m in product.sink.to(recipient)]
    assert len(ids) == len(set(ids)) == 2
