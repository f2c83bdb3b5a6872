"""The Polish catalogue is complete and safe to format (R103)."""

from __future__ import annotations

import re

import polib
import pytest
from django.conf import settings

CATALOGUE = settings.BASE_DIR / "locale" / "pl" / "LC_MESSAGES" / "django.po"
NPLURALS = re.compile(r"nplurals=(\d+)")
# %(name)s with its conversion, {name}, and tags with their attributes.
PLACEHOLDER = re.compile(r"%\(\w+\)[a-z]|\{\w*\}|</?[a-z][^>]*>")


@pytest.fixture(scope="module")
def catalogue() -> polib.POFile:
    return polib.pofile(str(CATALOGUE))


def _sources(entry: polib.POEntry) -> list[str]:
    return [text for text in (entry.msgid, entry.msgid_plural) if text]


def _translations(entry: polib.POEntry) -> list[str]:
    return list(entry.msgstr_plural.values()) if entry.msgid_plural else [entry.msgstr]


def _edges(text: str) -> tuple[bool, bool]:
    return text.startswith("\n"), text.endswith("\n")


def _placeholders(text: str) -> list[str]:
    return sorted(PLACEHOLDER.findall(text))


def test_every_string_is_translated(catalogue: polib.POFile) -> None:
    assert len(catalogue) > 0
    assert [e.msgid for e in catalogue if not all(t.strip() for t in _translations(e))] == []


def test_nothing_is_fuzzy_or_obsolete(catalogue: polib.POFile) -> None:
    assert [e.msgid for e in catalogue if e.fuzzy or e.obsolete] == []


def test_plural_forms_are_complete(catalogue: polib.POFile) -> None:
    rule = NPLURALS.search(catalogue.metadata["Plural-Forms"])
    assert rule
    wanted = list(range(int(rule.group(1))))
    plurals = [e for e in catalogue if e.msgid_plural]
    assert [e.msgid for e in plurals if sorted(e.msgstr_plural) != wanted] == []


def test_placeholders_are_the_same_on_both_sides(catalogue: polib.POFile) -> None:
    wrong = [
        (entry.msgid, translation)
        for entry in catalogue
        for translation in _translations(entry)
        if _placeholders(translation) not in [_placeholders(s) for s in _sources(entry)]
    ]
    assert wrong == []


def test_line_breaks_at_the_edges_are_kept(catalogue: polib.POFile) -> None:
    wrong = [
        entry.msgid
        for entry in catalogue
        if any(_edges(t) != _edges(entry.msgid) for t in _translations(entry))
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("english", "polish"),
    [
        ("Receive lead activity notifications", "Otrzymuj powiadomienia o aktywności leadów"),
        ("Select notification recipient", "Wybierz odbiorcę powiadomień"),
        ("Email", "E-mail"),
        ("Desktop", "Pulpit"),
        ("Other apps", "Inne aplikacje"),
        ("Mobile app", "Aplikacja mobilna"),
        ("%(vendor)s Partners", "Partnerzy %(vendor)s"),
        ("Save", "Zapisz"),
    ],
)
def test_the_names_of_the_contract(catalogue: polib.POFile, english: str, polish: str) -> None:
    entry = catalogue.find(english)
    assert entry is not None
    assert entry.msgstr == polish
