"""The most telling scenarios in small, on one instance; `make chaos` runs all of them."""

from __future__ import annotations

import pytest

from tests.chaos.report import heading, line
from tests.chaos.run import play
from tests.chaos.stage import SMALL

pytestmark = pytest.mark.processes
TELLING = ("T02", "T06", "T12", "T20", "T28x", "T33", "T40")


def test_nothing_is_lost():
    ledgers = play(TELLING, [1], sizes=SMALL)
    broken = [f"{line(ledger)}" for ledger in ledgers if ledger.broken]
    assert not broken, "\n".join([heading(), *broken])
