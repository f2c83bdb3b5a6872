"""E-mail and the apps: what became of a message there, and e-mail instead of what failed (R87).

Nothing is remembered but the rows themselves: an e-mail that waits for a chat is due after a
while, and looks then at what has become of the others.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from notifications.channels import EMAIL, OTHER_APPS
from notifications.delivery.waiting import share_outcome
from notifications.doorbell import ring_after_commit
from notifications.eligibility import why_no_email_instead
from notifications.facts.batch import lock_accounts
from notifications.facts.people import EmailCounts, load_people
from notifications.models import Delivery, Endpoint
from notifications.reasons import Reason


class AppOutcomes:
    """Which apps have taken each notification, and which notifications one has failed.

    1 query, and none without a notification.
    """

    def __init__(self, notification_ids: Iterable[int]) -> None:
        self._taken: dict[int, set[str]] = defaultdict(set)
        self._failed: set[int] = set()
        # Nobody in the set: Django asks nothing.
        of_apps = Delivery.objects.filter(
            notification__in=set(notification_ids), channel=OTHER_APPS
        )
        ended = of_apps.filter(Q(state=Delivery.State.DELIVERED) | _failed())
        for notification_id, key, state in ended.values_list(
            "notification", "endpoint_key", "state"
        ):
            if state == Delivery.State.DELIVERED:
                self._taken[notification_id].add(key)
            else:
                self._failed.add(notification_id)

    def taken(self, notification_id: int) -> frozenset[str]:
        return frozenset(self._taken.get(notification_id, ()))

    def has_failed(self, notification_id: int) -> bool:
        return notification_id in self._failed


def _failed() -> Q:
    """Tried for long enough, or withheld since its endpoint was given up meanwhile."""
    given_up = Endpoint.objects.filter(disabled_because__in=Endpoint.GIVEN_UP)
    return Q(state=Delivery.State.DEAD) | Q(
        state=Delivery.State.SUPPRESSED,
        reason=Reason.SUPPRESSED_ADDRESS,
        endpoint_key__in=given_up.values("key"),
    )


def fail_together(delivery: Delivery) -> None:
    """Let what it carries fail with it, and e-mail bring what an app has failed."""
    for failed in (delivery, *share_outcome(delivery)):
        mail_instead(failed)


def mail_instead(delivery: Delivery) -> None:
    """Let e-mail bring what an app has failed, once. In the transaction that ends it there.

    An e-mail that waits for the apps goes now, unless another one may still take the message.
    """
    if delivery.channel != OTHER_APPS or delivery.notification.is_summary:
        return
    lock_accounts({delivery.account_id})  # Two apps that fail at once queue up.
    siblings = Delivery.objects.filter(notification=delivery.notification_id)
    mails = siblings.filter(channel=EMAIL)
    if not mails.exists():
        _create(delivery)
        return
    under_way = siblings.filter(channel=OTHER_APPS).exclude(pk=delivery.pk)
    if not under_way.exclude(state__in=Delivery.FINAL).exists():
        mails.filter(state=Delivery.State.PENDING, starts=0, not_before__gt=Now()).update(
            not_before=Now()
        )
        ring_after_commit(EMAIL)


def _create(delivery: Delivery) -> None:
    member, now = delivery.notification.membership, timezone.now()
    counts = EmailCounts([member], now)
    (person,) = load_people([member]).values()
    person = replace(person, capped_topics=counts.capped_topics(member.pk))
    if why_no_email_instead(person, delivery.topic):
        return
    Delivery.objects.create(
        public_id=uuid.uuid4(),
        account_id=delivery.account_id,
        notification=delivery.notification,
        channel=EMAIL,
        topic=delivery.topic,
        # Due since the app's was: a clock a blink ahead of the database's delays nothing.
        not_before=delivery.created_at,
        created_at=now,
    )
    counts.add(member.pk, delivery.topic)
    counts.save()
    ring_after_commit(EMAIL)
