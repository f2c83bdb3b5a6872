"""The ledger for people: lines on a terminal, and a Markdown table."""

from __future__ import annotations

from collections.abc import Iterable

from tests.chaos.ledger import Ledger, columns
from tests.chaos.registry import SCENARIOS


def heading() -> str:
    return "  ".join(columns())


def line(ledger: Ledger) -> str:
    """Return the figures under their heading, then the notes, then which rules are broken."""
    figures = "  ".join(_figure(ledger, name).rjust(len(name)) for name in columns())
    notes = "; ".join(f"{name} {value}" for name, value in ledger.notes.items())
    broken = "".join(f"\n    BROKEN: {words}" for words in ledger.broken)
    return f"{figures}  {notes}{broken}"


def _figure(ledger: Ledger, name: str) -> str:
    value = getattr(ledger, name)
    return "–" if value is None else str(value)


def as_markdown(ledgers: Iterable[Ledger]) -> str:
    """Return one table; the order is by test and seed, whatever ran first."""
    names = columns()
    rows = [
        f"| test | what | {' | '.join(names[1:])} | notes |",
        f"|---|---|{'---:|' * len(names[1:])}---|",
    ]
    for ledger in sorted(ledgers, key=lambda ledger: (ledger.test, ledger.seed)):
        figures = " | ".join(_figure(ledger, name) for name in names[1:])
        notes = "; ".join(
            [f"{name} {value}" for name, value in ledger.notes.items()]
            + [f"**{words}**" for words in ledger.broken]
        )
        what = SCENARIOS[ledger.test].what
        rows.append(f"| {ledger.test} | {what} | {figures} | {notes} |")
    return "\n".join(rows) + "\n"
