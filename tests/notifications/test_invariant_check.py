"""The invariants are checked now and then, once for the whole instance."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from notifications import invariant_check
from notifications.invariant_check import PAUSE, TURN, check_if_due
from notifications.invariants import broken, queries
from notifications.models import InvariantCheck
from partnernotify.shutdown import stopping
from tests.accounts.test_at_once import at_once


def last() -> InvariantCheck:
    return InvariantCheck.objects.get()


@pytest.mark.django_db
def test_the_result_is_kept_until_the_next_turn():
    assert check_if_due()
    assert last().broken == broken()
    assert last().checked_at
    assert timedelta() < last().next_at - last().checked_at <= PAUSE * 1.01
    assert not check_if_due()
    InvariantCheck.objects.update(next_at=timezone.now() - timedelta(seconds=1))
    assert check_if_due()


@pytest.mark.django_db(transaction=True)
def test_many_processes_check_once(monkeypatch):
    checks = []
    monkeypatch.setattr(invariant_check, "queries", lambda: checks.append(1) or queries())
    assert at_once(*[check_if_due] * 4) == [None] * 4
    assert checks == [1]


@pytest.mark.django_db
def test_who_dies_in_the_middle_only_delays_the_next(monkeypatch):
    def die():
        raise KeyboardInterrupt

    monkeypatch.setattr(invariant_check, "queries", die)
    with pytest.raises(KeyboardInterrupt):
        check_if_due()
    assert last().checked_at is None
    assert last().next_at <= timezone.now() + TURN
    assert not check_if_due()


@pytest.mark.django_db
def test_a_process_that_stops_gives_its_turn_back():
    stopping.set()
    try:
        assert not check_if_due()
    finally:
        stopping.clear()
    assert check_if_due()


@pytest.mark.django_db
def test_a_long_check_is_rare(monkeypatch):
    clock = iter((0.0, 600.0))
    monkeypatch.setattr(invariant_check.time, "monotonic", lambda: next(clock, 600.0))
    check_if_due()
    pause = last().next_at - last().checked_at
    assert pause == pytest.approx(timedelta(seconds=5_400), abs=timedelta(seconds=5))
