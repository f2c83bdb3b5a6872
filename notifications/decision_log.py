"""The decisions as lines for a script, in a constant number of queries per chunk."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from notifications.eligibility import topic_of
from notifications.models import Decision, Delivery
from notifications.reasons import Reason

CHUNK_SIZE = 1_000


def decision_lines(
    *, message_id: str | None = None, since: datetime | None = None
) -> Iterator[dict[str, Any]]:
    """Yield one line per decision, oldest first: the keys of the contract, in its order.

    `since` is the time of the decision. 2 queries per chunk.
    """
    last_pk = 0
    decisions = _decisions(message_id, since)
    while chunk := list(decisions.filter(pk__gt=last_pk)[:CHUNK_SIZE]):
        deliveries = load_deliveries(chunk)
        for decision in chunk:
            yield _line(decision, deliveries_of(decision, deliveries))
        last_pk = chunk[-1].pk


def _decisions(message_id: str | None, since: datetime | None) -> QuerySet[Decision]:
    decisions = Decision.objects.order_by("pk").select_related(
        "activity", "account", "membership__user"
    )
    # Not the event itself: it may be 32 kB.
    decisions = decisions.defer("activity__payload", "activity__problem")
    if message_id is not None:
        decisions = decisions.filter(activity__message_id=message_id)
    return decisions.filter(created_at__gte=since) if since else decisions


def load_deliveries(decisions: Iterable[Decision]) -> dict[int, list[Delivery]]:
    """Return the deliveries by notification, with their attempts left out. 1 query."""
    found: dict[int, list[Delivery]] = defaultdict(list)
    ids = {decision.notification_id for decision in decisions if decision.notification_id}
    for delivery in Delivery.objects.filter(notification__in=ids).order_by("pk"):
        found[delivery.notification_id].append(delivery)
    return found


def deliveries_of(decision: Decision, by_notification: dict[int, list[Delivery]]) -> list[Delivery]:
    """Return the deliveries that this decision caused.

    A message may have two reasons (R61): who is told by both gets it once, and a "no" of
    one kind has no part in what the other kind sends.
    """
    deliveries = by_notification.get(decision.notification_id or 0, [])
    if decision.outcome == Decision.Outcome.SEND:
        return deliveries
    topic = topic_of(decision.kind, decision.part)
    return [delivery for delivery in deliveries if delivery.topic == topic]


def _line(decision: Decision, deliveries: Iterable[Delivery]) -> dict[str, Any]:
    return {
        "message_id": decision.activity.message_id,
        "kind": decision.kind,
        "trigger": decision.trigger,
        "account": decision.account.slug if decision.account else None,
        "user": decision.membership.user.email if decision.membership else None,
        "outcome": decision.outcome,
        "reason": decision.reason,
        "deliveries": [
            {
                "channel": delivery.channel,
                "endpoint": delivery.endpoint_key,
                "state": delivery.state,
                "reason": _reason(delivery),
            }
            for delivery in deliveries
        ],
    }


def _reason(delivery: Delivery) -> str | None:
    if delivery.state == Delivery.State.DELIVERED:
        return Reason.SENT
    return delivery.reason or None
