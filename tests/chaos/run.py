"""`make chaos`: break everything on purpose and count what was lost.

    python -m tests.chaos.run [--seeds 1,2,3] [--only T03,T05] [--small] [--soak SECONDS]
                              [--write FILE]

Exit code 1 when a rule was broken. All that is random comes from the seed.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tests.chaos import scenarios  # noqa: F401 - registers them
from tests.chaos.ledger import Ledger
from tests.chaos.registry import SCENARIOS
from tests.chaos.report import as_markdown, heading, line
from tests.chaos.stage import SMALL, Sizes, stage


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # What was started is stopped.
    keys = options.only or sorted(SCENARIOS)
    if missing := [key for key in keys if key not in SCENARIOS]:
        sys.exit(f"No such scenario: {', '.join(missing)}. There are: {', '.join(SCENARIOS)}.")
    ledgers = play(keys, options.seeds, _sizes(options))
    if options.write:
        options.write.write_text(as_markdown(ledgers))
    broken = sum(bool(ledger.broken) for ledger in ledgers)
    print(f"{len(ledgers)} runs, {broken} broke a rule")
    return 1 if broken else 0


def play(keys: Sequence[str], seeds: Sequence[int], sizes: Sizes) -> list[Ledger]:
    ledgers = []
    turns = [(seed, key) for seed in seeds for key in keys]
    print(heading())
    with stage(sizes) as shared:
        for seed, key in turns:
            began = time.monotonic()
            is_last = (seed, key) == turns[-1]
            ledgers.append(ledger := shared.play(SCENARIOS[key], seed, is_last=is_last))
            print(f"{line(ledger)}  {time.monotonic() - began:.0f} s", flush=True)
    return ledgers


def _sizes(options: argparse.Namespace) -> Sizes:
    sizes = SMALL if options.small else Sizes()
    return replace(sizes, soak_seconds=options.soak or sizes.soak_seconds)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=_numbers, default=[1, 2, 3], help="for example 1,2,3")
    parser.add_argument("--only", type=_words, help="for example T03,T05")
    parser.add_argument("--small", action="store_true", help="fewer partners, events and kills")
    parser.add_argument("--soak", type=float, metavar="SECONDS", help="how long T08 kills")
    parser.add_argument("--write", type=Path, help="the ledger as a Markdown table")
    return parser


def _numbers(text: str) -> list[int]:
    return [int(number) for number in text.split(",")]


def _words(text: str) -> list[str]:
    return text.split(",")


if __name__ == "__main__":
    raise SystemExit(main())
