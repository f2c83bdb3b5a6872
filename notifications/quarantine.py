"""What cannot be handled: tried again alone, then set aside, then let go again."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Max, QuerySet
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
# So many, and it is set aside; let go again, it keeps them and has one more try.
MOST_FAILURES = len(RETRY_PAUSES) + 1
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
    if activity.failures >= MOST_FAILURES:
        activity.state = Activity.State.QUARANTINED
    else:
        activity.not_before = timezone.now() + RETRY_PAUSES[activity.failures - 1]
    activity.save(update_fields=["failures", "problem", "state", "not_before"])
    log.error("Activity %s failed %d times: %s", pk, activity.failures, activity.problem)


def counts_from(activity: Activity) -> datetime:
    """Return when it came, as far as its age matters (R22).

    Our own pauses make nothing old. What a person lets go is judged as if it came only then.
    """
    let_go = activity.failures >= MOST_FAILURES
    return activity.ready_at if let_go else activity.received_at


# --- Let go again -------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class LetGo:
    """How many were let go, and how long it takes until the last of them is due."""

    count: int = 0
    lasts: timedelta = timedelta()


def is_more_than_one_go(rows: QuerySet[Activity]) -> bool:
    return rows[MOST : MOST + 1].exists()


@transaction.atomic
def evaluate_again(rows: QuerySet[Activity], *, actor: User, what: str = "") -> LetGo:
    """Let what was set aside among `rows` be evaluated anew. Audited.

    The oldest MOST, PER_SECOND of them, so that news does not wait behind them. What happened
    too long ago by then tells nobody (R22). Each has one try: what fails is set aside again.
    `what`: the search that led to these rows.
    """
    aside = rows.filter(state=Activity.State.QUARANTINED).order_by("pk")
    ids = list(
        aside.select_for_update(of=("self",), no_key=True).values_list("pk", flat=True)[:MOST]
    )
    if not ids:
        return LetGo()
    now = timezone.now()
    first = _after_earlier_ones(now)
    times = [first + timedelta(seconds=n // PER_SECOND) for n in range(len(ids))]
    again = {"state": Activity.State.PENDING.value, "failures": MOST_FAILURES, "problem": ""}
    update_rows(
        Activity,
        [{"id": pk, **again, "not_before": at} for pk, at in zip(ids, times, strict=True)],
    )
    record_change(
        None,
        actor=actor,
        action="activities.evaluate_again",
        subject=what,
        old="",
        new=str(len(ids)),
    )
    ring_after_commit(EVALUATE)
    return LetGo(count=len(ids), lasts=times[-1] - now)


def _after_earlier_ones(now: datetime) -> datetime:
    """Return when those let go before are through: two goes do not double the pace."""
    let_go = Activity.objects.filter(state=Activity.State.PENDING, failures__gte=MOST_FAILURES)
    last = let_go.aggregate(last=Max("not_before"))["last"]
    return max(now, last + timedelta(seconds=1)) if last else now
