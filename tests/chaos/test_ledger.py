"""The ledger sees what goes wrong: each case is one event to one address, and one answer."""

from __future__ import annotations

from typing import Any

import pytest

from tests.chaos.client import Sent, Try
from tests.chaos.ledger import Ledger, Stored, count
from tests.sinks import Received

ALA = "ala@partner-1.example"
OK, REFUSED, UNAVAILABLE, BROKEN = 200, 400, 503, 0


def event(*statuses: int, tells: frozenset[str] = frozenset({ALA})) -> Sent:
    tries = [Try(at=10.0 * n, seconds=0.1, status=status) for n, status in enumerate(statuses, 1)]
    return Sent("m-1", {}, tells, tries)


def mail(
    delivery: str = "d-1", *, of: str = "m-1", to: str = ALA, message_id: str = "<d-1>"
) -> Received:
    text = f"https://site.example/activity/{of}/?account=a"
    return Received("email", delivery, message_id, to, text, 1.0)


def stored(
    at: float | None = 10.05, *, why: tuple[str, str] | None = None, interrupted: int = 0
) -> Stored:
    arrived = {} if at is None else {"m-1": at}
    cut = {"d-1": interrupted} if interrupted else {}
    return Stored(arrived=arrived, why={why} if why else set(), interrupted=cut)


CASES: dict[str, tuple[Sent, list[Received], Stored, dict[str, int]]] = {
    "all is well": (event(OK), [mail()], stored(), {"acknowledged": 1, "received": 1}),
    "nobody heard": (event(OK), [], stored(), {"acknowledged": 1, "lost": 1}),
    "never stored": (event(OK, tells=frozenset()), [], stored(None), {"lost": 1}),
    "a row says why": (event(OK), [], stored(why=("m-1", ALA)), {"lost": 0, "explained": 1}),
    "the event was set aside": (event(OK), [], stored(why=("m-1", "")), {"explained": 1}),
    "somebody else's reason": (event(OK), [], stored(why=("m-1", "bo@b.example")), {"lost": 1}),
    "two copies": (event(OK), [mail(), mail()], stored(), {"duplicated": 1, "unexcused": 1}),
    "a send was cut": (
        event(OK), [mail(), mail()], stored(interrupted=1), {"duplicated": 1, "unexcused": 0},
    ),
    "another Message-ID": (
        event(OK), [mail(), mail(message_id="<d-2>")], stored(interrupted=1), {"renamed": 1},
    ),
    "a stranger's event": (event(OK), [mail(), mail("d-2", of="x")], stored(), {"unexpected": 1}),
    "the wrong address": (
        event(OK), [mail(), mail("d-2", to="bo@b.example")], stored(), {"unexpected": 1},
    ),
    "told twice": (
        event(OK), [mail(), mail("d-2")], stored(), {"unexpected": 1, "duplicated": 0},
    ),
    "refused but told": (event(REFUSED), [mail()], stored(), {"refused": 1, "unexpected": 1}),
    "never answered": (event(BROKEN), [mail()], stored(), {"unknown": 1, "unexpected": 0}),
    "it was there": (event(BROKEN, OK), [mail()], stored(10.05), {"recovered": 1}),
    "it was not there": (event(BROKEN, OK), [mail()], stored(20.05), {"recovered": 0}),
    "answer to COMMIT lost": (event(UNAVAILABLE, OK), [mail()], stored(10.05), {"recovered": 1}),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_count(case: str) -> None:
    sent, received, rows, expected = CASES[case]
    ledger = Ledger("T00", 1)
    count(ledger, [sent], received, rows)
    assert {name: getattr(ledger, name) for name in expected} == expected


@pytest.mark.parametrize(
    ("figures", "rules", "broken"),
    [
        ({}, {}, []),
        ({"lost": 1}, {}, ["1 lost"]),
        ({"unexpected": 2}, {}, ["2 unexpected"]),
        ({"unknown": 1}, {}, ["1 unknown to the client at the end"]),
        ({"duplicated": 1, "interrupted": 1}, {}, []),
        ({"unexcused": 1}, {}, ["1 duplicated though nothing was cut"]),
        ({"renamed": 1}, {}, ["1 copies with another Message-ID"]),
        ({"duplicated": 1}, {"never_twice": True}, ["1 duplicated, and never may be"]),
        ({"explained": 1}, {}, ["1 explained instead of 0"]),
        ({"explained": 1}, {"explained": 1}, []),
    ],
)
def test_judge(figures: dict[str, int], rules: dict[str, Any], broken: list[str]) -> None:
    ledger = Ledger("T00", 1, **figures)
    ledger.judge(**rules)
    assert ledger.broken == broken


@pytest.mark.parametrize(
    ("usual", "meanwhile", "broken"),
    [
        ([0.03] * 20, [0.03] * 20, []),
        ([0.03] * 20, [*[0.03] * 19, 2.00], []),  # One of them asks whether Redis is back.
        ([0.03] * 20, [*[0.03] * 15, *[0.24] * 5], ["nine in ten took 240 ms instead of 30"]),
        (
            [0.03] * 20,
            [*[0.03] * 5, *[0.24] * 15],
            ["half took 240 ms instead of 30", "nine in ten took 240 ms instead of 30"],
        ),
        ([0.33] * 20, [0.36] * 20, []),  # A slow machine.
    ],
)
def test_check_speed(usual: list[float], meanwhile: list[float], broken: list[str]) -> None:
    ledger = Ledger("T00", 1)
    ledger.check_speed(usual, meanwhile)
    assert ledger.broken == broken
