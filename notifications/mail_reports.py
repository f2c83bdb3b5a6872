"""What a mail service tells afterwards: arrived, came back, unwanted (Anymail's tracking).

Reports come late, twice and in any order; each counts once. A complaint silences the address, and
so does a bounce that says that the mailbox is no more (R83). A report about a send whose outcome
was unknown says that it had gone, so it is not sent again.
"""

from __future__ import annotations

import logging
import re
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from anymail.signals import AnymailTrackingEvent, EventType, RejectReason
from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from notifications.channels.email import NO_MAILBOX, NO_MAILBOX_ANSWERS, STATUS
from notifications.delivery.outcome import DETAIL_LENGTH, settle
from notifications.delivery.suspension import suspend
from notifications.delivery.waiting import share_outcome
from notifications.delivery.withdrawal import call_backup
from notifications.models import Attempt, Delivery, MailReport
from notifications.reasons import Reason
from notifications.text import plain

_KINDS = {
    EventType.DELIVERED: MailReport.Kind.DELIVERED,
    EventType.BOUNCED: MailReport.Kind.BOUNCED,
    EventType.COMPLAINED: MailReport.Kind.COMPLAINED,
    EventType.UNSUBSCRIBED: MailReport.Kind.UNSUBSCRIBED,
}
# Why an address gets no more mail (admin/wishes.py has the words).
_CAUSES = {
    MailReport.Kind.BOUNCED: "bounce",
    MailReport.Kind.COMPLAINED: "complaint",
    MailReport.Kind.UNSUBSCRIBED: "asked",
}
# Bounced, as the service said before it tried; SPAM and the like are about this message only.
_KNOWN_BEFORE = (RejectReason.INVALID, RejectReason.BOUNCED)
# What services call a bounce for good; Anymail knows bounces only. Not all name a status.
_FOR_GOOD = frozenset({"hardbounce", "bademailaddress", "permanent"})
_ANSWER = re.compile(r"\b[45]\d\d\b")

log = logging.getLogger(__name__)


@transaction.atomic
def take(event: AnymailTrackingEvent) -> None:
    """Write a report down and draw the conclusions; what is not about us is left alone."""
    kind = _KINDS.get(event.event_type)
    if event.event_type == EventType.REJECTED and event.reject_reason in _KNOWN_BEFORE:
        kind = MailReport.Kind.BOUNCED
    if kind is None:
        return
    address = (event.recipient or "").strip().lower()
    detail = plain(str(event.mta_response or event.description or ""))[:DETAIL_LENGTH]
    is_gone = kind == MailReport.Kind.BOUNCED and _is_for_good(event, detail)
    cause = _CAUSES.get(kind)
    if cause and (is_gone or kind != MailReport.Kind.BOUNCED):
        suspend(address, cause, detail)
    delivery = _delivery_of(event)
    if delivery is None:
        log.info("A report %s about %s is of none of our messages", kind, event.message_id)
        return
    MailReport.objects.get_or_create(
        delivery=delivery,
        kind=kind,
        at=event.timestamp or timezone.now(),
        defaults={"detail": detail},
    )
    if _was_unknown(delivery, kind, detail):
        _settle(delivery, kind, detail, is_gone=is_gone)


def _is_for_good(event: AnymailTrackingEvent, detail: str) -> bool:
    """Whether a bounce says that the mailbox is no more, not that it is full or the message
    unwanted. The mail server's status counts first, then the service's own word."""
    if status := STATUS.search(detail):
        return bool(NO_MAILBOX.search(status.group()))
    if event.event_type == EventType.REJECTED or event.reject_reason == RejectReason.INVALID:
        return True
    if answer := _ANSWER.search(detail):
        return answer.group() in NO_MAILBOX_ANSWERS
    return any(_plain(word) in _FOR_GOOD for word in _words(event.esp_event))


def _plain(word: str) -> str:
    return word.lower().replace("_", "").replace(" ", "")


def _words(value: object, name: str = "") -> Iterator[str]:
    """Yield the texts of what the service sent, and the names of what it calls true."""
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield from _words(part, str(key))
    elif isinstance(value, list):
        for part in value:
            yield from _words(part)
    elif value is True:
        yield name
    elif isinstance(value, str):
        yield value


def _delivery_of(event: AnymailTrackingEvent) -> Delivery | None:
    """Return the newest delivery of the message, locked; None if it is none of ours."""
    metadata: Any = event.metadata or {}
    try:
        public_id = uuid.UUID(str(metadata.get("delivery_id")))
    except ValueError:
        return None
    rows = Delivery.objects.filter(public_id=public_id, channel="email").order_by("-replay")
    return rows.select_for_update(no_key=True).first()


def _was_unknown(delivery: Delivery, kind: MailReport.Kind, detail: str) -> bool:
    """End the try of which nobody knew whether it had gone; False: there is none."""
    if delivery.state not in (Delivery.State.PENDING, Delivery.State.UNKNOWN):
        return False
    came_back = kind == MailReport.Kind.BOUNCED
    outcome = Attempt.Outcome.REFUSED if came_back else Attempt.Outcome.OK
    tries = Attempt.objects.filter(delivery=delivery, n=delivery.starts, outcome="unknown")
    return bool(tries.update(outcome=outcome, detail=detail, ended_at=Now()))


def _settle(delivery: Delivery, kind: MailReport.Kind, detail: str, *, is_gone: bool) -> None:
    """End what was to be sent again: as delivered, or as it ends when a server refuses it."""
    rows = Delivery.objects.filter(pk=delivery.pk)
    if kind != MailReport.Kind.BOUNCED:
        settle(rows, state=Delivery.State.DELIVERED, reason=Reason.SENT, detail=detail)
        share_outcome(delivery)
        return
    reason = Reason.SUPPRESSED_ADDRESS if is_gone else ""
    settle(rows, state=Delivery.State.DEAD, reason=reason, detail=detail)
    share_outcome(delivery)
    if is_gone:
        call_backup(delivery, delivery.notification.reasons.all())
