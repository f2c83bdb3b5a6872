"""Do everything that is due now, in this process."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass

from django.db.models.functions import Now

from notifications import evaluation
from notifications.channels import CHANNEL_KEYS
from notifications.delivery.claim import sweep
from notifications.delivery.fairness import is_due
from notifications.delivery.send import deliver_due
from notifications.escalations.work import escalate_all, has_due
from notifications.models import Delivery
from notifications.visits.closing import end_visits

LOOK_AGAIN_SECONDS = 0.2


@dataclass
class Drained:
    """What one drain did. `waiting`: due later. `held_by_others`: still leased elsewhere."""

    evaluated: int = 0
    delivered: int = 0
    failed: int = 0
    waiting: int = 0
    held_by_others: int = 0

    def as_dict(self) -> dict[str, int]:
        return asdict(self)


def drain(*, patience_seconds: float) -> Drained:
    """Evaluate and deliver all that is due; wait at most so long for others' leases."""
    done = Drained()
    until = time.monotonic() + patience_seconds
    while True:
        sweep()
        end_visits()
        _work_off(done)
        done.held_by_others = Delivery.objects.filter(state__in=Delivery.HELD).count()
        if not done.held_by_others and not _anything_due():
            break
        if time.monotonic() >= until:
            break
        if done.held_by_others:
            time.sleep(LOOK_AGAIN_SECONDS)
    done.waiting = Delivery.objects.filter(
        state=Delivery.State.PENDING, not_before__gt=Now()
    ).count()
    return done


def _work_off(done: Drained) -> None:
    while (evaluated := evaluation.evaluate_due()).taken:
        done.evaluated += evaluated.taken
        done.delivered += evaluated.delivered
    escalate_all()
    for lane in CHANNEL_KEYS:
        while (tally := deliver_due(lane)).taken:
            done.delivered += tally.delivered
            done.failed += tally.failed


def _anything_due() -> bool:
    return evaluation.has_due() or has_due() or any(map(is_due, CHANNEL_KEYS))
