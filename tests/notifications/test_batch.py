"""A batch of deliveries: what is committed when, and what one of them costs."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from notifications.channels.email import EmailChannel
from notifications.delivery import outcome
from notifications.delivery.recheck import Recheck
from notifications.delivery.send import deliver_due
from notifications.evaluation import evaluate_due
from notifications.invariants import broken
from notifications.models import Attempt, Delivery, Notification
from tests.northstar import Northstar, queue_bells


def decide(northstar: Northstar, number: int) -> None:
    for _ in range(number):
        northstar.happens()
    evaluate_due()


def states() -> list[str]:
    rows = Delivery.objects.filter(channel="email").order_by("pk")
    return list(rows.values_list("state", flat=True))


@pytest.fixture
def seen(monkeypatch):
    """Return what the database says during each send: the states, and the open attempts."""
    seen = []
    send = EmailChannel._send

    def look(*args):
        seen.append((states(), Attempt.objects.filter(outcome="").count()))
        return send(*args)

    monkeypatch.setattr(EmailChannel, "_send", look)
    return seen


@pytest.mark.django_db
def test_a_send_begins_when_the_one_before_has_ended(northstar, seen):
    """Whatever happens now, one outcome at most is unknown."""
    decide(northstar, 3)
    deliver_due("email")
    assert seen == [
        (["sending", "leased", "leased"], 1),
        (["delivered", "sending", "leased"], 1),
        (["delivered", "delivered", "sending"], 1),
    ]
    assert states() == ["delivered"] * 3
    assert sum(broken().values()) == 0


@pytest.mark.django_db
def test_one_more_message_is_one_more_round_trip(northstar):
    """On SQLite, which answers at once, it is the four statements one by one."""

    def queries(number: int) -> int:
        decide(northstar, number)
        with CaptureQueriesContext(connection) as captured:
            deliver_due("email")
        assert set(states()) == {"delivered"}
        return len([q for q in captured if "SAVEPOINT" not in q["sql"]])

    queries(1)
    assert queries(7) - queries(2) == 5 * (1 if connection.vendor == "postgresql" else 4)


@pytest.mark.django_db
def test_a_lease_lost_to_another_worker_leaves_the_one_before_finished(northstar, monkeypatch):
    """T18."""
    decide(northstar, 3)
    send = EmailChannel._send

    def lose_the_second(*args):
        leased = Delivery.objects.filter(channel="email", state="leased").order_by("pk")
        if leased.count() == 2:
            lost = Delivery.objects.filter(pk=leased[0].pk)
            lost.update(state="pending", lease_token=None, lease_until=None)
        return send(*args)

    monkeypatch.setattr(EmailChannel, "_send", lose_the_second)
    tally = deliver_due("email")
    assert states() == ["delivered", "pending", "delivered"]
    assert tally.results == {"delivered": 2, "lost": 1}
    assert sum(broken().values()) == 0


@pytest.mark.django_db(transaction=True)
def test_what_was_sent_does_not_hang_on_what_comes_next(northstar):
    decide(northstar, 3)
    second = Delivery.objects.filter(channel="email").order_by("pk")[1]
    # A leftover with its number: the second cannot start.
    Attempt.objects.create(delivery=second, n=1, started_at=second.created_at, outcome="unknown")
    deliver_due("email")
    assert states() == ["delivered", "pending", "delivered"]
    second.refresh_from_db()
    assert (second.failures, second.starts) == (1, 0)


# --- The bell has no wire ------------------------------------------------------------------


@pytest.mark.django_db
def test_the_bell_is_delivered_with_the_decision(northstar):
    decide(northstar, 2)
    assert bells() == ["delivered"] * 2
    assert sum(broken().values()) == 0


def bells() -> list[str]:
    rows = Delivery.objects.filter(channel="desktop").order_by("pk")
    return list(rows.values_list("state", flat=True))


@pytest.mark.django_db
def test_many_bells_are_one_commit(northstar):
    def queries(number: int) -> int:
        decide(northstar, number)
        queue_bells()
        with CaptureQueriesContext(connection) as captured:
            assert deliver_due("desktop").delivered == number
        Notification.objects.all().delete()
        return len(captured)

    assert queries(2) == queries(9)


@pytest.mark.django_db
def test_a_bell_whose_lease_was_lost_is_left_to_whoever_has_it(northstar, monkeypatch):
    decide(northstar, 3)
    queue_bells()
    put = outcome.put_in_inbox

    def lose_the_second(told, token):
        lost = Delivery.objects.filter(pk=told[1].delivery.pk)
        lost.update(state="pending", lease_token=None, lease_until=None)
        return put(told, token)

    monkeypatch.setattr(outcome, "put_in_inbox", lose_the_second)
    assert deliver_due("desktop").results == {"delivered": 2, "lost": 1}
    assert bells() == ["delivered", "pending", "delivered"]
    assert sum(broken().values()) == 0


@pytest.mark.django_db
def test_a_bell_that_cannot_be_checked_does_not_hold_up_the_others(northstar, monkeypatch):
    decide(northstar, 3)
    queue_bells()
    first = Delivery.objects.filter(channel="desktop").order_by("pk")[0]
    check = Recheck.check

    def fail_for_the_first(recheck, delivery):
        if delivery.pk == first.pk:
            raise ValueError("broken row")
        return check(recheck, delivery)

    monkeypatch.setattr(Recheck, "check", fail_for_the_first)
    assert deliver_due("desktop").results == {"delivered": 2, "retried": 1}
    assert bells() == ["pending", "delivered", "delivered"]
