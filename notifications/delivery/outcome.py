"""What became of a delivery, written down: each outcome one transaction under the lease.

Every function takes the lease token and changes nothing for a worker that lost its lease.
"""

from __future__ import annotations

import random
import uuid
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Now

from notifications.channels.base import Channel, DeliveryError, Failure
from notifications.delivery.recheck import Checked
from notifications.delivery.withdrawal import stop_siblings, withdraw
from notifications.evaluation import RETRY_PAUSES
from notifications.facts.people import uncount_emails
from notifications.models import Attempt, Delivery, Suppression
from notifications.reasons import Reason

DETAIL_LENGTH = 500
JITTER = 0.2


def mine(delivery: Delivery, token: uuid.UUID) -> QuerySet[Delivery]:
    return Delivery.objects.filter(pk=delivery.pk, lease_token=token)


@transaction.atomic
def start(checked: Checked, token: uuid.UUID) -> bool:
    """Commit that a request may be on the wire, and what the message does not say any more.

    False: the lease was lost.
    """
    delivery = checked.delivery
    started = mine(delivery, token).filter(state=Delivery.State.LEASED)
    if not started.update(state=Delivery.State.SENDING, starts=F("starts") + 1):
        return False
    delivery.starts += 1
    Attempt.objects.create(delivery=delivery, n=delivery.starts, started_at=Now())
    withdraw(checked)
    return True


@transaction.atomic
def finish(delivery: Delivery, token: uuid.UUID, detail: str) -> None:
    end_attempt(delivery, Attempt.Outcome.OK, detail)
    settle(mine(delivery, token), state=Delivery.State.DELIVERED, reason=Reason.SENT, detail=detail)


@transaction.atomic
def fail(
    channel: Channel, delivery: Delivery, token: uuid.UUID, error: DeliveryError, address: str
) -> bool:
    """Record a try that did not succeed. Return whether there will be another."""
    end_attempt(delivery, Attempt.Outcome(error.failure.value), error.detail)
    if error.bad_address and address:
        Suppression.objects.get_or_create(
            address=address,
            defaults={"cause": "bounce", "detail": error.detail[:DETAIL_LENGTH]},
        )
    rows = mine(delivery, token)
    if error.failure == Failure.UNKNOWN and not channel.repeats_unknown:
        hold_unknown(rows, error.detail)
        return False
    pause = None if error.permanent else next_try(channel, delivery.starts)
    if pause is None:
        reason = Reason.SUPPRESSED_ADDRESS if error.bad_address else ""
        settle(rows, state=Delivery.State.DEAD, reason=reason, detail=error.detail)
        return False
    _wait(rows, max(pause, error.retry_after or pause), error.detail)
    return True


def hold_unknown(rows: QuerySet[Delivery], detail: str) -> int:
    """Leave what may have arrived to a person: it is never sent twice by itself."""
    return rows.update(
        state=Delivery.State.UNKNOWN,
        lease_token=None,
        lease_until=None,
        detail=detail[:DETAIL_LENGTH],
    )


@transaction.atomic
def stumble(delivery: Delivery, token: uuid.UUID, error: Exception) -> bool:
    """Put aside what could not even be prepared; dead after five times. Return if not yet."""
    rows = mine(delivery, token).filter(state=Delivery.State.LEASED)
    detail = f"cannot be prepared: {type(error).__name__}: {error}"
    if delivery.failures < len(RETRY_PAUSES):
        _wait(rows, RETRY_PAUSES[delivery.failures], detail, failures=F("failures") + 1)
        return True
    settle(rows, state=Delivery.State.DEAD, reason="", detail=detail)
    return False


@transaction.atomic
def stop(checked: Checked, token: uuid.UUID) -> bool:
    """End what must not be sent any more; whoever is the recipient now is told instead."""
    assert checked.stop is not None
    rows = mine(checked.delivery, token).filter(state=Delivery.State.LEASED)
    if not settle(rows, state=checked.stopped_state, reason=checked.stop):
        return False
    uncount_emails([checked.delivery])
    stop_siblings(checked)
    withdraw(checked)
    return True


def next_try(channel: Channel, starts: int) -> timedelta | None:
    """Return the pause before the next try after `starts` of them; None: no more."""
    if starts > len(channel.retries):
        return None
    pause = channel.retries[max(starts, 1) - 1]
    return pause * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - spreads a crowd


def end_attempt(delivery: Delivery, outcome: str, detail: str) -> None:
    Attempt.objects.filter(delivery=delivery, n=delivery.starts, outcome="").update(
        ended_at=Now(), outcome=outcome, detail=detail[:DETAIL_LENGTH]
    )


def settle(rows: QuerySet[Delivery], *, state: str, reason: str, detail: str = "") -> int:
    return rows.update(
        state=state,
        reason=reason,
        detail=detail[:DETAIL_LENGTH],
        done_at=Now(),
        lease_token=None,
        lease_until=None,
    )


def _wait(rows: QuerySet[Delivery], pause: timedelta, detail: str, **more: Any) -> None:
    rows.update(
        state=Delivery.State.PENDING,
        lease_token=None,
        lease_until=None,
        not_before=Now() + pause,
        detail=detail[:DETAIL_LENGTH],
        **more,
    )
