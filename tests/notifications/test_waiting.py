"""How long a delivery waits, and when it stops waiting."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.core import mail
from django.db.models import F
from django.utils import timezone

from notifications.channels.base import DeliveryError, Failure, read_retry_after
from notifications.channels.email import EmailChannel
from notifications.delivery.claim import claim, sweep
from notifications.delivery.outcome import start
from notifications.delivery.recheck import Recheck
from notifications.delivery.send import deliver_due
from notifications.delivery.waiting import wait_together
from notifications.drain import drain
from notifications.evaluation import evaluate_due
from notifications.invariants import broken
from notifications.models import Decision, Delivery, EndpointHealth, Pace
from notifications.timing import Wait, WaitsFor
from tests.factories import make_contact, make_lead
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
    deliver_due("email")
    assert not mail.outbox
    late_one = Delivery.objects.get(channel="email")
    assert (late_one.state, late_one.reason) == ("expired", "stale")
    assert Decision.objects.get().reason == "stale"
    assert sum(broken().values()) == 0


def time_passes(**span: float) -> None:
    """Let every e-mail be so much older than it is."""
    emails = Delivery.objects.filter(channel="email")
    fields = ("created_at", "not_before", "ages_from")
    emails.update(**{field: F(field) - timedelta(**span) for field in fields})


@pytest.fixture
def weekly(db):
    """Ala gets her e-mails once a week; two leads have waited for that, and its hour is here."""
    northstar = Northstar()
    hour = timezone.now() - timedelta(minutes=1)
    Pace.objects.create(
        membership=northstar.ala,
        channel="email",
        every="week",
        at=hour.time(),
        weekday=hour.weekday(),
    )
    make_lead(northstar.account, "other.example")
    northstar.happens()
    northstar.happens(contact=make_contact("anna@other.example"))
    drain(patience_seconds=0)
    time_passes(days=7)
    return northstar


def states() -> set[tuple[str, str]]:
    return set(Delivery.objects.filter(channel="email").values_list("state", "reason"))


def test_what_its_member_let_wait_for_days_is(weekly):
    drain(patience_seconds=0)
    (letter,) = mail.outbox
    assert "2 notifications" in letter.body
    assert sum(broken().values()) == 0


def test_so_is_what_nobody_sent_in_its_hour_but_not_for_days(weekly, settings):
    time_passes(seconds=settings.DELIVERY_EXPIRES.total_seconds())
    drain(patience_seconds=0)
    assert not mail.outbox
    assert states() == {("expired", "stale")}
    assert sum(broken().values()) == 0


def test_a_digest_that_meets_an_outage_is_tried_for_days_from_its_hour_on(
    weekly, monkeypatch, settings
):
    error = DeliveryError(Failure.NOT_SENT, "nobody answers", retry_after=timedelta(hours=2))
    answer(monkeypatch, error)
    for days in range(3):
        time_passes(days=1 if days else 0)
        EndpointHealth.objects.all().delete()
        drain(patience_seconds=0)
        assert states() == {("pending", ""), ("gathered", "")}
    time_passes(days=2)
    EndpointHealth.objects.all().delete()
    drain(patience_seconds=0)
    assert states() == {("expired", "stale")}


def test_quiet_nights_in_an_outage_neither_age_it_nor_make_it_new(decided):
    now = timezone.now()
    tonight = Wait(until=now + timedelta(hours=12), waits_for=WaitsFor.QUIET)
    for night in range(1, 4):
        time_passes(hours=10)
        token = uuid.uuid4()
        wait_together(Recheck(claim("email", token, 1)).deliveries, token, tonight)
        time_passes(hours=12)
        row = Delivery.objects.get(channel="email")
        assert round(row.age(now) / timedelta(hours=1)) == 10 * night
