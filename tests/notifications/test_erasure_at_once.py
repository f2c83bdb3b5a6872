"""Erasure beside evaluation: whoever comes second waits, and neither waits for ever."""

from __future__ import annotations

import threading

import pytest
from django.db import OperationalError, connection

from notifications import evaluation
from notifications.models import Delivery, Visit
from partners import conflicts
from partners.erased import erased_address
from partners.models import Contact
from partners.services import erase
from tests.accounts.test_at_once import at_once
from tests.sinks import wait_until

pytestmark = pytest.mark.django_db(transaction=True)
ANNA = "anna@acme.example"


def somebody_waits_for_this_connection() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE NOT granted"
            " AND pg_backend_pid() = ANY(pg_blocking_pids(pid)))"
        )
        return cursor.fetchone()[0]


def test_who_is_just_evaluated_is_erased_after_that(northstar, monkeypatch):
    """R104. No deadlock: neither of the two is repeated."""
    monkeypatch.setattr(conflicts, "TRIES", 1)
    northstar.happens()
    is_held = threading.Event()
    decide = evaluation.decide

    def decide_while_erasure_waits(*facts):
        is_held.set()
        if connection.vendor == "postgresql":  # SQLite lets one in at a time.
            wait_until(somebody_waits_for_this_connection, what="the erasure")
        return decide(*facts)

    def erase_meanwhile():
        is_held.wait(timeout=20)
        erase.erase_person(ANNA, actor=None)

    monkeypatch.setattr(evaluation, "decide", decide_while_erasure_waits)
    assert at_once(evaluation.evaluate_due, erase_meanwhile) == [None, None]
    assert not Visit.objects.exists()
    emails = Delivery.objects.filter(channel="email")
    assert [(row.state, row.reason) for row in emails] == [("cancelled", "no_consent")]


def test_an_erasure_that_stood_in_anothers_way_is_repeated(northstar, monkeypatch):
    anonymise, errors = erase._anonymise, [Deadlock() for _ in range(2)]

    def deadlock_first(*args):
        anonymise(*args)
        if errors:
            raise OperationalError from errors.pop()

    monkeypatch.setattr(erase, "_anonymise", deadlock_first)
    assert erase.erase_person(ANNA, actor=None).contacts == 1
    assert Contact.objects.get().email == erased_address(ANNA)


class Deadlock(Exception):
    sqlstate = "40P01"
