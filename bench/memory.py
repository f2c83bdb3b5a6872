"""Resident memory of web and worker over 200,000 events."""

from __future__ import annotations

from pathlib import Path

import psycopg

from bench import evaluate, ingest
from tests.instance import Instance
from tests.sinks import wait_until

EVENTS = 200_000
ROUND = 20_000
WARM_ROUNDS = 2


def measure(product: Instance) -> dict[str, object]:
    """Return megabytes after the warm-up and at the end; both processes' children included."""
    evaluate.prepare(product)
    ingest.prepare(product)
    product.start("worker")
    samples: list[dict[str, float]] = []
    for _ in range(EVENTS // ROUND):
        ingest.result(product)
        _wait_until_evaluated(product)
        samples.append({name: _megabytes(p.pid) for name, p in product.processes.items()})
    warm, last = samples[WARM_ROUNDS - 1], samples[-1]
    return {
        "events": EVENTS,
        "megabytes_warm": warm,
        "megabytes_end": last,
        "growth": {name: round(last[name] / warm[name], 2) for name in last},
    }


def _wait_until_evaluated(product: Instance) -> None:
    with psycopg.connect(product.environment["DATABASE_URL"], autocommit=True) as connection:
        wait_until(
            lambda: (
                not connection.execute(
                    "SELECT 1 FROM partners_activity WHERE state = 'pending' LIMIT 1"
                ).fetchone()
            ),
            seconds=120,
            what="everything evaluated",
        )


def _megabytes(pid: int) -> float:
    pids = [pid, *_children(pid)]
    return round(sum(_rss(p) for p in pids) / 1024, 1)


def _children(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += [int(child), *_children(int(child))]
    return found


def _rss(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return 0
