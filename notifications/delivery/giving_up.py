"""An endpoint that is gone is switched off, and its owner hears of it on another channel.

A browser that is gone is removed: its subscription is over, and a new one is added in it.
"""

from __future__ import annotations

from datetime import datetime

from notifications.delivery.telling import tell
from notifications.facts.people import load_people
from notifications.models import Delivery, Endpoint, EndpointHealth


def give_up(endpoint: Endpoint, why: str, delivery: Delivery, now: datetime) -> None:
    """Switch the endpoint off, or remove it; once, and tell its owner. In a transaction.

    `delivery`: what could not be delivered; the notice is about its activity.
    """
    rows = Endpoint.objects.filter(pk=endpoint.pk, disabled_at=None)
    is_over = why == Endpoint.Why.GONE and endpoint.is_device
    if is_over and rows.delete()[0]:
        EndpointHealth.objects.filter(channel=endpoint.channel, endpoint_key=endpoint.key).delete()
        _tell_owner(endpoint, delivery, now, kept=None)
    elif not is_over and rows.update(disabled_at=now, disabled_because=why):
        _tell_owner(endpoint, delivery, now, kept=endpoint)


def _tell_owner(
    endpoint: Endpoint, delivery: Delivery, now: datetime, *, kept: Endpoint | None
) -> None:
    failed = delivery.notification
    (person,) = load_people([failed.membership]).values()
    tell(
        person,
        failed,
        failed.reasons.all(),
        dedupe_key=f"endpoint-off:{endpoint.key}:{now:%Y%m%dT%H%M%S}",
        now=now,
        endpoint=kept,
        endpoint_name=endpoint.name,
    )
