"""Claim due deliveries, check them again, send, record. The only caller of a channel.

pending → leased → sending → delivered | pending (retry) | dead. `leased` means claimed
with nothing on the wire; `sending` means that an Attempt is committed and a request may
be on the wire. Finishing needs the lease token: a worker that lost its lease changes
nothing. No network inside a transaction.
"""

from __future__ import annotations

import logging
import random
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from notifications.channels.base import Channel, DeliveryError, Failure, Send
from notifications.channels.registry import CHANNELS
from notifications.evaluation import tell_new_recipient
from notifications.models import Attempt, Decision, Delivery, Suppression
from notifications.reasons import Reason
from notifications.recheck import Checked, check, load
from notifications.rendering import render
from partnernotify.shutdown import stopping

CLAIM_SIZE = 50
DETAIL_LENGTH = 500
JITTER = 0.2

log = logging.getLogger(__name__)


@dataclass
class Tally:
    """What one call did with the deliveries that it claimed."""

    delivered: int = 0
    failed: int = 0
    stopped: int = 0
    retried: int = 0

    @property
    def taken(self) -> int:
        return self.delivered + self.failed + self.stopped + self.retried

    def add(self, other: Tally) -> None:
        self.delivered += other.delivered
        self.failed += other.failed
        self.stopped += other.stopped
        self.retried += other.retried


def deliver_due(lane: str, limit: int = CLAIM_SIZE) -> Tally:
    """Deliver up to `limit` due deliveries of one lane."""
    token = uuid.uuid4()
    tally = Tally()
    deliveries = load(claim(lane, token, limit))
    if not deliveries:
        return tally
    channel = CHANNELS[lane]
    lease_ends = timezone.now() + settings.DELIVERY_LEASE
    with channel.session() as send:
        for checked in check(deliveries, timezone.now()):
            if checked.stop:
                _stop(checked, token)
                tally.stopped += 1
            elif stopping.is_set() or timezone.now() + settings.SEND_DEADLINE > lease_ends:
                _give_back(checked.delivery, token)
            else:
                _send_one(channel, send, checked, token, tally)
    return tally


def due(lane: str) -> QuerySet[Delivery]:
    return Delivery.objects.filter(
        channel=lane, state=Delivery.State.PENDING, not_before__lte=Now()
    )


def claim(lane: str, token: uuid.UUID, limit: int) -> list[int]:
    """Lease up to `limit` due deliveries and return their ids."""
    with transaction.atomic():
        rows = due(lane).order_by("not_before", "pk")
        if connection.features.has_select_for_update_skip_locked:
            rows = rows.select_for_update(skip_locked=True, no_key=True)
        ids = list(rows.values_list("pk", flat=True)[:limit])
        if ids:
            Delivery.objects.filter(pk__in=ids, state=Delivery.State.PENDING).update(
                state=Delivery.State.LEASED,
                lease_token=token,
                lease_until=Now() + settings.DELIVERY_LEASE,
            )
    return ids


def _mine(delivery: Delivery, token: uuid.UUID) -> QuerySet[Delivery]:
    return Delivery.objects.filter(pk=delivery.pk, lease_token=token)


# --- One send ---------------------------------------------------------------------


def _send_one(
    channel: Channel, send: Send, checked: Checked, token: uuid.UUID, tally: Tally
) -> None:
    delivery = checked.delivery
    try:
        message = render(checked.context)
    except Exception as error:  # noqa: BLE001 - one message that cannot be made stops no other
        log.exception("Delivery %s could not be rendered", delivery.public_id)
        _give_back(delivery, token)
        _bury(delivery, f"cannot be rendered: {type(error).__name__}: {error}")
        tally.failed += 1
        return
    if not _start(delivery, token):
        return
    try:
        detail = send(message, checked.address)
    except DeliveryError as error:
        _fail(channel, delivery, token, error, checked.address)
        tally.retried += not error.permanent
        tally.failed += error.permanent
    except Exception as error:  # noqa: BLE001 - an unforeseen failure is a recorded outcome
        log.exception("Delivery %s failed in its channel", delivery.public_id)
        unforeseen = DeliveryError(Failure.UNKNOWN, f"{type(error).__name__}: {error}")
        _fail(channel, delivery, token, unforeseen, checked.address)
        tally.retried += 1
    else:
        _finish(delivery, token, detail)
        tally.delivered += 1


@transaction.atomic
def _start(delivery: Delivery, token: uuid.UUID) -> bool:
    """Commit that a request may be on the wire. False: the lease was lost."""
    started = _mine(delivery, token).filter(state=Delivery.State.LEASED)
    if not started.update(state=Delivery.State.SENDING, starts=F("starts") + 1):
        return False
    delivery.starts += 1
    Attempt.objects.create(delivery=delivery, n=delivery.starts, started_at=Now())
    return True


@transaction.atomic
def _finish(delivery: Delivery, token: uuid.UUID, detail: str) -> None:
    _end_attempt(delivery, Attempt.Outcome.OK, detail)
    _settle(
        _mine(delivery, token),
        state=Delivery.State.DELIVERED,
        reason=Reason.SENT,
        detail=detail,
    )


@transaction.atomic
def _fail(
    channel: Channel,
    delivery: Delivery,
    token: uuid.UUID,
    error: DeliveryError,
    address: str,
) -> None:
    _end_attempt(delivery, Attempt.Outcome(error.failure.value), error.detail)
    if error.bad_address and address:
        Suppression.objects.get_or_create(
            address=address,
            defaults={"cause": "bounce", "detail": error.detail[:DETAIL_LENGTH]},
        )
    retry_at = None if error.permanent else next_try(channel, delivery.starts)
    if retry_at is None:
        reason = Reason.SUPPRESSED_ADDRESS if error.bad_address else ""
        _settle(
            _mine(delivery, token),
            state=Delivery.State.DEAD,
            reason=reason,
            detail=error.detail,
        )
    else:
        _mine(delivery, token).update(
            state=Delivery.State.PENDING,
            lease_token=None,
            lease_until=None,
            not_before=Now() + retry_at,
            detail=error.detail[:DETAIL_LENGTH],
        )


def next_try(channel: Channel, starts: int) -> timedelta | None:
    """Return the pause before the next try after `starts` of them; None: no more."""
    if starts > len(channel.retries):
        return None
    pause = channel.retries[max(starts, 1) - 1]
    return pause * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - spreads a crowd


def _end_attempt(delivery: Delivery, outcome: str, detail: str) -> None:
    Attempt.objects.filter(delivery=delivery, n=delivery.starts, outcome="").update(
        ended_at=Now(), outcome=outcome, detail=detail[:DETAIL_LENGTH]
    )


def _settle(rows: QuerySet[Delivery], *, state: str, reason: str, detail: str = "") -> None:
    rows.update(
        state=state,
        reason=reason,
        detail=detail[:DETAIL_LENGTH],
        done_at=Now(),
        lease_token=None,
        lease_until=None,
    )


def _give_back(delivery: Delivery, token: uuid.UUID) -> None:
    _mine(delivery, token).filter(state=Delivery.State.LEASED).update(
        state=Delivery.State.PENDING, lease_token=None, lease_until=None
    )


def _bury(delivery: Delivery, detail: str) -> None:
    rows = Delivery.objects.filter(pk=delivery.pk, state=Delivery.State.PENDING)
    _settle(rows, state=Delivery.State.DEAD, reason="", detail=detail)


# --- What must not be sent any more -------------------------------------------------


@transaction.atomic
def _stop(checked: Checked, token: uuid.UUID) -> None:
    """Cancel a delivery; whoever is the recipient now gets it in the same transaction."""
    delivery = checked.delivery
    assert checked.stop is not None
    still_mine = _mine(delivery, token).filter(state=Delivery.State.LEASED)
    if not still_mine.select_for_update().exists():
        return
    _settle(still_mine, state=checked.stopped_state, reason=checked.stop)
    _revise_decisions(delivery, checked.stop)
    for reason in checked.moved:
        tell_new_recipient(delivery.notification, reason)


def _revise_decisions(delivery: Delivery, reason: Reason) -> None:
    """ "Told" becomes "not told" once every channel was stopped before anything went."""
    others = Delivery.objects.filter(notification=delivery.notification).exclude(
        state__in=(Delivery.State.CANCELLED, Delivery.State.SUPPRESSED)
    )
    if not others.exists():
        Decision.objects.filter(
            notification=delivery.notification, outcome=Decision.Outcome.SEND
        ).update(outcome=Decision.Outcome.NO, reason=reason)


# --- The sweeper --------------------------------------------------------------------


def sweep() -> dict[str, int]:
    """Take back what dead workers held. Safe to run many times at once.

    A lease that ended before its send started costs nothing. One that ended during a
    send has an unknown outcome: e-mail and bell are sent again with the same id.
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
    detail = "the worker stopped during the send"
    pause = next_try(CHANNELS[delivery.channel], delivery.starts)
    if pause is None:
        rows_taken = rows.exists()
        _settle(rows, state=Delivery.State.DEAD, reason="", detail=detail)
    else:
        rows_taken = bool(
            rows.update(
                state=Delivery.State.PENDING,
                lease_token=None,
                lease_until=None,
                not_before=Now() + min(pause, timedelta(seconds=5)),
                detail=detail,
            )
        )
    if rows_taken:
        _end_attempt(delivery, Attempt.Outcome.UNKNOWN, detail)
    return rows_taken


def lanes_with_work(lanes: Iterable[str] = tuple(CHANNELS)) -> list[str]:
    """Return the lanes that have something due."""
    found = set(
        Delivery.objects.filter(
            Q(channel__in=list(lanes)),
            state=Delivery.State.PENDING,
            not_before__lte=Now(),
        )
        .order_by()
        .values_list("channel", flat=True)
        .distinct()
    )
    return [lane for lane in lanes if lane in found]


def waiting_until() -> datetime | None:
    """Return when the next held or retried delivery is due, if one waits."""
    return (
        Delivery.objects.filter(state=Delivery.State.PENDING)
        .order_by("not_before")
        .values_list("not_before", flat=True)
        .first()
    )
