"""What a mail service tells afterwards: arrived, came back, unwanted (Anymail's tracking).

Reports come late, twice and in any order; each counts once. A bounce or a complaint silences
the address (R83). A report about a send whose outcome was unknown says that it had gone, so it
is not sent again.
"""

from __future__ import annotations

import logging
import re
import uuid
from typing import Any

from anymail.signals import AnymailTrackingEvent, EventType, RejectReason
from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from notifications.delivery.outcome import DETAIL_LENGTH, settle
from notifications.delivery.suspension import suspend
from notifications.delivery.waiting import share_outcome
from notifications.models import Attempt, Delivery, MailReport
from notifications.reasons import Reason

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
_NO_MAILBOX = (RejectReason.INVALID, RejectReason.BOUNCED)

# An enhanced status of the class "persistent transient failure" (RFC 3463): a full mailbox.
_FOR_NOW = re.compile(r"\b4\.\d{1,3}\.\d{1,3}\b")

log = logging.getLogger(__name__)


@transaction.atomic
def take(event: AnymailTrackingEvent) -> None:
    """Write a report down and draw the conclusions; what is not about us is left alone."""
    kind = _KINDS.get(event.event_type)
    if event.event_type == EventType.REJECTED and event.reject_reason in _NO_MAILBOX:
        kind = MailReport.Kind.BOUNCED
    if kind is None:
        return
    address = (event.recipient or "").strip().lower()
    detail = str(event.mta_response or event.description or "")[:DETAIL_LENGTH]
    cause = _CAUSES.get(kind)
    if cause and not _FOR_NOW.search(detail):
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
    _settle(delivery, detail)


def _delivery_of(event: AnymailTrackingEvent) -> Delivery | None:
    """Return the newest delivery of the message, locked; None if it is none of ours."""
    metadata: Any = event.metadata or {}
    try:
        public_id = uuid.UUID(str(metadata.get("delivery_id")))
    except ValueError:
        return None
    rows = Delivery.objects.filter(public_id=public_id, channel="email").order_by("-replay")
    return rows.select_for_update(no_key=True).first()


def _settle(delivery: Delivery, detail: str) -> None:
    """End what was to be sent again because nobody knew whether it had gone."""
    unknown = Attempt.objects.filter(delivery=delivery, n=delivery.starts, outcome="unknown")
    waits = delivery.state in (Delivery.State.PENDING, Delivery.State.UNKNOWN)
    if waits and unknown.update(outcome=Attempt.Outcome.OK, detail=detail, ended_at=Now()):
        settle(
            Delivery.objects.filter(pk=delivery.pk),
            state=Delivery.State.DELIVERED,
            reason=Reason.SENT,
            detail=detail,
        )
        share_outcome(delivery)
