"""From an event until the open page hears, against a bare INSERT + NOTIFY round trip.

The product's part is everything: intake, evaluation, delivery, Redis, the stream, each in its
own process. Milliseconds; 150 are enough whatever the floor is. Without a pause the worker
sends the e-mail of one event beside the evaluation of the next: shown, nothing is asked of it.
"""

from __future__ import annotations

import statistics
import time
from typing import Any

import psycopg

from bench import evaluate
from bench.process import run
from tests.instance import Instance

TIMES, ENOUGH_MS = 5.0, 150.0
ROUNDS, TRIPS = 5, 100


def measure(product: Instance) -> dict[str, Any]:
    """Return the 95th percentiles, medians of rounds that alternate."""
    product.import_program(evaluate.program())
    product.environment["BENCH_KEY"] = product.write_key()
    product.start("web", "stream", "worker", "beat")
    product.wait_ready()
    floors, bells, in_a_row = [], [], []
    for _ in range(ROUNDS):
        floors.append(_p95(_round_trips(product.environment["DATABASE_URL"])))
        found = run(product, "bench.bell_round", str(TRIPS))
        bells.append(found["p95"])
        in_a_row.append(found["p95_in_a_row"])
    floor, bell = statistics.median(floors), statistics.median(bells)
    return {
        "event to bell, p95 ms": bell,
        "one right after the other, p95 ms": statistics.median(in_a_row),
        "INSERT + NOTIFY, p95 ms": floor,
        "times": round(bell / floor, 1),
        "reached": bell <= TIMES * floor or bell < ENOUGH_MS,
    }


def _round_trips(url: str) -> list[float]:
    with (
        psycopg.connect(url, autocommit=True) as listening,
        psycopg.connect(url, autocommit=True) as writing,
    ):
        writing.execute("CREATE TABLE IF NOT EXISTS bench_bell (id bigserial PRIMARY KEY, at text)")
        listening.execute("LISTEN bench_bell")
        seconds = []
        for _ in range(TRIPS):
            begun = time.perf_counter()
            with writing.transaction():
                writing.execute("INSERT INTO bench_bell (at) VALUES ('now')")
                writing.execute("NOTIFY bench_bell")
            next(listening.notifies(timeout=10, stop_after=1))
            seconds.append(time.perf_counter() - begun)
        return seconds


def _p95(seconds: list[float]) -> float:
    return round(sorted(seconds)[len(seconds) * 95 // 100] * 1000, 2)
