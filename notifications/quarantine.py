"""What cannot be handled: tried again alone, then set aside, then let go again."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.audit import record_change
from accounts.models import User
from notifications.again import MOST, PER_SECOND
from notifications.doorbell import EVALUATE, ring_after_commit
from partners.bulk import update_rows
from partners.models import Activity

# An activity or a delivery that fails by itself is tried again after these pauses.
RETRY_PAUSES = (
    timedelta(seconds=1),
    timedelta(seconds=10),
    timedelta(minutes=1),
    timedelta(minutes=10),
)
PROBLEM_LENGTH = 1_000

log = logging.getLogger(__name__)


@transaction.atomic
def note_failure(pk: int, error: Exception) -> None:
    """Put the activity off, or set it aside, unless another worker has evaluated it meanwhile."""
    rows = Activity.objects.filter(pk=pk, state=Activity.State.PENDING)
    activity = rows.select_for_update(no_key=True).first()
    if activity is None:
        return
    activity.failures += 1
    activity.problem = f"{type(error).__name__}: {error}"[:PROBLEM_LENGTH]
    if activity.failures > len(RETRY_PAUSES):
        activity.state = Activity.State.QUARANTINED
    else:
        activity.not_before = timezone.now() + RETRY_PAUSES[activity.failures - 1]
    activity.save(update_fields=["failures", "problem", "state", "not_before"])
    log.error("Activity %s failed %d times: %s", pk, activity.failures, activity.problem)


@transaction.atomic
def evaluate_again(rows: QuerySet[Activity], *, actor: User, what: str = "") -> int:
    """Let what was set aside among `rows` be evaluated anew; return how many. Audited.

    The oldest MOST, PER_SECOND of them, so that news does not wait behind them. What happened
    too long ago by then tells nobody (R22); what fails again is set aside again. `what`: the
    search that led to these rows.
    """
    aside = rows.filter(state=Activity.State.QUARANTINED).order_by("pk")
    ids = list(
        aside.select_for_update(of=("self",), no_key=True).values_list("pk", flat=True)[:MOST]
    )
    now = timezone.now()
    fresh = {"state": Activity.State.PENDING.value, "failures": 0, "problem": ""}
    update_rows(
        Activity,
        [
            {"id": pk, **fresh, "not_before": now + timedelta(seconds=n // PER_SECOND)}
            for n, pk in enumerate(ids)
        ],
    )
    if ids:
        record_change(
            None,
            actor=actor,
            action="activities.evaluate_again",
            subject=what,
            old="",
            new=str(len(ids)),
        )
        ring_after_commit(EVALUATE)
    return len(ids)
