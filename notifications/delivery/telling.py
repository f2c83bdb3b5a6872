"""Tell somebody about an endpoint or an address: a message of its own, by e-mail and bell."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from notifications.doorbell import ring_after_commit
from notifications.eligibility import Person, channels_about_an_endpoint
from notifications.models import Delivery, Notification, NotificationReason
from notifications.reasons import Reason
from notifications.topics import DELIVERY_PROBLEMS


def tell(
    person: Person,
    about: Notification,
    reasons: Iterable[NotificationReason],
    *,
    dedupe_key: str,
    now: datetime,
    **what: Any,
) -> None:
    """Tell a member of the account that `about`, which has these reasons, belongs to.

    `what`: the fields of the notice that say what happened. In a transaction.
    """
    notice = Notification.objects.create(
        account_id=about.account_id,
        membership_id=person.membership_id,
        activity_id=about.activity_id,
        dedupe_key=dedupe_key,
        trigger=about.trigger,
        notice=Reason.SUPPRESSED_ADDRESS,
        created_at=now,
        **what,
    )
    NotificationReason.objects.bulk_create(
        NotificationReason(
            notification=notice,
            kind=reason.kind,
            lead_id=reason.lead_id,
            client_id=reason.client_id,
            deal_id=reason.deal_id,
        )
        for reason in reasons
    )
    for channel in sorted(channels_about_an_endpoint(person)):
        Delivery.objects.create(
            public_id=uuid.uuid4(),
            account_id=about.account_id,
            notification=notice,
            channel=channel,
            topic=DELIVERY_PROBLEMS,
            not_before=now,
            created_at=now,
        )
        ring_after_commit(channel)
