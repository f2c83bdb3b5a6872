"""What became of a delivery, written down: each outcome one transaction under the lease.

Every function takes the lease token and changes nothing for a worker that lost its lease.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from django.db import transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Now

from notifications.channels.base import Channel, DeliveryError, Failure
from notifications.delivery.health import note_failure, note_success, why_later
from notifications.delivery.recheck import Checked
from notifications.delivery.statements import run
from notifications.delivery.withdrawal import stop_siblings, withdraw
from notifications.evaluation import RETRY_PAUSES
from notifications.facts.people import uncount_emails
from notifications.models import Attempt, Delivery, Endpoint, Suppression
from notifications.reasons import Reason

DETAIL_LENGTH = 500
JITTER = 0.2
_DELIVERY, _ATTEMPT = Delivery._meta.db_table, Attempt._meta.db_table


def mine(delivery: Delivery, token: uuid.UUID) -> QuerySet[Delivery]:
    return Delivery.objects.filter(pk=delivery.pk, lease_token=token)


class Result(StrEnum):
    """What became of one delivery that a worker had taken."""

    DELIVERED = "delivered"
    RETRIED = "retried"
    FAILED = "failed"
    STOPPED = "stopped"
    POSTPONED = "postponed"  # Its endpoint is left alone for now; that costs no try.
    LOST = "lost"  # The lease was somebody else's by then.


@dataclass(frozen=True, kw_only=True)
class Accepted:
    """A send that the other side took, not written down yet. `detail`: its id for it."""

    checked: Checked
    detail: str

    @property
    def tells_health(self) -> bool:
        """Whether the success says something new about the endpoint."""
        return bool(self.checked.endpoint) or self.checked.in_trouble


_START = (
    f"""
    UPDATE {_DELIVERY} SET state = 'sending', starts = starts + 1
    WHERE id = %(next)s AND lease_token = %(token)s AND state = 'leased'
    """,  # noqa: S608 - our own names
    f"""
    INSERT INTO {_ATTEMPT} (delivery_id, n, started_at, outcome, detail)
    SELECT id, starts, {{now}}, '', '' FROM {_DELIVERY}
    WHERE id = %(next)s AND lease_token = %(token)s AND state = 'sending'
    """,  # noqa: S608
)
_FINISH = (
    f"""
    UPDATE {_DELIVERY} SET state = 'delivered', reason = 'sent', detail = %(detail)s,
      done_at = {{now}}, lease_token = NULL, lease_until = NULL
    WHERE id = %(sent)s AND lease_token = %(token)s
    """,  # noqa: S608
    f"""
    UPDATE {_ATTEMPT} SET ended_at = {{now}}, outcome = 'ok', detail = %(detail)s
    WHERE delivery_id = %(sent)s AND n = %(n)s AND outcome = ''
    """,  # noqa: S608
)


def start(
    checked: Checked,
    token: uuid.UUID,
    accepted: Accepted | None = None,
    behind: Sequence[Delivery] = (),
) -> Result | None:
    """Commit that a request may be on the wire, and what the message does not say any more.

    None: it may be sent. Otherwise why not. The same commit finishes the send before, unless
    an endpoint's health hangs on one of them. `behind` is postponed with it.
    """
    delivery = checked.delivery
    if accepted and (accepted.tells_health or checked.endpoint):
        finish(accepted, token)
        accepted = None
    finish_first = _FINISH if accepted else ()
    values = {"next": delivery.pk, "token": token, **_values(accepted)}
    with _together(bool(checked.withdrawn or checked.endpoint)):
        if checked.endpoint and (until := why_later(delivery)):
            return postpone([delivery, *behind], token, until)
        *_, started, _written = run((*finish_first, *_START), **values)
        if not started:
            return Result.LOST
        delivery.starts += 1
        withdraw(checked)
    return None


def finish(accepted: Accepted, token: uuid.UUID) -> None:
    with _together(accepted.tells_health):
        run(_FINISH, token=token, **_values(accepted))
        if accepted.tells_health:
            note_success(accepted.checked.delivery)


def _together(several: bool) -> AbstractContextManager[object]:
    """One transaction, where there is more than `run`, which is one by itself."""
    return transaction.atomic() if several else nullcontext()


def _values(accepted: Accepted | None) -> dict[str, Any]:
    if accepted is None:
        return {}
    delivery, detail = accepted.checked.delivery, accepted.detail[:DETAIL_LENGTH]
    return {"sent": delivery.pk, "n": delivery.starts, "detail": detail}


@transaction.atomic
def fail(channel: Channel, checked: Checked, token: uuid.UUID, error: DeliveryError) -> Result:
    """Record a try that did not succeed: RETRIED when there will be another, else FAILED."""
    delivery, endpoint = checked.delivery, checked.endpoint
    end_attempt(delivery, Attempt.Outcome(error.failure.value), error.detail)
    if error.endpoint_down or error.retry_after or (endpoint and error.bad_address):
        note_failure(delivery, endpoint, error)
    elif endpoint or checked.in_trouble:
        note_success(delivery)  # It answered, and only this message was no good.
    if error.bad_address and endpoint is None:
        Suppression.objects.get_or_create(
            address=checked.address.value,
            defaults={"cause": "bounce", "detail": error.detail[:DETAIL_LENGTH]},
        )
    rows = mine(delivery, token)
    if error.failure == Failure.UNKNOWN and not repeats_unknown(channel, endpoint):
        hold_unknown(rows, error.detail)
        return Result.FAILED
    pause = None if error.permanent else next_try(channel, delivery.starts)
    if pause is None:
        reason = Reason.SUPPRESSED_ADDRESS if error.bad_address else ""
        settle(rows, state=Delivery.State.DEAD, reason=reason, detail=error.detail)
        return Result.FAILED
    _wait(rows, max(pause, error.retry_after or pause), error.detail)
    return Result.RETRIED


def repeats_unknown(channel: Channel, endpoint: Endpoint | None) -> bool:
    """Whether what may have arrived is sent again: the channel's rule, or the owner's wish."""
    return channel.repeats_unknown and not (endpoint and endpoint.never_twice)


def postpone(deliveries: Iterable[Delivery], token: uuid.UUID, until: datetime) -> Result:
    """Give back what its endpoint cannot take before `until`."""
    Delivery.objects.filter(
        pk__in=[delivery.pk for delivery in deliveries],
        lease_token=token,
        state=Delivery.State.LEASED,
    ).update(state=Delivery.State.PENDING, lease_token=None, lease_until=None, not_before=until)
    return Result.POSTPONED


def hold_unknown(rows: QuerySet[Delivery], detail: str) -> int:
    """Leave what may have arrived to a person: it is never sent twice by itself."""
    return rows.update(
        state=Delivery.State.UNKNOWN,
        lease_token=None,
        lease_until=None,
        detail=detail[:DETAIL_LENGTH],
    )


@transaction.atomic
def stumble(delivery: Delivery, token: uuid.UUID, error: Exception) -> Result:
    """Put aside what could not even be prepared; dead after five times."""
    rows = mine(delivery, token).filter(state=Delivery.State.LEASED)
    detail = f"cannot be prepared: {type(error).__name__}: {error}"
    if delivery.failures < len(RETRY_PAUSES):
        _wait(rows, RETRY_PAUSES[delivery.failures], detail, failures=F("failures") + 1)
        return Result.RETRIED
    settle(rows, state=Delivery.State.DEAD, reason="", detail=detail)
    return Result.FAILED


@transaction.atomic
def stop(checked: Checked, token: uuid.UUID) -> Result:
    """End what must not be sent any more; whoever is the recipient now is told instead."""
    assert checked.stop is not None
    rows = mine(checked.delivery, token).filter(state=Delivery.State.LEASED)
    if not settle(rows, state=checked.stopped_state, reason=checked.stop):
        return Result.LOST
    uncount_emails([checked.delivery])
    stop_siblings(checked)
    withdraw(checked)
    return Result.STOPPED


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
