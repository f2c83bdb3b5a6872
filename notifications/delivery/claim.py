"""Who holds a delivery: claims of workers, and what dead workers held."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from notifications.channels.registry import CHANNELS
from notifications.delivery.fairness import lease
from notifications.delivery.outcome import (
    end_attempt,
    hold_unknown,
    next_try,
    repeats_unknown,
    settle,
)
from notifications.models import Attempt, Delivery, Endpoint

INTERRUPTED = "the worker stopped during the send"
# A send that was cut may have arrived: the other side gets a moment, not a whole pause.
INTERRUPTED_PAUSE = timedelta(seconds=5)


@transaction.atomic
def claim(lane: str, token: uuid.UUID, limit: int) -> list[int]:
    """Lease up to `limit` due deliveries, fairly between accounts, and return their ids."""
    return lease(lane, token, limit, settings.DELIVERY_LEASE)


def give_back(ids: Iterable[int], token: uuid.UUID) -> None:
    """Let others have what was claimed and not begun."""
    Delivery.objects.filter(
        pk__in=list(ids), lease_token=token, state=Delivery.State.LEASED
    ).update(state=Delivery.State.PENDING, lease_token=None, lease_until=None)


def sweep() -> dict[str, int]:
    """Take back what dead workers held. Safe to run many times at once.

    A lease that ended before its send started costs nothing. One that ended during a
    send has an unknown outcome: it is sent again with the same id, if its channel does so.
    """
    unsent = Delivery.objects.filter(state=Delivery.State.LEASED, lease_until__lt=Now()).update(
        state=Delivery.State.PENDING, lease_token=None, lease_until=None
    )
    interrupted = 0
    for delivery in Delivery.objects.filter(state=Delivery.State.SENDING, lease_until__lt=Now()):
        interrupted += _take_back(delivery)
    return {"unsent": unsent, "interrupted": interrupted}


@transaction.atomic
def _take_back(delivery: Delivery) -> bool:
    rows = Delivery.objects.filter(
        pk=delivery.pk, lease_token=delivery.lease_token, state=Delivery.State.SENDING
    )
    channel = CHANNELS[delivery.channel]
    pause = next_try(channel, delivery.starts)
    endpoint = Endpoint.objects.filter(key=delivery.endpoint_key).first()
    if not repeats_unknown(channel, endpoint):
        taken = hold_unknown(rows, INTERRUPTED)
    elif pause is None:
        taken = settle(rows, state=Delivery.State.DEAD, reason="", detail=INTERRUPTED)
    else:
        taken = rows.update(
            state=Delivery.State.PENDING,
            lease_token=None,
            lease_until=None,
            not_before=Now() + min(pause, INTERRUPTED_PAUSE),
            detail=INTERRUPTED,
        )
    if taken:
        end_attempt(delivery, Attempt.Outcome.UNKNOWN, INTERRUPTED)
    return bool(taken)
