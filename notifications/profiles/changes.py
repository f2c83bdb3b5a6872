"""Which cells a profile sets otherwise than before."""

from __future__ import annotations

from collections.abc import Iterator

from accounts.audit import on_off
from notifications.eligibility import Cell, Profile


def changed_cells(before: Profile, after: Profile) -> Iterator[tuple[Cell, str, str]]:
    """Yield each cell in which they differ, with the old and the new word for it."""
    for cell in sorted(before.cells.keys() | after.cells.keys()):
        old, new = _word(before, cell), _word(after, cell)
        if old != new:
            yield cell, old, new


def _word(profile: Profile, cell: Cell) -> str:
    """Return what the profile says as the log stores it: default, on, off, locked_on …"""
    if cell not in profile.cells:
        return "default"
    locked = "locked_" if cell in profile.locked else ""
    return locked + on_off(profile.cells[cell])
