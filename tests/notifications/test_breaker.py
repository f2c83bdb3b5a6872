"""When an endpoint is left alone and when it is given up, as tables. No database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from notifications.breaker import Health, after_failure, after_success

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
GOOD = Health()


def run(word: str, health: Health = GOOD, start: datetime = NOW, step: timedelta = SECOND):
    """Let sends end one after another: `+` success, `-` failure. Return health and time."""
    now = start
    for letter in word:
        health = after_success(health, now) if letter == "+" else after_failure(health, now)
        now += step
    return health, now


@pytest.mark.parametrize(
    ("word", "opens"),
    [
        ("-" * 9, False),  # Too few to tell.
        ("-" * 10, True),
        ("+++-------", True),  # 7 of 10.
        ("++++------", False),  # 6 of 10.
        ("+" * 30 + "-" * 60, False),  # 66 % of 90.
    ],
)
def test_it_opens_at_seventy_percent_of_at_least_ten(word, opens):
    health, now = run(word)
    assert (health.openings == 1) is opens
    assert health.waits_at(now) is opens


def test_only_five_minutes_count():
    health, _now = run("-" * 20, step=timedelta(seconds=40))
    assert health.openings == 0


def test_each_failed_probe_doubles_the_pause_up_to_half_an_hour():
    health, now = run("-" * 10)
    pauses = []
    for _ in range(9):
        assert health.wait_until
        pauses.append((health.wait_until - (now - SECOND)).total_seconds())
        now = health.wait_until
        assert health.probes and not health.waits_at(now)
        health = after_failure(health, now)
        now += SECOND
    assert pauses == [30, 60, 120, 240, 480, 960, 1800, 1800, 1800]


def test_what_was_under_way_when_it_opened_does_not_open_it_again():
    health, now = run("-" * 10)
    assert run("---", health, now)[0].openings == 1


def test_one_success_closes_it():
    health, now = run("-" * 10)
    closed = after_success(health, now + MINUTE)
    assert not closed.probes and not closed.waits_at(now + MINUTE)
    assert run("-" * 8, closed, now + MINUTE)[0].openings == 0


def test_a_pause_that_was_asked_for_is_kept_whatever_else_ends():
    paused = after_failure(GOOD, NOW, timedelta(seconds=120))
    assert paused.waits_at(NOW + 119 * SECOND) and not paused.waits_at(NOW + 120 * SECOND)
    assert after_success(paused, NOW + SECOND).waits_at(NOW + 119 * SECOND)
    assert after_failure(paused, NOW + SECOND, 5 * SECOND).wait_until == paused.wait_until
    assert not paused.probes


@pytest.mark.parametrize(
    ("failures", "days", "given_up"),
    [(10, 5, True), (9, 30, False), (10, 4.9, False), (500, 1, False)],
)
def test_it_is_given_up_after_ten_failures_in_five_days(failures, days, given_up):
    health, _now = run("-" * failures)
    assert health.is_given_up_at(NOW + days * DAY) is given_up


def test_it_is_given_up_however_seldom_something_is_sent():
    health, now = run("-" * 9, step=14 * HOUR)
    assert health.openings == 0 and not health.is_given_up_at(now)
    assert after_failure(health, now).is_given_up_at(now)


def test_a_single_failure_after_quiet_weeks_is_no_reason():
    health = after_success(GOOD, NOW)
    assert not after_failure(health, NOW + 60 * DAY).is_given_up_at(NOW + 60 * DAY)


def test_any_success_starts_the_five_days_anew():
    health, now = run("-" * 20)
    assert health.is_given_up_at(now + 6 * DAY)
    health, now = run("-" * 20, after_success(health, now), now + 6 * DAY)
    assert not health.is_given_up_at(now + DAY)
