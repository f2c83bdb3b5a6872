"""The log of deliveries: what was sent to whom, what was not and why. Newest first."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import reduce
from operator import or_

from django.db.models import Min, Prefetch, Q, QuerySet
from django.utils import timezone
from django.utils.functional import Promise

from accounts.models import Account, Membership
from notifications.activities.visible import visible_among
from notifications.delivery.replay import REPEATABLE, repeatable
from notifications.endpoints.names import endpoint_names
from notifications.explain.chain import Sending
from notifications.explain.people import limits_of, sending
from notifications.facts.triggers import load_deeds
from notifications.models import (
    Attempt,
    Delivery,
    DeliveryQuerySet,
    Endpoint,
    MailReport,
    NotificationReason,
)
from notifications.reasons import NOT_ITS_OWN
from notifications.rendering import sentence
from notifications.words import duration_words
from partners.access import Viewer
from partners.models import Activity, Contact

PAGE_SIZE = 50
# R91: from then on the page says that messages are late.
LATE = timedelta(minutes=5)
MAX_ID = 2**63 - 1
# So many endpoints of one name are looked for.
MOST_NAMED = 20

ALL, WAITING, FAILED, NOT_SENT, UNKNOWN = "all", "waiting", "failed", "not-sent", "unknown"
_STATES: dict[str, tuple[str, ...]] = {
    WAITING: Delivery.WAITING,
    FAILED: (Delivery.State.DEAD,),
    NOT_SENT: Delivery.STOPPED,
    UNKNOWN: (Delivery.State.UNKNOWN,),
}
# Of these tabs everything can be sent again at once.
REPEATABLE_TABS = (FAILED, UNKNOWN)
_OF_AN_ACCOUNT = (Delivery.State.DEAD, Delivery.State.EXPIRED)


# --- Who reads what ---------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Reader:
    """Whose deliveries somebody reads, and which they may send again.

    `account` None: everybody's. `member`: only what is for them.
    """

    account: Account | None
    member: Membership | None
    repeats: tuple[str, ...]

    @property
    def is_vendor(self) -> bool:
        return self.account is None


def reader_of(viewer: Viewer) -> Reader:
    """The vendor reads all, a partner's admin the account's, its members their own.

    An operator or the vendor's admin sends anything again, a partner's admin what failed.
    """
    if viewer.account is None:
        return Reader(account=None, member=None, repeats=REPEATABLE if viewer.is_admin else ())
    return Reader(
        account=viewer.account,
        member=None if viewer.is_admin else viewer.membership,
        repeats=_OF_AN_ACCOUNT if viewer.is_admin else (),
    )


def deliveries_for(reader: Reader) -> DeliveryQuerySet:
    """Return whose rows they may see; of a partner's, `_readable` leaves some out."""
    rows = Delivery.objects.all()
    if reader.account:
        rows = rows.filter(account=reader.account).exclude(reason__in=NOT_ITS_OWN)
    return rows.filter(notification__membership=reader.member) if reader.member else rows


def repeatable_for(reader: Reader, rows: DeliveryQuerySet) -> DeliveryQuerySet:
    """Keep what the reader may send again."""
    rows = repeatable(rows).filter(state__in=reader.repeats)
    if reader.account is None:
        return rows
    activities = Activity.objects.filter(pk__in=rows.values("notification__activity"))
    visible = visible_among(activities, reader.account).values("pk")
    return rows.filter(notification__activity__in=visible)


# --- A page -----------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Row:
    """A delivery in words. `took`: from the event, or the click, until it was handed over."""

    delivery: Delivery
    about: str
    sending: Sending
    took: str
    detail: str
    may_repeat: bool = False
    is_repeated: bool = False


@dataclass(frozen=True, kw_only=True)
class Page:
    rows: Sequence[Row]
    older: int | None = None


def read_cursor(text: str) -> int | None:
    """Return the row after which a page begins, or None if the link is none of ours."""
    is_id = text.isascii() and text.isdecimal() and len(text) < len(str(MAX_ID))
    return int(text) if is_id else None


def search(reader: Reader, tab: str, text: str) -> DeliveryQuerySet:
    """Return the rows of a tab, with `text`: those with this message id, or of this e-mail,
    be it the recipient's or that of the person whom it is about, or to what has this name."""
    rows = deliveries_for(reader)
    if tab in _STATES:
        rows = rows.filter(state__in=_STATES[tab])
    return rows.filter(_about(reader, text)) if text else rows


def _about(reader: Reader, text: str) -> Q:
    """Return what the text is found by. What it is is asked first: with one plain condition
    each index serves. 4 queries."""
    activities = Activity.objects.filter(message_id=text).values_list("pk", flat=True)
    people = Contact.objects.filter(email=text.lower()).values_list("pk", flat=True)
    recipients = Membership.objects.filter(user__email=text.lower())
    if reader.account:
        recipients = recipients.filter(account=reader.account)
    found = {
        "notification__activity__in": list(activities),
        "notification__activity__contact__in": list(people),
        "notification__membership__in": list(recipients.values_list("pk", flat=True)),
    }
    parts = [Q(**{field: ids}) for field, ids in found.items() if ids]
    parts += [
        Q(notification__membership=member, endpoint_key=key) for member, key in _named(reader, text)
    ]
    return reduce(or_, parts) if parts else Q(pk__in=[])


def _named(reader: Reader, name: str) -> QuerySet[Endpoint, tuple[int, str]]:
    """Return the owner and the key of each endpoint with this name."""
    endpoints = Endpoint.objects.filter(name__iexact=name)
    if reader.account:
        endpoints = endpoints.filter(membership__account=reader.account)
    if reader.member:
        endpoints = endpoints.filter(membership=reader.member)
    return endpoints.values_list("membership_id", "key")[:MOST_NAMED]


def is_endpoint(reader: Reader, name: str) -> bool:
    """Return whether something that the reader may know of is called so."""
    return bool(_named(reader, name))


def delivery_page(reader: Reader, rows: DeliveryQuerySet, before: int | None) -> Page:
    """Return the next rows after `before`, newest first. 10 queries."""
    if before is not None:
        rows = rows.filter(pk__lt=before)
    # The keys first: joined before they are few, a planner reads far too much.
    found = list(rows.order_by("-pk").values_list("pk", flat=True)[: PAGE_SIZE + 1])
    few = Delivery.objects.filter(pk__in=found[:PAGE_SIZE])
    shown = _readable(reader, _with_words(few).order_by("-pk"))
    again = repeatable(Delivery.objects.filter(pk__in=[row.pk for row in shown]))
    return Page(
        rows=_rows(reader, shown, again.filter(state__in=reader.repeats)),
        older=found[PAGE_SIZE - 1] if len(found) > PAGE_SIZE else None,
    )


def load_row(reader: Reader, pk: int) -> Row | None:
    """Return one delivery in words, or None if the reader may not see it."""
    shown = _readable(reader, _with_words(deliveries_for(reader).filter(pk=pk)))
    rows = _rows(reader, shown, repeatable_for(reader, Delivery.objects.filter(pk=pk)))
    return rows[0] if rows else None


def _with_words(rows: DeliveryQuerySet) -> DeliveryQuerySet:
    reasons = NotificationReason.objects.select_related("lead", "client", "deal__company")
    return (
        rows.select_related(
            "account",
            "carrier",
            "notification__membership__user",
            "notification__account",
            "notification__activity__contact",
            *("notification__visit__first", "notification__visit__last"),
        )
        # Not the event itself: it may be 32 kB.
        .defer("notification__activity__payload", "notification__activity__problem")
        .prefetch_related(
            Prefetch("notification__reasons", queryset=reasons.order_by("pk")),
            Prefetch("attempts", queryset=Attempt.objects.order_by("n")),
            Prefetch("reports", queryset=MailReport.objects.order_by("at")),
            "notification__membership__paces",
        )
    )


def _readable(reader: Reader, rows: Collection[Delivery]) -> list[Delivery]:
    """Leave out what a partner may not read any more: what happened is not its business."""
    if reader.account is None:
        return list(rows)
    few = Activity.objects.filter(pk__in={row.notification.activity_id for row in rows})
    visible = set(visible_among(few, reader.account).values_list("pk", flat=True))
    return [row for row in rows if row.notification.activity_id in visible]


def _rows(reader: Reader, rows: Sequence[Delivery], again: DeliveryQuerySet) -> list[Row]:
    did, names = load_deeds(), endpoint_names(rows)
    repeated = Delivery.objects.filter(pk__in=[row.pk for row in rows]).repeated()
    may_repeat, is_repeated = (
        set(found.values_list("pk", flat=True)) for found in (again, repeated)
    )
    return [
        replace(
            _row(reader, row, did, names),
            may_repeat=row.pk in may_repeat,
            is_repeated=row.pk in is_repeated,
        )
        for row in rows
    ]


def _row(
    reader: Reader, delivery: Delivery, did: dict[str, str | Promise], names: Mapping[str, str]
) -> Row:
    notification = delivery.notification
    limits = limits_of(notification.membership)
    told = sending(delivery, names, details=reader.is_vendor, limits=limits)
    begun = delivery.created_at if delivery.replay else notification.activity.received_at
    is_delivered = delivery.state == Delivery.State.DELIVERED
    return Row(
        delivery=delivery,
        about=sentence(notification, did.get(notification.trigger, notification.trigger)),
        sending=told,
        took=duration_words(delivery.done_at - begun) if is_delivered and delivery.done_at else "",
        # What servers answer is the vendor's business; a try says it too.
        detail=delivery.detail if reader.is_vendor and not told.tries else "",
    )


def late_since(reader: Reader) -> datetime | None:
    """Return since when the oldest due message waits, if that is long (R91). 1 query."""
    due = deliveries_for(reader).filter(
        state=Delivery.State.PENDING, not_before__lt=timezone.now() - LATE
    )
    return due.aggregate(oldest=Min("not_before"))["oldest"]
