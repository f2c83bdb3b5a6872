"""What the probes say to whoever asks."""

import logging

import pytest
from django.db import DatabaseError

from partnernotify import probes


def test_a_broken_database_is_said_in_fixed_words(rf, monkeypatch, caplog):
    """The driver's words name hosts and users; they are for the log only."""

    def fail():
        raise DatabaseError('connection to "db.internal", user "pn" failed')

    monkeypatch.setattr(probes, "_unapplied_migrations", fail)
    with caplog.at_level(logging.ERROR):
        answer = probes.readyz(rf.get("/readyz"))
    assert answer.status_code == 503
    assert "db.internal" not in answer.content.decode()
    assert "no database" in answer.content.decode()
    assert "db.internal" in caplog.text


@pytest.mark.django_db
def test_what_is_silent_is_named(rf):
    answer = probes.readyz(rf.get("/readyz"))
    assert answer.status_code == 503
    assert "worker" in answer.content.decode()
