"""Endpoints with topics of their own; e-mail beside the apps, or instead of them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from notifications.eligibility import (
    Person,
    Place,
    decide_lead_activity,
    endpoints_for,
    is_told_in_chat,
    waits_for_chat,
    why_no_email_instead,
    why_not_there,
)
from notifications.reasons import Reason
from tests.notifications.test_eligibility import ALA, CO_SELLING, LEAD, LEAD_ACTIVITY, NOW, event


def with_apps(*places: Place, **choices: bool) -> Person:
    """Ala with these places. `choices`: of "Other apps", where lead activity is ticked."""
    wishes = {"enabled": True, LEAD_ACTIVITY: True, **choices}
    chosen = {("other_apps", key): is_on for key, is_on in wishes.items()}
    return replace(ALA, places={"other_apps": places}, choices=chosen)


EVERYTHING = Place(key="all", kind="slack")
NO_LEADS = Place(key="deals", kind="slack", topics_off=frozenset({LEAD_ACTIVITY}))
PROGRAM = Place(key="program", kind="webhook")


@pytest.mark.parametrize(
    ("places", "keys"),
    [
        ((), ()),
        ((EVERYTHING,), ("all",)),
        ((NO_LEADS,), ()),
        ((NO_LEADS, EVERYTHING), ("all",)),
    ],
)
def test_an_endpoint_takes_the_topics_that_it_was_left(places, keys):
    person = with_apps(*places)
    assert endpoints_for(person, "other_apps", LEAD_ACTIVITY) == keys
    (verdict,) = decide_lead_activity(event(), [replace(LEAD, recipient=person)], NOW)
    assert ("other_apps" in verdict.channels) == bool(keys)


@pytest.mark.parametrize(
    ("key", "why"),
    [("all", None), ("deals", Reason.TOPIC_OFF), ("gone", Reason.SUPPRESSED_ADDRESS)],
)
def test_right_before_the_send_each_endpoint_answers_for_itself(key, why):
    person = with_apps(EVERYTHING, NO_LEADS)
    assert why_not_there(person, "other_apps", LEAD_ACTIVITY, key) == why


QUIET = {"no_email_if_delivered": True}


@pytest.mark.parametrize(
    ("person", "waits"),
    [
        (with_apps(EVERYTHING), False),
        (with_apps(EVERYTHING, **QUIET), True),
        (with_apps(PROGRAM, **QUIET), False),
        (with_apps(NO_LEADS, **QUIET), False),
        (with_apps(EVERYTHING, **QUIET, enabled=False), False),
        (with_apps(EVERYTHING, **QUIET, **{LEAD_ACTIVITY: False}), False),
    ],
)
def test_e_mail_waits_for_a_chat_only_if_that_is_wanted_and_one_gets_it(person, waits):
    assert waits_for_chat(person, LEAD_ACTIVITY) == waits
    assert is_told_in_chat(person, {LEAD_ACTIVITY}, {"all", "program", "deals"}) == waits
    assert not is_told_in_chat(person, {LEAD_ACTIVITY}, set())


def test_a_chat_that_has_half_of_it_is_not_enough():
    person = with_apps(EVERYTHING, **QUIET)
    assert not is_told_in_chat(person, {LEAD_ACTIVITY, CO_SELLING}, {"all"})


NO_BOX = with_apps(EVERYTHING, **{CO_SELLING: True})


@pytest.mark.parametrize(
    ("changes", "topic", "why"),
    [
        ({}, CO_SELLING, None),  # Never ticked for e-mail, and never unticked.
        ({("email", LEAD_ACTIVITY): False}, LEAD_ACTIVITY, Reason.TOPIC_OFF),
        ({("other_apps", "email_if_failed"): False}, CO_SELLING, Reason.TOPIC_OFF),
        ({("other_apps", "email_if_failed"): False}, LEAD_ACTIVITY, None),
        ({("email", "enabled"): False}, CO_SELLING, Reason.EMAIL_OFF),
    ],
)
def test_e_mail_instead_of_an_app(changes, topic, why):
    person = replace(NO_BOX, choices={**NO_BOX.choices, **changes})
    assert why_no_email_instead(person, topic) == why


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"suppressed": True}, Reason.SUPPRESSED_ADDRESS),
        ({"capped_topics": frozenset({CO_SELLING})}, Reason.DAILY_CAP),
    ],
)
def test_e_mail_instead_of_an_app_keeps_the_limits(changes, why):
    assert why_no_email_instead(replace(NO_BOX, **changes), CO_SELLING) == why
