"""What an import did: new, updated and same, for each kind of row."""

from __future__ import annotations

from collections import Counter
from enum import StrEnum


class Change(StrEnum):
    NEW = "new"
    UPDATED = "updated"
    SAME = "same"

    def joined(self, *, changed: bool) -> Change:
        """The same row after something that belongs to it was compared, too."""
        return Change.UPDATED if changed and self is Change.SAME else self


class Summary:
    """Counts by kind, in the order of the file."""

    def __init__(self) -> None:
        self._counts: dict[str, Counter[Change]] = {}

    def add(self, kind: str, change: Change) -> None:
        self._counts.setdefault(kind, Counter())[change] += 1

    @property
    def changed(self) -> int:
        return sum(c[Change.NEW] + c[Change.UPDATED] for c in self._counts.values())

    def count(self, kind: str, change: Change) -> int:
        return self._counts.get(kind, Counter())[change]

    def __str__(self) -> str:
        rows = [
            f"{kind + ':':<14}" + ", ".join(f"{counts[change]:>4} {change}" for change in Change)
            for kind, counts in self._counts.items()
        ]
        return "\n".join(rows) or "The file holds nothing to import."
