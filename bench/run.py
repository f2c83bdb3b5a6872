"""`make bench`: each part beside its floor, measured in the same run.

Rounds of floor and product alternate, and the ratio is the median of the pairs': the machine
may be shared, so a figure means little and a ratio much. `BENCH=ingest` runs one part.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from operator import truediv
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import patch

from bench import bell, deliver, evaluate, ingest, mail, memory, streams, waiting
from tests.instance import Instance, instance
from tests.servers import postgresql, redis

# Rates beside a floor, and figures with a bound.
PARTS: dict[str, tuple[object, ...]] = {
    "ingest": (ingest,),
    "evaluate": (evaluate,),
    "deliver": (deliver.BELL, deliver.E_MAIL),
    "mail": (mail,),
}
FIGURES = (waiting, memory, streams, bell)
PAIRS = 5


@dataclass
class Row:
    work: str
    floor: str
    floor_per_second: float
    result_per_second: float
    ratio: float
    reach: float


def compare(part: object, product: Instance) -> Row:
    """Return medians of alternating rounds of a part's `floor` and `result`.

    A part of short rounds asks for more pairs of them by `PAIRS`.
    """
    floor: Callable[[Instance], float] = part.floor
    result: Callable[[Instance], float] = part.result
    part.prepare(product)
    floors, results = [], []
    for _ in range(getattr(part, "PAIRS", PAIRS)):
        floors.append(floor(product))
        results.append(result(product))
    low, high = statistics.median(floors), statistics.median(results)
    ratio = statistics.median(map(truediv, results, floors))
    return Row(part.WORK, part.FLOOR, round(low), round(high), round(ratio, 2), part.REACH)


@contextmanager
def _product() -> Iterator[Instance]:
    with (
        postgresql(durable=True) as database_url,
        redis() as redis_url,
        tempfile.TemporaryDirectory(prefix="pn-bench-") as folder,
    ):
        servers = {"TEST_DATABASE_URL": database_url, "TEST_REDIS_URL": redis_url}
        limits = ("INTAKE_REQUESTS_PER_SECOND", "INTAKE_EVENTS_PER_MINUTE", "EMAIL_DAILY_CAP")
        settings = dict.fromkeys(limits, "1000000")
        # For this part only: the next one has servers of its own.
        with (
            patch.dict(os.environ, servers),
            instance("postgresql", Path(folder), **settings) as product,
        ):
            yield product


def main() -> int:
    everything = ",".join([*PARTS, *map(_name, FIGURES)])
    wanted = os.environ.get("BENCH", everything).split(",")
    rows: list[Row] = []
    extra: dict[str, dict[str, Any]] = {}
    for name, parts in PARTS.items():
        for part in parts if name in wanted else ():
            with _product() as product:
                rows.append(compare(part, product))
    for figures in FIGURES:
        if _name(figures) in wanted:
            with _product() as product:
                extra[_name(figures)] = figures.measure(product)
    _print(rows, extra)
    Path("bench.json").write_text(
        json.dumps({"parts": [asdict(row) for row in rows], **extra}, indent=2)
    )
    reached = all(row.ratio >= row.reach for row in rows)
    return 0 if reached and all(found.get("reached", True) for found in extra.values()) else 1


def _name(part: ModuleType) -> str:
    return part.__name__.rpartition(".")[2]


def _print(rows: list[Row], extra: dict[str, dict[str, Any]]) -> None:
    out = sys.stdout
    head = f"{'work':<44} {'floor':<44} {'floor/s':>9} {'result/s':>9} {'ratio':>7} {'reach':>6}"
    out.write(head + "\n" + "-" * len(head) + "\n")
    for row in rows:
        out.write(
            f"{row.work:<44} {row.floor:<44} {row.floor_per_second:>9,.0f} "
            f"{row.result_per_second:>9,.0f} {row.ratio:>7.2f} {row.reach:>6.2f}\n"
        )
    for name, figures in extra.items():
        out.write(f"{name}: {json.dumps(figures)}\n")


if __name__ == "__main__":
    raise SystemExit(main())
