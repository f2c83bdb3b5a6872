"""The doorbell: nobody waits for it, lanes are gathered, and a dead broker is left alone."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction

from notifications import doorbell
from notifications.doorbell import EVALUATE, make_ringer
from partnernotify import courier
from partnernotify.celery import app
from partnernotify.courier import Courier
from partnernotify.environment import broker_options
from tests.instance import ROOT
from tests.servers import free_port
from tests.sinks import HungServer, wait_until


@pytest.fixture
def ringer() -> Iterator[Courier]:
    ringer = make_ringer()
    yield ringer
    ringer.finish()


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Any]:
    """Return a function that points the doorbell at another broker."""
    connect = app.connection_for_write

    def use(url: str = "filesystem://") -> None:
        options = broker_options(url, tmp_path)
        transport = "partnernotify.folder_broker:Transport" if "filesystem" in url else "redis"
        monkeypatch.setattr(
            app,
            "connection_for_write",
            lambda: connect(url, transport=transport, transport_options=options),
        )

    return use


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the list that notes what would be sent."""
    sent: list[str] = []
    monkeypatch.setattr(doorbell, "send", lambda lane, _connection: sent.append(lane))
    return sent


def test_a_lane_is_rung_once_while_nobody_reads(
    ringer: Courier, broker: Any, tmp_path: Path
) -> None:
    broker()
    ringer.leave("email")
    wait_until(lambda: list(tmp_path.glob("email/*.msg")), what="the message")
    ringer.leave("email")
    ringer.leave(EVALUATE)
    ringer.finish()
    assert len(list(tmp_path.glob("email/*.msg"))) == len(list(tmp_path.glob("evaluate/*"))) == 1


def test_many_rings_are_gathered(ringer: Courier, sent: list[str]) -> None:
    for _ in range(1_000):
        ringer.leave(EVALUATE)
    ringer.leave("email")
    ringer.finish()
    assert len(sent) < 20
    assert sent[-1] == "email" or sent[-2:] == ["email", EVALUATE]


@pytest.mark.parametrize("kind", ["down", "hung"])
def test_a_broker_that_does_not_answer_costs_no_time(
    ringer: Courier, broker: Any, kind: str
) -> None:
    with HungServer() as server:
        broker(f"redis://127.0.0.1:{server.port if kind == 'hung' else free_port()}/0")
        began = time.monotonic()
        for _ in range(1_000):
            ringer.leave(EVALUATE)
        assert time.monotonic() - began < 0.5
        ringer.finish()
        assert time.monotonic() - began < 2.5


def test_after_a_failure_it_rings_again(
    ringer: Courier, sent: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = iter([ValueError("gone")])

    def send(lane: str, _connection: Any) -> None:
        for error in failures:
            raise error
        sent.append(lane)

    monkeypatch.setattr(doorbell, "send", send)
    monkeypatch.setattr(courier, "PAUSE_SECONDS", 0.05)
    ringer.leave(EVALUATE)
    wait_until(lambda: not ringer._left)
    ringer.leave("email")
    wait_until(lambda: sent == ["email"])


@pytest.mark.django_db(transaction=True)
def test_it_rings_after_the_commit_only(sent: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doorbell, "ring", sent.append)
    with transaction.atomic():
        doorbell.ring_after_commit(EVALUATE)
        assert not sent
    assert sent == [EVALUATE]


def test_a_short_process_and_its_fork_both_ring(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FORK],
        cwd=ROOT,
        env={**os.environ, "DATA_DIR": str(tmp_path), "CELERY_BROKER_URL": "filesystem://"},
        check=False,
        timeout=30,
    )
    assert done.returncode == 0
    assert sorted(path.parent.name for path in tmp_path.glob("broker/*/*.msg")) == [
        "desktop",
        "email",
        "evaluate",
    ]


FORK = """
import os, sys, time, django
django.setup()
from notifications.doorbell import ring
ring("evaluate")
time.sleep(0.5)
if child := os.fork():
    ring("email")
    sys.exit(os.waitpid(child, 0)[1])
ring("desktop")
"""
