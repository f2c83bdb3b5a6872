"""An activity that cannot be evaluated: tried again alone, then set aside, then let go again."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from accounts.audit import record_change
from accounts.models import User
from notifications.doorbell import EVALUATE, ring_after_commit
from partners.models import Activity

# It is tried again after these pauses, then set aside.
RETRY_PAUSES = (
    timedelta(seconds=1),
    timedelta(seconds=10),
    timedelta(minutes=1),
    timedelta(minutes=10),
)
PROBLEM_LENGTH = 1_000

log = logging.getLogger(__name__)


def note_failure(pk: int, error: Exception) -> None:
    activity = Activity.objects.get(pk=pk)
    activity.failures += 1
    activity.problem = f"{type(error).__name__}: {error}"[:PROBLEM_LENGTH]
    if activity.failures > len(RETRY_PAUSES):
        activity.state = Activity.State.QUARANTINED
    else:
        activity.not_before = timezone.now() + RETRY_PAUSES[activity.failures - 1]
    activity.save(update_fields=["failures", "problem", "state", "not_before"])
    log.error("Activity %s failed %d times: %s", pk, activity.failures, activity.problem)


@transaction.atomic
def evaluate_again(*, actor: User) -> int:
    """Let everything that was set aside be evaluated anew; return how many. Audited.

    What fails again is set aside again, with the error of today.
    """
    released = Activity.objects.filter(state=Activity.State.QUARANTINED).update(
        state=Activity.State.PENDING, not_before=None, failures=0, problem=""
    )
    if released:
        record_change(
            None, actor=actor, action="activities.evaluate_again", old="", new=str(released)
        )
        ring_after_commit(EVALUATE)
    return released
