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

from notifications.channels.base import Channel, Failure
from notifications.delivery.checked import Checked
from notifications.delivery.health import (
    note_failure,
    note_failure_of,
    note_success,
    why_later,
)
from notifications.delivery.instead import fail_together, mail_instead
from notifications.delivery.routes import Failed, Route
from notifications.delivery.statements import is_on_postgresql, run, together
from notifications.delivery.suspension import suspend
from notifications.delivery.waiting import pass_on, share_outcome
from notifications.delivery.withdrawal import call_backup, stop_siblings, withdraw
from notifications.facts.people import uncount_emails
from notifications.models import Attempt, Delivery, Endpoint
from notifications.quarantine import RETRY_PAUSES
from notifications.reasons import Reason
from partners.bulk import insert_rows

DETAIL_LENGTH = 500
JITTER = 0.2
WAS_READ = "read in the inbox while it waited"
LEFT_ALONE = "its endpoint is left alone for now"
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
    """A send that the other side took, not written down yet. `detail`: its id for it; `failed`:
    the servers that were tried before, in vain."""

    checked: Checked
    route: Route
    detail: str
    failed: Sequence[Failed] = ()

    @property
    def tells_health(self) -> bool:
        """Whether the success says something new about the endpoint."""
        return bool(self.checked.endpoint) or self.route.in_trouble

    @property
    def stands_alone(self) -> bool:
        """Whether writing it down changes its own rows only."""
        return not (self.tells_health or self.failed or self.checked.carried)

    @property
    def told(self) -> str:
        """Return what the log says: where there are several servers, which one has it."""
        took = f"{self.detail} by {self.route.name}" if self.route.name else self.detail
        return "; ".join((took, *map(str, self.failed)))


_BEGIN = f"""
    UPDATE {_DELIVERY} SET state = 'sending', starts = starts + 1
    WHERE id = %(next)s AND lease_token = %(token)s AND state = 'leased'
"""  # noqa: S608 - our own names
_BEGUN = f"""
    (SELECT id, starts FROM {_DELIVERY}
     WHERE id = %(next)s AND lease_token = %(token)s AND state = 'sending') AS begun
"""  # noqa: S608


def _write_attempt(begun: str) -> str:
    return f"""
        INSERT INTO {_ATTEMPT} (delivery_id, n, started_at, outcome, detail)
        SELECT id, starts, {{now}}, '', '' FROM {begun}
    """  # noqa: S608


_SETTLE = f"""
    UPDATE {_DELIVERY} SET state = 'delivered', reason = 'sent', detail = %(detail)s,
      done_at = {{now}}, lease_token = NULL, lease_until = NULL
    WHERE id = %(sent)s AND lease_token = %(token)s
"""  # noqa: S608
_END_ATTEMPT = f"""
    UPDATE {_ATTEMPT} SET ended_at = {{now}}, outcome = 'ok', detail = %(detail)s
    WHERE delivery_id = %(sent)s AND n = %(n)s AND outcome = ''
"""  # noqa: S608

# Each a transaction: with the same changes in one statement, or one by one.
_START = together(_write_attempt("begun"), begun=f"{_BEGIN} RETURNING id, starts")
_FINISH = together(_END_ATTEMPT, settled=_SETTLE)
_FINISH_AND_START = together(
    _write_attempt("begun"),
    settled=_SETTLE,
    ended=_END_ATTEMPT,
    begun=f"{_BEGIN} RETURNING id, starts",
)
_START_STEPS = (_BEGIN, _write_attempt(_BEGUN))
_FINISH_STEPS = (_SETTLE, _END_ATTEMPT)


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
    if accepted and not (accepted.stands_alone and checked.endpoint is None):
        finish(accepted, token)
        accepted = None
    values = {"next": delivery.pk, "token": token, **_values(accepted)}
    revises = bool(checked.withdrawn or checked.moved or checked.carried)
    with _together(revises or checked.endpoint is not None):
        if checked.endpoint and (until := why_later(delivery)):
            return postpone([delivery, *behind], token, until)
        if not run(_start_statements(finishes_first=accepted is not None), **values):
            return Result.LOST
        delivery.starts += 1
        withdraw(checked)
        for other in checked.carried:
            leave_out(other) if not other.is_told else withdraw(other)
    return None


def _start_statements(*, finishes_first: bool) -> tuple[str, ...]:
    if is_on_postgresql():
        return (_FINISH_AND_START if finishes_first else _START,)
    return (*_FINISH_STEPS, *_START_STEPS) if finishes_first else _START_STEPS


def finish(accepted: Accepted, token: uuid.UUID) -> None:
    with _together(not accepted.stands_alone):
        statements = (_FINISH,) if is_on_postgresql() else _FINISH_STEPS
        run(statements, token=token, **_values(accepted))
        share_outcome(accepted.checked.delivery)
        _note_failures(accepted.failed)
        if accepted.tells_health:
            note_success(accepted.route.place)


def _note_failures(failed: Iterable[Failed]) -> None:
    """Count what mail servers did not take."""
    for each in failed:
        note_failure(each.route.place, each.error, was_probe=each.route.is_probe)


@transaction.atomic
def put_in_inbox(told: Sequence[Checked], token: uuid.UUID) -> int:
    """Deliver to the bell, which is a row of ours; return how many were still ours to deliver.

    Nothing is on a wire, so nothing can be unknown: one commit for all, start and finish.
    """
    leased = Delivery.objects.filter(
        pk__in=[checked.delivery.pk for checked in told],
        lease_token=token,
        state=Delivery.State.LEASED,
    )
    locked = leased.select_for_update(no_key=True).annotate(now=Now())
    rows = list(locked.values_list("pk", "starts", "now"))
    if not rows:
        return 0
    insert_rows(
        Attempt,
        [
            {
                "delivery_id": pk,
                "n": starts + 1,
                "started_at": now,
                "ended_at": now,
                "outcome": Attempt.Outcome.OK.value,
                "detail": "",
            }
            for pk, starts, now in rows
        ],
    )
    ids = {pk for pk, _starts, _now in rows}
    Delivery.objects.filter(pk__in=ids).update(
        state=Delivery.State.DELIVERED,
        reason=Reason.SENT,
        starts=F("starts") + 1,
        done_at=rows[0][2],
        lease_token=None,
        lease_until=None,
    )
    for checked in told:
        if checked.delivery.pk in ids:
            withdraw(checked)
    return len(ids)


def _together(several: bool) -> AbstractContextManager[object]:
    """One transaction, where there is more than `run`, which is one by itself."""
    return transaction.atomic() if several else nullcontext()


def _values(accepted: Accepted | None) -> dict[str, Any]:
    if accepted is None:
        return {}
    delivery, detail = accepted.checked.delivery, accepted.told[:DETAIL_LENGTH]
    return {"sent": delivery.pk, "n": delivery.starts, "detail": detail}


@transaction.atomic
def fail(channel: Channel, checked: Checked, token: uuid.UUID, failed: Sequence[Failed]) -> Result:
    """Record a try that did not succeed: RETRIED when there will be another, else FAILED.

    `failed`: with each server that was asked; the last one's answer counts. That it will
    never take the message counts only of the first: what stands in may refuse for itself.
    """
    delivery, endpoint = checked.delivery, checked.endpoint
    *before, last = failed
    error, detail = last.error, "; ".join(map(str, failed))
    end_attempt(delivery, Attempt.Outcome(error.failure.value), detail)
    _note_failures(before)
    if endpoint and (error.endpoint_down or error.retry_after or error.bad_address):
        note_failure_of(endpoint, delivery, error)
    elif error.endpoint_down or error.retry_after:
        _note_failures([last])
    elif endpoint or last.route.in_trouble:
        note_success(last.route.place)  # It answered, and only this message was no good.
    is_final = error.permanent and not before
    if error.bad_address and is_final and endpoint is None:
        suspend(checked.address.value, "bounce", error.detail[:DETAIL_LENGTH])
    rows = mine(delivery, token)
    if error.failure == Failure.UNKNOWN and not repeats_unknown(channel, endpoint):
        hold_unknown(rows, detail)
        share_outcome(delivery)
        return Result.FAILED
    pause = None if is_final else next_try(channel, delivery.starts)
    if pause is None:
        reason = Reason.SUPPRESSED_ADDRESS if error.bad_address and is_final else ""
        if settle(rows, state=Delivery.State.DEAD, reason=reason, detail=detail):
            fail_together(delivery)
            if reason:
                call_backup(delivery, checked.context.reasons)
        return Result.FAILED
    _wait(rows, max(pause, error.retry_after or pause), detail)
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
    ).update(
        state=Delivery.State.PENDING,
        lease_token=None,
        lease_until=None,
        not_before=until,
        detail=LEFT_ALONE,
    )
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
    if settle(rows, state=Delivery.State.DEAD, reason="", detail=detail):
        fail_together(delivery)
    return Result.FAILED


@transaction.atomic
def stop(checked: Checked, token: uuid.UUID) -> Result:
    """End what must not be sent any more; whoever is the recipient now is told instead.

    What it carries and is still to be told gets another carrier (waiting.py).
    """
    for other in checked.carried:
        if not other.is_told:
            leave_out(other)
    rows = mine(checked.delivery, token).filter(state=Delivery.State.LEASED)
    if not _end(checked, rows):
        return Result.LOST
    pass_on(checked.delivery)
    return Result.STOPPED


def leave_out(carried: Checked) -> None:
    """End what is gathered in another message and not told there."""
    gathered = Delivery.objects.filter(pk=carried.delivery.pk, state=Delivery.State.GATHERED)
    _end(carried, gathered)


def _end(checked: Checked, rows: QuerySet[Delivery]) -> int:
    """End what is not told, and draw the conclusions; read or told in a chat, it was told."""
    if checked.stop:
        ended = settle(rows, state=checked.stopped_state, reason=checked.stop)
    elif checked.told_in_chat:
        detail = Delivery.TOLD_IN_CHAT
        ended = settle(rows, state=Delivery.State.SUPPRESSED, reason="", detail=detail)
    else:
        ended = settle(rows, state=Delivery.State.CANCELLED, reason="", detail=WAS_READ)
    if not ended:
        return 0
    uncount_emails([checked.delivery])
    if checked.stop:
        stop_siblings(checked)
        if checked.stop == Reason.SUPPRESSED_ADDRESS and checked.is_given_up:
            mail_instead(checked.delivery)
    withdraw(checked)
    return ended


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
