"""An endpoint that is gone is switched off, and its owner hears of it on another channel."""

from __future__ import annotations

import uuid
from datetime import datetime

from notifications.doorbell import ring_after_commit
from notifications.eligibility import channels_about_an_endpoint
from notifications.facts.people import load_people
from notifications.models import (
    Delivery,
    Endpoint,
    Notification,
    NotificationReason,
)
from notifications.reasons import Reason
from notifications.topics import DELIVERY_PROBLEMS


def give_up(endpoint: Endpoint, why: str, delivery: Delivery, now: datetime) -> None:
    """Switch the endpoint off, once, and tell its owner. In a transaction.

    `delivery`: what could not be delivered; the notice is about its activity.
    """
    switched = Endpoint.objects.filter(pk=endpoint.pk, disabled_at=None).update(
        disabled_at=now, disabled_because=why
    )
    if switched:
        _tell_owner(endpoint, delivery, now)


def _tell_owner(endpoint: Endpoint, delivery: Delivery, now: datetime) -> None:
    failed = delivery.notification
    owner = failed.membership
    (person,) = load_people([owner]).values()
    notice = Notification.objects.create(
        account_id=failed.account_id,
        membership=owner,
        activity_id=failed.activity_id,
        dedupe_key=f"endpoint-off:{endpoint.key}:{now:%Y%m%dT%H%M%S}",
        trigger=failed.trigger,
        notice=Reason.SUPPRESSED_ADDRESS,
        endpoint=endpoint,
        created_at=now,
    )
    NotificationReason.objects.bulk_create(
        NotificationReason(
            notification=notice,
            kind=reason.kind,
            lead_id=reason.lead_id,
            client_id=reason.client_id,
            deal_id=reason.deal_id,
        )
        for reason in failed.reasons.all()
    )
    for channel in sorted(channels_about_an_endpoint(person)):
        Delivery.objects.create(
            public_id=uuid.uuid4(),
            account_id=failed.account_id,
            notification=notice,
            channel=channel,
            topic=DELIVERY_PROBLEMS,
            not_before=now,
            created_at=now,
        )
        ring_after_commit(channel)
