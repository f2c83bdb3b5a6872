"""Catalogues are compiled without msgfmt, and only when they changed."""

from __future__ import annotations

import gettext
import os
from pathlib import Path

import pytest

from partnernotify.translations import compile_catalogues

CATALOGUE = """
msgid ""
msgstr "Content-Type: text/plain; charset=UTF-8\\n"
msgid "Save"
msgstr "Zapisz"
#, fuzzy
msgid "Clear"
msgstr "Zgadywane"
"""


@pytest.fixture
def po(tmp_path: Path) -> Path:
    path = tmp_path / "pl" / "LC_MESSAGES" / "django.po"
    path.parent.mkdir(parents=True)
    path.write_text(CATALOGUE)
    return path


def test_a_catalogue_is_compiled_once(po: Path, tmp_path: Path) -> None:
    mo = po.with_suffix(".mo")
    assert compile_catalogues(tmp_path) == [mo]
    assert compile_catalogues(tmp_path) == []
    polish = gettext.GNUTranslations(mo.open("rb"))
    assert polish.gettext("Save") == "Zapisz"
    assert polish.gettext("Clear") == "Clear"  # What is only guessed is left out.


def test_a_changed_catalogue_is_compiled_again(po: Path, tmp_path: Path) -> None:
    compile_catalogues(tmp_path)
    later = po.with_suffix(".mo").stat().st_mtime_ns + 1_000_000
    os.utime(po, ns=(later, later))
    assert compile_catalogues(tmp_path) == [po.with_suffix(".mo")]


def test_a_broken_catalogue_is_named(po: Path, tmp_path: Path) -> None:
    po.write_text('msgid "Save"\nnonsense\n')
    with pytest.raises(OSError, match=r"django\.po"):
        compile_catalogues(tmp_path)


def test_without_catalogues_there_is_nothing_to_do(tmp_path: Path) -> None:
    assert compile_catalogues(tmp_path / "none") == []
