"""Compile the catalogues of locale/ in pure Python: a fresh machine has no msgfmt."""

from pathlib import Path

import polib


def compile_catalogues(folder: Path) -> list[Path]:
    """Write the .mo beside each .po that is newer, and return what was written.

    Fuzzy entries are left out, as msgfmt does. Raises OSError for a file that is no
    catalogue, with its place in the message.
    """
    return [_compile(po) for po in sorted(folder.rglob("*.po")) if _is_stale(po)]


def _is_stale(po: Path) -> bool:
    mo = po.with_suffix(".mo")
    return not mo.exists() or mo.stat().st_mtime_ns < po.stat().st_mtime_ns


def _compile(po: Path) -> Path:
    mo = po.with_suffix(".mo")
    draft = mo.with_suffix(".mo.new")
    polib.pofile(str(po), check_for_duplicates=True).save_as_mofile(str(draft))
    draft.rename(mo)  # A process that reads it just now sees the old or the new one.
    return mo
