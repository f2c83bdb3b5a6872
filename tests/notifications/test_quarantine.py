"""An activity that cannot be evaluated: it stops no other, is set aside, and is let go again."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from notifications import evaluation, quarantine
from notifications.evaluation import evaluate_due
from notifications.invariants import broken
from notifications.models import Decision, Delivery
from notifications.quarantine import note_failure
from partners.models import Activity
from tests.world import read

pytestmark = pytest.mark.django_db


def reasons() -> list[str]:
    return list(Decision.objects.order_by("pk").values_list("reason", flat=True))


def explode_on_boom(monkeypatch) -> list[int]:
    """Return how many activities each try held."""
    real, tries = evaluation.match_triggers, []

    def explode(activities):
        tries.append(len(activities))
        if any(a.name == "Boom" for a in activities):
            raise ZeroDivisionError("poison")
        return real(activities)

    monkeypatch.setattr(evaluation, "match_triggers", explode)
    return tries


def test_one_bad_activity_does_not_stop_its_batch(northstar, monkeypatch):
    good, bad = northstar.happens(), northstar.happens(event="Boom")
    explode_on_boom(monkeypatch)
    for failures in range(1, 6):
        evaluate_due()
        bad.refresh_from_db()
        assert bad.failures == failures
        Activity.objects.filter(pk=bad.pk).update(not_before=None)
    good.refresh_from_db()
    assert good.state == "evaluated" and reasons() == ["sent"]
    assert bad.state == "quarantined" and "poison" in bad.problem


def test_a_bad_one_is_found_by_halves(northstar, monkeypatch):
    """News beside it goes in a few batches, not one by one, and in the order of arrival."""
    names = ["Demo Requested"] * 3 + ["Boom"] + ["Demo Requested"] * 28
    for name in names:
        northstar.happens(event=name)
    tries = explode_on_boom(monkeypatch)
    assert evaluate_due().taken == 31
    assert tries == [32, 16, 8, 4, 2, 2, 1, 1, 4, 8, 16]
    assert Activity.objects.get(name="Boom").failures == 1


def test_what_another_worker_has_evaluated_meanwhile_stays_so(northstar):
    """Its own try failed for a passing reason, and it had let the activity go."""
    activity = northstar.happens()
    evaluate_due()
    note_failure(activity.pk, ZeroDivisionError("passing"))
    activity.refresh_from_db()
    assert (activity.state, activity.failures, activity.problem) == ("evaluated", 0, "")
    assert sum(broken().values()) == 0


# --- Set aside, and tried again -----------------------------------------------------------


def set_aside(northstar, ago: timedelta, **fields) -> Activity:
    """Return an activity of then that was set aside at once."""
    then = timezone.now() - ago
    activity = northstar.happens(received_at=then, occurred_at=then, **fields)
    aside = {"state": "quarantined", "failures": 5, "problem": "Boom"}
    Activity.objects.filter(pk=activity.pk).update(**aside)
    return activity


def test_what_was_set_aside_goes_at_a_pace_and_takes_no_place_from_news(northstar, monkeypatch):
    monkeypatch.setattr(quarantine, "PER_SECOND", 1)
    for _ in range(3):
        set_aside(northstar, timedelta(hours=5))
    assert quarantine.evaluate_again(Activity.objects.all(), actor=northstar.ala.user).count == 3
    waits = Activity.objects.order_by("pk").values_list("not_before", flat=True)
    assert [round((wait - waits[0]).total_seconds()) for wait in waits] == [0, 1, 2]
    evaluate_due()
    assert Activity.objects.filter(state="pending").count() == 2
    # Not since it came: in its account it would go before all that is new.
    assert Delivery.objects.get(channel="email").not_before == waits[0]
    assert sum(broken().values()) == 0


def test_each_further_go_follows_what_was_let_go_before(northstar, monkeypatch):
    monkeypatch.setattr(quarantine, "PER_SECOND", 1)
    monkeypatch.setattr(quarantine, "MOST", 2)
    for _ in range(5):
        set_aside(northstar, timedelta(hours=5))
    goes = [
        quarantine.evaluate_again(Activity.objects.all(), actor=northstar.ala.user)
        for _ in range(4)
    ]
    assert [go.count for go in goes] == [2, 2, 1, 0]
    assert [round(go.lasts.total_seconds()) for go in goes] == [1, 3, 4, 0]
    waits = Activity.objects.order_by("pk").values_list("not_before", flat=True)
    assert [round((wait - waits[0]).total_seconds()) for wait in waits] == [0, 1, 2, 3, 4]


def test_what_was_let_go_has_one_try(northstar, monkeypatch):
    """Its cause is mended, or it is not: more tries would only hold up the others."""
    activity = set_aside(northstar, timedelta(hours=5), event="Boom")
    explode_on_boom(monkeypatch)
    quarantine.evaluate_again(Activity.objects.all(), actor=northstar.ala.user)
    evaluate_due()
    activity.refresh_from_db()
    assert (activity.state, "poison" in activity.problem) == ("quarantined", True)


def test_what_is_too_old_by_then_tells_nobody(northstar):
    """R22: as if it came only now."""
    set_aside(northstar, timedelta(hours=73))
    quarantine.evaluate_again(Activity.objects.all(), actor=northstar.ala.user)
    evaluate_due()
    assert reasons() == ["stale"]


def test_a_pause_of_our_own_makes_nothing_too_old(northstar):
    """R22: it came in time; that it failed four times is not its fault."""
    came = timezone.now() - timedelta(minutes=11)
    happened = came - timedelta(hours=71, minutes=55)
    activity = northstar.happens(received_at=came, occurred_at=happened)
    for _ in range(4):
        note_failure(activity.pk, ZeroDivisionError("passing"))
    Activity.objects.update(not_before=timezone.now())  # Ten minutes later.
    evaluate_due()
    assert reasons() == ["sent"]


@pytest.mark.parametrize(
    ("hours", "words"), [(72, "more than 72 hours old"), (1, "more than 1 hour old")]
)
def test_the_reason_is_true_of_what_came_in_time_as_well(client, northstar, settings, hours, words):
    settings.STALE_AFTER = timedelta(hours=hours)
    set_aside(northstar, timedelta(days=4), message_id="aside-1")
    quarantine.evaluate_again(Activity.objects.all(), actor=northstar.ala.user)
    evaluate_due()
    page = read(client, northstar.ala.user, "/activity/aside-1/")
    assert f"The event was {words} before it could be told." in page
