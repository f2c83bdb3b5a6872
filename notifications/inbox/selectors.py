"""What stands in the bell and in the inbox, in words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Exists, F, OuterRef, Prefetch, QuerySet, Subquery, Value
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Membership
from accounts.templatetags.moments import since
from notifications.channels import DESKTOP
from notifications.claims.selectors import OnIt, on_items
from notifications.eligibility import Part, topic_of
from notifications.facts.people import load_away
from notifications.facts.timing import load_rhythms
from notifications.facts.triggers import load_deeds
from notifications.models import Delivery, Kind, Notification, NotificationReason
from notifications.notice_words import explanation, is_about_a_place, way_out
from notifications.reason_words import nobody_looked
from notifications.rendering import sentence
from notifications.text import one_line
from notifications.timing import silent_until
from notifications.topics import DELIVERY_PROBLEMS, TOPICS
from notifications.visits.words import so_far
from notifications.when.waiting import snoozes_now

PANEL_SIZE = 8
POPUPS_AT_ONCE = 3
# What is older stands in the bell; nothing pops up when a page is opened after a while.
POPUP_FRESH = timedelta(minutes=2)
_MOST_COUNTED = 100


def received(membership: Membership) -> QuerySet[Notification]:
    """Return what was delivered to the member's bell within settings.INBOX_KEEP (R77), newest
    first; also what they have archived or snoozed."""
    delivered = Delivery.objects.filter(
        notification=OuterRef("pk"),
        channel=DESKTOP,
        endpoint_key=Delivery.OWN,
        state=Delivery.State.DELIVERED,
    )
    return Notification.objects.filter(
        Exists(delivered),
        membership=membership,
        shown_at__gte=timezone.now() - settings.INBOX_KEEP,
    ).order_by("-shown_at", "-pk")


def inbox(membership: Membership) -> QuerySet[Notification]:
    return received(membership).filter(archived_at=None, shown_at__lte=timezone.now())


# --- Bell ---------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Bell:
    """The newest unread notifications, a hundred at most. `moves`: another number when their
    visits go on or end. `paused_until`: everything but the bell is kept from the member."""

    unread_ids: Sequence[int]
    moves: int = 0
    paused_until: datetime | None = None

    @property
    def unread(self) -> int:
        return len(self.unread_ids)

    @property
    def badge(self) -> str:
        return f"{_MOST_COUNTED - 1}+" if self.unread >= _MOST_COUNTED else str(self.unread)

    @property
    def label(self) -> str:
        count = {"count": self.badge}
        if not self.paused_until:
            unread = _("Notifications, %(count)s unread") % count
            return unread if self.unread else _("Notifications")
        until = {"until": since(self.paused_until)}
        if not self.unread:
            return _("Notifications, paused until %(until)s") % until
        return _("Notifications, %(count)s unread, paused until %(until)s") % {**count, **until}

    @property
    def paused(self) -> str:
        """Return the pause in words, or nothing."""
        if not self.paused_until:
            return ""
        return _("Everything is paused until %(until)s") % {"until": since(self.paused_until)}


def bell(membership: Membership) -> Bell:
    """1 query: every page asks it."""
    few = inbox(membership).filter(read_at=None).values("pk")[:_MOST_COUNTED]
    fields = ("pk", "visit__steps", "visit__ended_at", "shown_at")
    unread = Notification.objects.filter(pk__in=few).values_list(*fields)
    # A row of its own, without a key.
    pauses = snoozes_now().filter(membership=membership, lead=None)
    pause = pauses.values_list(Value(0), Value(0), "until", F("until"))
    rows = list(unread.union(pause, all=True).order_by("-shown_at", "-pk"))
    return Bell(
        unread_ids=[pk for pk, *_rest in rows if pk],
        moves=sum((steps or 0) + bool(ended_at) for pk, steps, ended_at, _at in rows if pk),
        paused_until=next((until for pk, *_rest, until in rows if not pk), None),
    )


def next_return(membership: Membership) -> datetime | None:
    """Return when the next snoozed notification comes back. 1 query."""
    return snoozed(membership).order_by("shown_at").values_list("shown_at", flat=True).first()


def snoozed(membership: Membership) -> QuerySet[Notification]:
    return received(membership).filter(archived_at=None, shown_at__gt=timezone.now())


# --- Items --------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Item:
    """`at`: when it happened, as on every other page; the order is that of arrival.
    `visit`: what the person did after that; `topics`: what would have to be switched off not
    to get the like of it; `lead_id`: the lead it is about, if the account still has it,
    and `muted_until`, if it is muted; `on_it`: who looks after what it is about."""

    pk: int
    sentence: str
    why: str
    at: datetime
    visit: str
    is_unread: bool
    is_archived: bool
    snoozed_until: datetime | None
    topics: tuple[str, ...]
    explain_url: str
    lead_id: int | None
    muted_until: datetime | None = None
    on_it: tuple[OnIt, ...] = ()

    @property
    def topic_names(self) -> str:
        return names_of(self.topics)

    @property
    def preferences_url(self) -> str:
        """Return the place of the Desktop tab where its topic stands."""
        url = reverse("notifications:preferences", args=[DESKTOP])
        if not self.topics:
            return url
        return f"{url}?topic={self.topics[0]}#id_{DESKTOP}-{self.topics[0]}"


def names_of(topics: Iterable[str]) -> str:
    return ", ".join(str(TOPICS[key].label) for key in topics)


def newest(membership: Membership) -> list[Item]:
    """Return what the panel of the bell shows. 4 queries."""
    return items_of(with_subjects(inbox(membership))[:PANEL_SIZE])


def popups(membership: Membership, ids: Iterable[int]) -> list[Item]:
    """Return the newest of these that are unread and have just come; nothing that its member
    keeps from themselves by an absence, a pause or a mute. 8 queries."""
    now = timezone.now()
    if load_away([membership], now):
        return []
    rhythm = load_rhythms([membership], now)[membership.pk]
    fresh = inbox(membership).filter(pk__in=ids, read_at=None, shown_at__gte=now - POPUP_FRESH)
    rows = [row for row in with_subjects(fresh) if not silent_until(rhythm, row.leads)]
    return items_of(rows[:POPUPS_AT_ONCE])


def with_subjects(rows: QuerySet[Notification]) -> QuerySet[Notification]:
    muted = snoozes_now().filter(
        membership=OuterRef("notification__membership"), lead=OuterRef("lead")
    )
    reasons = NotificationReason.objects.select_related("lead", "client", "deal__company").annotate(
        muted_until=Subquery(muted.values("until"))
    )
    return rows.select_related(
        *("activity__contact", "account", "endpoint", "suspended__user"),
        *("visit__first", "visit__last"),
    ).prefetch_related(Prefetch("reasons", queryset=reasons.order_by("pk")))


def items_of(rows: Iterable[Notification]) -> list[Item]:
    """Return them in words. `with_subjects` selected. 2 queries."""
    rows = list(rows)
    did, now, on_it = load_deeds(), timezone.now(), on_items(rows)
    leads = [_of_a_lead(row) for row in rows]
    return [
        Item(
            pk=row.pk,
            sentence=sentence(row, did.get(row.trigger, row.trigger)),
            why=_why_of(row),
            at=row.created_at if is_about_a_place(row) else row.activity.occurred_at,
            visit=so_far(row.visit, row.activity_id),
            is_unread=row.read_at is None,
            is_archived=row.archived_at is not None,
            snoozed_until=row.snoozed_until if row.shown_at > now else None,
            topics=topics_of(row),
            explain_url=_explain_url(row),
            lead_id=lead.lead_id if lead else None,
            muted_until=getattr(lead, "muted_until", None),  # As with_subjects() added it.
            on_it=on_it.get(row.pk, ()),
        )
        for row, lead in zip(rows, leads, strict=True)
    ]


def _of_a_lead(notification: Notification) -> NotificationReason | None:
    """Return the first reason that is a lead which the account still has."""
    account_id = notification.account_id
    reasons = notification.reasons.all()
    return next((r for r in reasons if r.lead and r.lead.account_id == account_id), None)


def topics_of(notification: Notification) -> tuple[str, ...]:
    """Return the topics it came by; none for a word that cannot be switched off."""
    if is_about_a_place(notification):
        return ()
    if notification.notice:
        return (DELIVERY_PROBLEMS,)
    reasons = notification.reasons.all()
    return tuple(dict.fromkeys(topic_of(reason.kind, reason.part) for reason in reasons))


def _why_of(notification: Notification) -> str:
    if notification.notice:
        return explanation(notification)[0]
    return " · ".join(dict.fromkeys(_why(reason) for reason in notification.reasons.all()))


def _why(reason: NotificationReason) -> str:
    if reason.part == Part.ESCALATION:
        return nobody_looked(reason.unseen_hours)
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
    return _explain_url(notification)


def _explain_url(notification: Notification) -> str:
    return reverse("notifications:explain", args=[notification.activity.message_id])
