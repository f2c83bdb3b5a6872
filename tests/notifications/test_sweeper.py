"""The sweeper waits for nobody. On PostgreSQL: SQLite knows no lock of a single row."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from notifications.channels import EMAIL
from notifications.delivery import outcome
from notifications.delivery.claim import claim, sweep
from notifications.delivery.recheck import Recheck
from notifications.evaluation import evaluate_due
from notifications.models import Attempt, Delivery
from tests.northstar import Northstar

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def sending() -> list[Delivery]:
    """Two sends and a claim whose leases are over."""
    northstar = Northstar()
    for _ in range(3):
        northstar.happens()
    evaluate_due()
    token = uuid.uuid4()
    recheck = Recheck(claim(EMAIL, token, 10))
    for delivery in recheck.deliveries[:2]:
        assert outcome.start(recheck.check(delivery), token) is None
    Delivery.objects.filter(state__in=Delivery.HELD).update(
        lease_until=timezone.now() - timedelta(seconds=1)
    )
    return recheck.deliveries


@contextmanager
def frozen_with(rows: QuerySet) -> Iterator[None]:
    """Let somebody else hold these rows in a transaction that does not go on meanwhile."""
    frozen, released = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            list(rows.select_for_update())
            frozen.set()
            released.wait()
        connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    frozen.wait()
    try:
        yield
    finally:
        released.set()
        holder.join()


@pytest.fixture
def impatient() -> Iterator[None]:
    """Waiting for a lock is an error."""
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '2s'")
        yield
        cursor.execute("RESET lock_timeout")


@pytest.mark.parametrize("model", [Attempt, Delivery])
def test_a_frozen_worker_holds_up_only_its_own_send(sending, impatient, model):
    """T18: it stopped in the middle of a transaction, with one row locked."""
    which = {"delivery" if model is Attempt else "pk": sending[0].pk}
    with frozen_with(model.objects.filter(**which)):
        assert sweep() == {"unsent": 1, "interrupted": 1}
    assert sweep() == {"unsent": 0, "interrupted": 1}


def test_a_locked_claim_is_left_for_the_next_time(sending, impatient):
    with frozen_with(Delivery.objects.filter(pk=sending[2].pk)):
        assert sweep() == {"unsent": 0, "interrupted": 2}
    assert sweep() == {"unsent": 1, "interrupted": 0}


@pytest.mark.django_db
def test_a_frozen_transaction_ends_within_half_a_lease():
    with connection.cursor() as cursor:
        cursor.execute("SHOW idle_in_transaction_session_timeout")
        assert cursor.fetchone() == ("30s",)


def test_one_that_cannot_be_taken_back_holds_up_no_other(sending):
    """A newer version may have known this channel."""
    Delivery.objects.filter(pk=sending[0].pk).update(channel="fax")
    assert sweep() == {"unsent": 1, "interrupted": 1}
