"""The bell and the inbox: what reached a member on the desktop."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.core.paginator import Page, Paginator
from django.db.models import Exists, Max, OuterRef, Prefetch, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Membership
from notifications.channels import DESKTOP
from notifications.facts.triggers import load_deeds
from notifications.models import (
    Decision,
    Delivery,
    Kind,
    Notification,
    NotificationReason,
    Preference,
)
from notifications.notice_words import explanation, is_about_an_endpoint, way_out
from notifications.reasons import NOT_ITS_OWN
from notifications.rendering import sentence
from notifications.text import one_line
from notifications.topics import SWITCH_DEFAULTS, TOPICS
from partners.models import Lead

PAGE_SIZE = 25
PANEL_SIZE = 8
_MOST_COUNTED = 100


def inbox(membership: Membership) -> QuerySet[Notification]:
    """Return what was delivered to the member's bell within settings.INBOX_KEEP (R77)."""
    delivered = Delivery.objects.filter(
        notification=OuterRef("pk"), channel=DESKTOP, state=Delivery.State.DELIVERED
    )
    return Notification.objects.filter(
        Exists(delivered),
        membership=membership,
        created_at__gte=timezone.now() - settings.INBOX_KEEP,
    ).order_by("-created_at", "-pk")


@dataclass(frozen=True, kw_only=True)
class Bell:
    unread: int

    @property
    def badge(self) -> str:
        return f"{_MOST_COUNTED - 1}+" if self.unread >= _MOST_COUNTED else str(self.unread)


def bell(membership: Membership) -> Bell:
    """Return the unread count, counted up to a hundred. 1 query."""
    return Bell(unread=inbox(membership).filter(read_at=None).order_by()[:_MOST_COUNTED].count())


def newest_id(membership: Membership) -> int:
    return inbox(membership).values_list("pk", flat=True).first() or 0


def default_of(channel: str, key: str) -> bool:
    """Return what a new member has in this cell of the Notifications page."""
    if key in TOPICS:
        return channel in TOPICS[key].default_channels
    return SWITCH_DEFAULTS[channel, key]


def choices_of(membership: Membership) -> dict[tuple[str, str], bool]:
    """Return the cells in which the member differs from the default. 1 query."""
    rows = Preference.objects.filter(membership=membership)
    return {(row.channel, row.key): row.is_on for row in rows}


def wants_red_dot(membership: Membership) -> bool:
    chosen = choices_of(membership)
    return chosen.get((DESKTOP, "red_dot"), SWITCH_DEFAULTS[DESKTOP, "red_dot"])


@dataclass(frozen=True, kw_only=True)
class InboxItem:
    """`at`: when it happened, as on every other page; the order is that of arrival."""

    pk: int
    sentence: str
    why: str
    at: datetime
    is_unread: bool


@dataclass(frozen=True, kw_only=True)
class InboxPage:
    page: Page[Notification]
    items: list[InboxItem]


def inbox_page(membership: Membership, *, kind: str, unread: bool, number: str) -> InboxPage:
    """Return a page of the inbox, newest first. 4 queries."""
    rows = inbox(membership)
    if kind:
        rows = rows.filter(
            Exists(NotificationReason.objects.filter(notification=OuterRef("pk"), kind=kind))
        )
    if unread:
        rows = rows.filter(read_at=None)
    page = Paginator(_with_subjects(rows), PAGE_SIZE).get_page(number)
    return InboxPage(page=page, items=_items(page.object_list))


def newest(membership: Membership) -> list[InboxItem]:
    """Return what the panel of the bell shows. 3 queries."""
    return _items(_with_subjects(inbox(membership))[:PANEL_SIZE])


def _with_subjects(rows: QuerySet[Notification]) -> QuerySet[Notification]:
    reasons = NotificationReason.objects.select_related("lead", "client", "deal__company")
    return rows.select_related("activity__contact", "account", "endpoint").prefetch_related(
        Prefetch("reasons", queryset=reasons.order_by("pk"))
    )


def _items(rows: Iterable[Notification]) -> list[InboxItem]:
    did = load_deeds()
    return [
        InboxItem(
            pk=row.pk,
            sentence=sentence(row, did.get(row.trigger, row.trigger)),
            why=_why_of(row),
            at=row.created_at if is_about_an_endpoint(row) else row.activity.occurred_at,
            is_unread=row.read_at is None,
        )
        for row in rows
    ]


def _why_of(notification: Notification) -> str:
    if notification.notice:
        return explanation(notification)[0]
    return " · ".join(dict.fromkeys(_why(reason) for reason in notification.reasons.all()))


def _why(reason: NotificationReason) -> str:
    if reason.deal:
        return _("Shared deal “%(deal)s”") % {"deal": one_line(reason.deal.name)}
    if reason.client:
        return _("Your client %(domain)s") % {"domain": reason.client.domain}
    if reason.lead:
        return _("Your registered lead %(domain)s") % {"domain": reason.lead.domain}
    return str(Kind(reason.kind).label)


def place_of(notification: Notification) -> str:
    """Return the page that a notification is about: the lead, the deal, or why it came."""
    if mend := way_out(notification):
        return mend.path
    for reason in notification.reasons.order_by("pk"):
        if reason.lead_id:
            return reverse("partners:lead", args=[reason.lead_id])
        if reason.deal_id:
            return reverse("partners:deal", args=[reason.deal_id])
    return reverse("notifications:explain", args=[notification.activity.message_id])


def last_actions(leads: Iterable[Lead]) -> dict[int, datetime]:
    """Return when each lead last did something that notifies while it was registered.

    1 query, whatever the number of leads.
    """
    decisions = Decision.objects.filter(lead__in=[lead.pk for lead in leads])
    counted = decisions.exclude(reason__in=NOT_ITS_OWN).values_list("lead")
    return dict(counted.annotate(last=Max("occurred_at")).values_list("lead", "last"))
