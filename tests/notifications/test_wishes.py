"""Whose word counts in a cell of the Notifications page (R73, R74): the pure rule."""

from __future__ import annotations

import pytest

from notifications.channels import CHANNEL_KEYS
from notifications.eligibility import (
    OWN_ONLY,
    Person,
    Profile,
    Source,
    Wishes,
    profile_behind,
    why_no_email,
    why_no_email_instead,
)
from notifications.reasons import Reason, sentence_of
from notifications.topics import CHANNEL_SWITCHES, TOPICS, default_of

CO_SELLING, LEAD_ACTIVITY = "co_selling_prospect_activity", "registered_lead_activity"
CELL = ("email", CO_SELLING)  # Off by default.
ON, OFF = True, False
CELLS = [*CHANNEL_SWITCHES, *((c, t) for c in CHANNEL_KEYS for t in TOPICS)]


def profile(is_on: bool | None, *, locked: bool = False, cell=CELL) -> Profile | None:
    if is_on is None:
        return None
    return Profile(name="Sales", cells={cell: is_on}, locked=frozenset({cell} if locked else ()))


@pytest.mark.parametrize(
    ("of_profile", "locked", "own", "expected"),
    [
        (None, False, None, (OFF, Source.DEFAULT)),
        (None, False, ON, (ON, Source.OWN)),
        (ON, False, None, (ON, Source.PROFILE)),
        (OFF, False, None, (OFF, Source.PROFILE)),
        (ON, False, OFF, (OFF, Source.OWN)),  # R73: one's own choice wins,
        (ON, False, ON, (ON, Source.OWN)),
        (ON, True, None, (ON, Source.LOCKED)),
        (ON, True, OFF, (ON, Source.LOCKED)),  # unless the account has locked it.
        (OFF, True, ON, (OFF, Source.LOCKED)),
    ],
)
def test_whose_word_counts(of_profile, locked, own, expected):
    choices = {} if own is None else {CELL: own}
    wishes = Wishes(choices=choices, profile=profile(of_profile, locked=locked))
    assert wishes.wish(*CELL) == expected
    assert wishes.ticked(*CELL) is expected[0]


def test_without_a_profile_everything_is_as_it_was():
    for channel, key in CELLS:
        assert Wishes().wish(channel, key) == (default_of(channel, key), Source.DEFAULT)


@pytest.mark.parametrize("cell", sorted(OWN_ONLY))
def test_nobody_else_switches_a_browser_or_a_phone_on_or_shows_names_there(cell):
    """R74: even if a row says so."""
    locked = profile(ON, locked=True, cell=cell)
    assert Wishes(profile=locked).wish(*cell) == (OFF, Source.DEFAULT)
    assert Wishes(profile=locked, choices={cell: ON}).wish(*cell) == (ON, Source.OWN)


def test_a_topic_of_the_phone_can_be_preselected():
    """R74."""
    ticked = Wishes(profile=profile(ON, cell=("mobile", CO_SELLING)))
    assert ticked.wish("mobile", CO_SELLING) == (ON, Source.PROFILE)


def test_who_unsubscribed_gets_no_mail_although_the_account_requires_it():
    locked = profile(ON, locked=True)
    wishes = Wishes(choices={CELL: OFF}, unsubscribed=frozenset({CELL}), profile=locked)
    assert wishes.wish(*CELL) == (OFF, Source.OWN)


def test_what_differs_is_counted_and_what_only_says_the_same_is_not():
    wishes = Wishes(
        choices={CELL: OFF, ("email", "enabled"): True, ("desktop", "bell"): False},
        profile=Profile(
            name="Sales",
            cells={CELL: ON, ("desktop", "bell"): True},
            locked=frozenset({("desktop", "bell")}),
        ),
    )
    assert list(wishes.differing()) == [CELL]


# --- What asks for a wish ------------------------------------------------------------------


def person(**wishes) -> Person:
    return Person(membership_id=1, account_id=1, **wishes)


def test_a_profile_ticks_for_the_rules_too():
    assert why_no_email(person(), CO_SELLING) == Reason.TOPIC_OFF
    assert why_no_email(person(profile=profile(ON)), CO_SELLING) is None


@pytest.mark.parametrize("locked", [False, True])
def test_no_email_stands_in_for_an_app_where_the_account_said_no(locked):
    """R87."""
    assert why_no_email_instead(person(), CO_SELLING) is None
    off = person(profile=profile(OFF, locked=locked))
    assert why_no_email_instead(off, CO_SELLING) == Reason.TOPIC_OFF


@pytest.mark.parametrize(
    ("choices", "cell", "reason", "name"),
    [
        ({}, ("email", "enabled"), Reason.EMAIL_OFF, "Sales"),
        ({}, ("email", LEAD_ACTIVITY), Reason.TOPIC_OFF, "Sales"),
        ({("email", LEAD_ACTIVITY): False}, ("email", LEAD_ACTIVITY), Reason.TOPIC_OFF, ""),
        ({}, ("email", "enabled"), Reason.COOLDOWN, ""),
        ({}, ("desktop", "bell"), Reason.TOPIC_OFF, ""),
    ],
)
def test_an_off_of_the_profile_carries_its_name(choices, cell, reason, name):
    off = Wishes(choices=choices, profile=profile(OFF, cell=cell))
    assert profile_behind(off, reason, LEAD_ACTIVITY) == name


def test_the_sentence_names_the_profile():
    assert "“Sales”" in sentence_of(Reason.TOPIC_OFF, "Sales")
    assert "profile" not in sentence_of(Reason.TOPIC_OFF)
    assert sentence_of(Reason.BOT, "Sales") == sentence_of(Reason.BOT)
