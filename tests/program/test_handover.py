"""Escalation and absences in the program file."""

from __future__ import annotations

from datetime import date

import pytest

from notifications.models import Absence, CommunicationSettings
from notifications.program.dump import dump_program
from notifications.program.errors import ProgramError
from notifications.program.parsing import parse
from tests.program.files import assert_round_trip, load

pytestmark = pytest.mark.django_db
PROGRAM = """\
accounts:
  - slug: northstar
    users:
      - email: ala@northstar.example
        away: {from: 2026-08-01, until: "2026-08-12", deputy: bartek@northstar.example}
      - {email: bartek@northstar.example}
    communication: {receive_lead_activity: true, escalate_after: 2}
"""


def test_both_are_stored_and_come_back():
    load(parse(PROGRAM))
    absence = Absence.objects.get()
    assert (absence.begins, absence.ends) == (date(2026, 8, 1), date(2026, 8, 12))
    assert absence.deputy.user.email == "bartek@northstar.example"
    assert CommunicationSettings.objects.get().escalate_after == 2
    assert load(parse(PROGRAM)).changed == 0
    assert_round_trip()


def test_what_is_not_mentioned_stays_and_null_ends_it():
    load(parse(PROGRAM))
    load(parse("accounts: [{slug: northstar, users: [{email: ala@northstar.example}]}]"))
    assert Absence.objects.exists()
    load(
        parse("accounts: [{slug: northstar, users: [{email: ala@northstar.example, away: null}]}]")
    )
    assert not Absence.objects.exists()


def test_what_is_off_is_not_dumped():
    load(parse("accounts: [{slug: northstar, communication: {receive_lead_activity: true}}]"))
    assert "escalate_after" not in dump_program()


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("escalate_after: 2", "escalate_after: 25", "must be a whole number from 0 to 24, not 25"),
        ("escalate_after: 2", "escalate_after: true", "must be a whole number from 0 to 24"),
        ('until: "2026-08-12"', 'until: "12 Aug"', "is not a day such as 2026-08-01"),
        ('until: "2026-08-12", ', "", "away.until: is missing."),
        ('"2026-08-12"', "2026-07-12", "away.until: lies before the first day."),
        ("deputy: bartek", "deputy: ala", "away.deputy: nobody is their own deputy."),
        ("deputy: bartek", "deputy: eve", "is not a user of the account 'northstar'."),
    ],
)
def test_what_cannot_be_is_refused_with_its_place(old, new, complaint):
    assert old in PROGRAM
    with pytest.raises(ProgramError) as error:
        load(parse(PROGRAM.replace(old, new)))
    assert complaint in str(error.value)
    assert not Absence.objects.exists()
