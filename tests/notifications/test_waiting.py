"""How long a delivery waits, and when it stops waiting."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.core import mail
from django.utils import timezone

from notifications.channels.base import DeliveryError, Failure, read_retry_after
from notifications.channels.email import EmailChannel
from notifications.delivery.claim import claim, sweep
from notifications.delivery.outcome import start
from notifications.delivery.recheck import Recheck
from notifications.delivery.send import deliver_due
from notifications.evaluation import evaluate_due
from notifications.invariants import broken
from notifications.models import Decision, Delivery
from tests.northstar import Northstar

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "wait"),
    [
        ("120", timedelta(minutes=2)),
        ("0.5", timedelta(seconds=0.5)),
        ("Tue, 24 Nov 2026 12:05:00 GMT", timedelta(minutes=5)),
        ("1e9", timedelta(hours=24)),
        ("1e400", timedelta(hours=24)),
        ("Tue, 24 Nov 2099 12:00:00 GMT", timedelta(hours=24)),
        ("-5", None),
        ("0", None),
        ("nan", None),
        ("Tue, 24 Nov 2026 11:00:00 GMT", None),
        ("soon", None),
        ("", None),
    ],
)
def test_retry_after(text, wait):
    """T31."""
    assert read_retry_after(text, NOW) == wait


@pytest.fixture
def decided(db):
    northstar = Northstar()
    northstar.happens()
    evaluate_due()
    return northstar


def answer(monkeypatch, error: DeliveryError) -> None:
    def refuse(*_args):
        raise error

    monkeypatch.setattr(EmailChannel, "_send", refuse)


def test_the_other_side_may_ask_for_more_time(decided, monkeypatch):
    wait = timedelta(hours=2)
    answer(monkeypatch, DeliveryError(Failure.REFUSED, "429", retry_after=wait))
    deliver_due("email")
    row = Delivery.objects.get(channel="email")
    assert row.state == "pending"
    assert row.not_before > timezone.now() + wait - timedelta(minutes=1)


def test_it_cannot_ask_for_less(decided, monkeypatch):
    answer(monkeypatch, DeliveryError(Failure.REFUSED, "429", retry_after=timedelta(seconds=1)))
    deliver_due("email")
    assert Delivery.objects.get(channel="email").not_before > timezone.now() + timedelta(seconds=20)


# --- Never twice ----------------------------------------------------------------------------


@pytest.fixture
def never_twice(monkeypatch):
    monkeypatch.setattr(EmailChannel, "repeats_unknown", False)


def test_what_may_have_arrived_is_left_to_a_person(decided, never_twice, monkeypatch):
    answer(monkeypatch, DeliveryError(Failure.UNKNOWN, "no answer"))
    deliver_due("email")
    deliver_due("email")
    row = Delivery.objects.get(channel="email")
    assert (row.state, row.starts, row.detail) == ("unknown", 1, "no answer")
    assert sum(broken().values()) == 0


def test_so_is_a_send_that_was_cut(decided, never_twice):
    token = uuid.uuid4()
    recheck = Recheck(claim("email", token, 1))
    start(recheck.check(recheck.deliveries[0]), token)
    Delivery.objects.filter(state="sending").update(lease_until=timezone.now())
    assert sweep()["interrupted"] == 1
    assert Delivery.objects.get(channel="email").state == "unknown"
    assert sum(broken().values()) == 0


# --- Too late -------------------------------------------------------------------------------


def test_what_could_not_be_sent_for_days_is_not_news(decided, settings):
    late = timezone.now() - settings.DELIVERY_EXPIRES - timedelta(minutes=1)
    Delivery.objects.update(created_at=late)
    for lane in ("desktop", "email"):
        deliver_due(lane)
    assert not mail.outbox
    assert set(Delivery.objects.values_list("state", "reason")) == {("expired", "stale")}
    assert Decision.objects.get().reason == "stale"
    assert sum(broken().values()) == 0
