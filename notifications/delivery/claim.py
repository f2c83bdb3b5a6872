"""Who holds a delivery: claims of workers, and what dead workers held."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import OperationalError, transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from notifications.channels.registry import sender_of
from notifications.delivery.fairness import lease
from notifications.delivery.instead import fail_together
from notifications.delivery.outcome import (
    end_attempt,
    hold_unknown,
    next_try,
    repeats_unknown,
    settle,
)
from notifications.delivery.waiting import pass_on_lost, share_outcome
from notifications.models import Attempt, Delivery, Endpoint

INTERRUPTED = "the worker stopped during the send"
# A send that was cut may have arrived: the other side gets a moment, not a whole pause.
INTERRUPTED_PAUSE = timedelta(seconds=5)

log = logging.getLogger(__name__)


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
    What is locked is left for the next time: its holder may be frozen. One that cannot be
    taken back holds up no other.
    """
    unsent = _take_back_unsent()
    interrupted = 0
    for delivery in Delivery.objects.filter(state=Delivery.State.SENDING, lease_until__lt=Now()):
        try:
            interrupted += _take_back(delivery)
        except OperationalError:
            raise  # The database, not this delivery: the next sweep comes soon.
        except Exception:
            log.exception("Delivery %s could not be taken back", delivery.public_id)
    pass_on_lost()
    return {"unsent": unsent, "interrupted": interrupted}


@transaction.atomic
def _take_back_unsent() -> int:
    leased = Delivery.objects.filter(state=Delivery.State.LEASED, lease_until__lt=Now())
    return Delivery.objects.filter(pk__in=_lock(leased)).update(
        state=Delivery.State.PENDING, lease_token=None, lease_until=None
    )


def _lock(rows: QuerySet[Any]) -> list[int]:
    """Lock those of the rows that nobody else has locked; return their ids."""
    free = rows.select_for_update(skip_locked=True, no_key=True)
    return list(free.values_list("pk", flat=True))


@transaction.atomic
def _take_back(delivery: Delivery) -> bool:
    rows = Delivery.objects.filter(
        pk=delivery.pk, lease_token=delivery.lease_token, state=Delivery.State.SENDING
    )
    attempt = Attempt.objects.filter(delivery=delivery, n=delivery.starts, outcome="")
    if not _lock(attempt) or not _lock(rows):
        return False
    endpoint = Endpoint.objects.filter(key=delivery.endpoint_key).first()
    if endpoint is None and delivery.endpoint_key != Delivery.OWN:
        _wait(rows, timedelta(0))  # Removed meanwhile: the next check withholds it.
    else:
        _decide(delivery, rows, endpoint)
    end_attempt(delivery, Attempt.Outcome.UNKNOWN, INTERRUPTED)
    return True


def _decide(delivery: Delivery, rows: QuerySet[Delivery], endpoint: Endpoint | None) -> None:
    channel = sender_of(delivery.channel, endpoint.kind if endpoint else "")
    pause = next_try(channel, delivery.starts)
    if not repeats_unknown(channel, endpoint):
        hold_unknown(rows, INTERRUPTED)
        share_outcome(delivery)
    elif pause is None:
        settle(rows, state=Delivery.State.DEAD, reason="", detail=INTERRUPTED)
        fail_together(delivery)
    else:
        _wait(rows, min(pause, INTERRUPTED_PAUSE))


def _wait(rows: QuerySet[Delivery], pause: timedelta) -> None:
    rows.update(
        state=Delivery.State.PENDING,
        lease_token=None,
        lease_until=None,
        not_before=Now() + pause,
        detail=INTERRUPTED,
    )
