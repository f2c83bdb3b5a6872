"""Idle streams in one process: how many, and what each costs.

Figures and not rates, so each has a bound instead of a floor.
"""

from __future__ import annotations

from typing import Any

from bench.process import run
from tests.instance import Instance

STREAMS = 5_000
KILOBYTES = 60.0


def measure(product: Instance) -> dict[str, Any]:
    """Return kilobytes of resident memory a stream, and how fast all of them are told."""
    product.start("stream")
    found = run(product, "bench.streams_round", str(product.processes["stream"].pid))
    return {**found, "reached": found["streams"] >= STREAMS and found["kB each"] <= KILOBYTES}
