"""A worker's thread keeps its connection to the database from task to task."""

from __future__ import annotations

import pytest
from celery.fixups.django import DjangoWorkerFixup
from celery.signals import task_postrun, task_prerun
from django.db import connection

from partnernotify.celery import app

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def closed(monkeypatch):
    """How often the connection was closed."""
    times: list[bool] = []
    connection.ensure_connection()
    monkeypatch.setattr(connection, "close_at", None)
    monkeypatch.setattr(connection, "close", lambda: times.append(True))
    yield times
    connection.errors_occurred = False


def test_a_task_does_not_close_it(closed):
    fixup = DjangoWorkerFixup(app)
    task_prerun.send(sender=None)
    fixup.close_database()
    task_postrun.send(sender=None)
    fixup.close_database()
    assert not closed


@pytest.mark.parametrize("signal", [task_prerun, task_postrun])
def test_a_broken_one_is_closed(closed, monkeypatch, signal):
    """After a restart of the database the next task has a new connection."""
    connection.errors_occurred = True
    monkeypatch.setattr(connection, "is_usable", lambda: False)
    signal.send(sender=None)
    assert closed
