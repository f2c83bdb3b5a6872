"""What belongs to a visit, as a table. No database, no clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest

from notifications.eligibility.visits import Step, after, begin, belongs, is_news
from notifications.reasons import Reason

TEN = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
PAUSE = timedelta(minutes=30)


def step(minute: float, **fields) -> Step:
    """An untold view of a page, so many minutes after ten."""
    values = {"activity_id": int(minute * 10) + 1_000, "is_page": True, **fields}
    return Step(at=TEN + timedelta(minutes=minute), **values)


def visit(*steps: Step):
    course = begin(step(0, is_told=True, strength=1))
    for each in steps:
        course = after(course, each)
    return course


@pytest.mark.parametrize(
    ("minute", "is_told", "answer"),
    [
        (0, False, True),
        (10, False, True),
        (40, False, True),
        # The pause is counted from the last step, the tenth minute.
        (40.1, False, False),
        (40.1, True, False),
        # Heard of late: a visit begins with what is told, and nothing else moves its beginning.
        (-5, False, False),
        (-5, True, True),
        (-30, True, True),
        (-30.1, True, False),
    ],
)
def test_what_belongs(minute, is_told, answer):
    course = visit(step(10))
    assert belongs(course, step(minute, is_told=is_told), PAUSE) is answer


def test_a_visit_counts_its_steps_and_knows_both_ends():
    course = visit(step(2), step(12, is_page=False, activity_id=7))
    assert (course.steps, course.further, course.pages, course.only_pages) == (3, 2, 2, False)
    assert (course.first_id, course.last_id) == (1_000, 7)
    assert course.lasted == timedelta(minutes=12)


def test_the_order_of_arrival_changes_nothing():
    steps = [step(1), step(5, is_page=False, strength=3), step(9), step(12, is_told=True)]
    assert len({visit(*order) for order in permutations(steps)}) == 1


def test_an_earlier_action_that_is_told_is_the_beginning():
    course = visit(step(3), step(-4, is_told=True, activity_id=9))
    assert (course.first_id, course.started_at) == (9, TEN - timedelta(minutes=4))
    assert course.last_at == TEN + timedelta(minutes=3)


@pytest.mark.parametrize(("further", "answer"), [(0, False), (2, False), (3, True)])
def test_a_summary_is_for_at_least_three_further_steps(further, answer):
    assert visit(*(step(n) for n in range(1, further + 1))).deserves_summary is answer


@pytest.mark.parametrize(
    ("fields", "quiet", "answer"),
    [
        ({"strength": 2}, Reason.COOLDOWN, True),
        ({"strength": 3}, Reason.ALREADY_SIGNED_UP, True),
        ({"strength": 1}, Reason.COOLDOWN, False),  # As strong as what was read.
        ({"strength": 2, "is_told": True}, Reason.COOLDOWN, False),  # It has an item of its own.
        ({"strength": 2}, Reason.ACCOUNT_TOGGLE_OFF, False),
        ({"strength": 2}, Reason.TRIGGER_NOT_CHOSEN, False),
        ({}, Reason.COOLDOWN, False),
    ],
)
def test_what_makes_a_read_item_new(fields, quiet, answer):
    assert is_news(visit(), step(1, **fields), quiet) is answer
