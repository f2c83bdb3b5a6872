"""What a member does with a notification. Each change nudges the member's other windows.

Whoever does anything has seen it, and for good: unread again, it was still looked at.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet, Value
from django.db.models.functions import Coalesce, NullIf
from django.utils import timezone

from accounts.models import Membership
from notifications.channels import DESKTOP
from notifications.claims.selectors import among
from notifications.eligibility import Matter
from notifications.inbox.selectors import inbox, received
from notifications.models import Notification, NotificationReason
from notifications.selectors import wishes_of
from notifications.services import save_preferences
from notifications.stream.nudges import nudge_after_commit


def mark_read(notification: Notification) -> None:
    _change(notification, read_at=Coalesce("read_at", timezone.now()))


def mark_all_read(membership: Membership) -> None:
    _mark_read(membership, inbox(membership), timezone.now())


def mark_read_about(membership: Membership, matter: Matter, at: datetime) -> None:
    """Mark as read what the member's inbox has about a lead, client or deal, and nothing else."""
    of_member = NotificationReason.objects.filter(notification__membership=membership)
    about, else_ = of_member.filter(among([matter])), of_member.exclude(among([matter]))
    rows = inbox(membership).filter(pk__in=about.values("notification"))
    _mark_read(membership, rows.exclude(pk__in=else_.values("notification")), at)


def mark_unread_again(membership: Membership, at: datetime) -> None:
    """Take back what was marked as read at that moment."""
    rows = received(membership).filter(read_at=at)
    rows.update(read_at=None, seen_at=NullIf("seen_at", Value(at)))
    nudge_after_commit(membership.pk)


def _mark_read(membership: Membership, rows: QuerySet[Notification], at: datetime) -> None:
    unread = rows.filter(read_at=None).order_by()
    Notification.objects.filter(pk__in=unread.values("pk")).update(
        read_at=at, seen_at=Coalesce("seen_at", at)
    )
    nudge_after_commit(membership.pk)


def archive(notification: Notification) -> None:
    """Take it out of the inbox; what is put away has been read."""
    now = timezone.now()
    _change(notification, archived_at=now, read_at=Coalesce("read_at", now))


def snooze(notification: Notification, until: datetime) -> None:
    """Take it out of the inbox until then, when it is unread again, and the newest."""
    _change(notification, snoozed_until=until, read_at=None, archived_at=None)


def bring_back(notification: Notification, *, unread: bool) -> None:
    """Put what was archived or snoozed back to its place in the inbox."""
    read_at = None if unread else Coalesce("read_at", timezone.now())
    _change(notification, archived_at=None, snoozed_until=None, read_at=read_at)


def _change(notification: Notification, **fields: object) -> None:
    seen_at = Coalesce("seen_at", timezone.now())
    Notification.objects.filter(pk=notification.pk).update(seen_at=seen_at, **fields)
    nudge_after_commit(notification.membership_id)


@transaction.atomic
def silence(membership: Membership, topics: Iterable[str]) -> list[str]:
    """Untick these topics on the Desktop tab, and return which were ticked (R76).

    What the account has locked is not the member's to untick.
    """
    wishes = wishes_of(membership)
    ticked = [
        topic
        for topic in topics
        if wishes.ticked(DESKTOP, topic) and not wishes.is_locked(DESKTOP, topic)
    ]
    save_preferences(membership, {(DESKTOP, topic): False for topic in ticked})
    return ticked


def required(membership: Membership, topics: Iterable[str]) -> list[str]:
    """Return which topics the account keeps on, on the Desktop tab."""
    wishes = wishes_of(membership)
    return [t for t in topics if wishes.ticked(DESKTOP, t) and wishes.is_locked(DESKTOP, t)]


def tick_again(membership: Membership, topics: Iterable[str]) -> None:
    save_preferences(membership, {(DESKTOP, topic): True for topic in topics})
