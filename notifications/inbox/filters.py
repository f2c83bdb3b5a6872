"""The list of the inbox: what the reader asks for, and a page of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, UTC, date, datetime, time, timedelta
from urllib.parse import urlencode

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import Membership
from notifications.inbox.selectors import Item, inbox, items_of, received, snoozed, with_subjects
from notifications.models import Kind, Notification, NotificationReason
from partners.selectors import (
    clients_of,
    deals_of,
    leads_of,
    search_deals,
    search_registered,
)

PAGE_SIZE = 25
# Of so many leads, clients and deals with the text in their name the notifications are found.
MOST_NAMED = 500

UNREAD, SNOOZED, ARCHIVED = "unread", "snoozed", "archived"
SHOWS: Mapping[str, str | Promise] = {
    "": _("Inbox"),
    UNREAD: _("Unread only"),
    SNOOZED: _("Snoozed"),
    ARCHIVED: _("Archived"),
}
_EMPTY: Mapping[str, str | Promise] = {
    UNREAD: _("Everything is read."),
    SNOOZED: _("Nothing is snoozed. Snooze stands in the “…” menu of each notification."),
    ARCHIVED: _("Nothing is archived. Archive stands in the “…” menu of each notification."),
}
_EPOCH, _TICK = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)


@dataclass(frozen=True, kw_only=True)
class Filters:
    """Empty: everything that stands in the inbox. `about`: part of a lead's, a client's or a
    deal's name. `since` and `until`: days of the reader's calendar, both included."""

    show: str = ""
    kind: str = ""
    trigger: str = ""
    about: str = ""
    since: date | None = None
    until: date | None = None

    @classmethod
    def read(cls, values: Mapping[str, str]) -> Filters:
        """Return what the address asks for; what is none of ours asks for nothing."""
        show, kind = values.get("show", ""), values.get("kind", "")
        return cls(
            show=UNREAD if values.get("unread") == "1" else show if show in SHOWS else "",
            kind=kind if kind in Kind.values else "",
            trigger=values.get("trigger", "").replace("\0", ""),
            about=values.get("about", "").strip().replace("\0", ""),
            since=_day(values.get("since", "")),
            until=_day(values.get("until", "")),
        )

    @property
    def query(self) -> str:
        return urlencode({name: value for name, value in vars(self).items() if value})

    @property
    def empty_words(self) -> str:
        """Return why nothing is shown when nothing else narrows it."""
        return str(_EMPTY.get(self.show, ""))

    @property
    def is_detailed(self) -> bool:
        return any((self.trigger, self.about, self.since, self.until))

    @property
    def narrows(self) -> bool:
        """Whether it hides something beside what `show` hides."""
        return any(value for name, value in vars(self).items() if name != "show")


def _day(text: str) -> date | None:
    try:
        day = parse_date(text)
    except ValueError:  # The 31st of June.
        return None
    # At the ends of the calendar, midnight is no moment in every zone.
    return day if day and MINYEAR < day.year < MAXYEAR else None


def filtered(membership: Membership, filters: Filters) -> QuerySet[Notification]:
    """Return the rows, newest first. With `about` 3 queries, else none yet."""
    rows = _shown(membership, filters.show)
    if filters.trigger:
        rows = rows.filter(trigger=filters.trigger)
    if filters.since:
        rows = rows.filter(shown_at__gte=_midnight(filters.since))
    if filters.until:
        rows = rows.filter(shown_at__lt=_midnight(filters.until + timedelta(days=1)))
    if filters.kind:
        rows = rows.filter(pk__in=_by_reason(Q(kind=filters.kind)))
    if filters.about:
        rows = rows.filter(pk__in=_by_reason(_about(membership, filters.about)))
    return rows


def _shown(membership: Membership, show: str) -> QuerySet[Notification]:
    if show == ARCHIVED:
        return received(membership).exclude(archived_at=None)
    if show == SNOOZED:
        return snoozed(membership)
    rows = inbox(membership)
    return rows.filter(read_at=None) if show == UNREAD else rows


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=timezone.get_current_timezone())


def _by_reason(condition: Q) -> QuerySet:
    return NotificationReason.objects.filter(condition).values("notification")


def _about(membership: Membership, text: str) -> Q:
    """Return the condition of a reason. Whose name it is is asked first: few ids, one index."""
    account = membership.account
    found = {
        "lead__in": search_registered(leads_of(account), text),
        "client__in": search_registered(clients_of(account), text),
        "deal__in": search_deals(deals_of(account), text),
    }
    ids = {
        name: list(rows.values_list("pk", flat=True)[:MOST_NAMED]) for name, rows in found.items()
    }
    return Q(*((name, few) for name, few in ids.items() if few), _connector=Q.OR) or Q(pk__in=[])


# --- A page -------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Page:
    """`older`: the cursor of the next page, or empty."""

    items: list[Item]
    older: str = ""


def page_of(rows: QuerySet[Notification], before: str) -> Page:
    """Return the rows after the cursor `before`. 4 queries, however deep."""
    if cursor := _read_cursor(before):
        at, pk = cursor
        rows = rows.filter(shown_at__lte=at).filter(Q(shown_at__lt=at) | Q(pk__lt=pk))
    # The keys first: joined before they are few, a planner reads far too much.
    found = list(rows.values_list("shown_at", "pk")[: PAGE_SIZE + 1])
    few = Notification.objects.filter(pk__in=[pk for _at, pk in found[:PAGE_SIZE]])
    items = items_of(with_subjects(few).order_by("-shown_at", "-pk"))
    is_last = len(found) <= PAGE_SIZE
    return Page(items=items, older="" if is_last else _cursor(*found[PAGE_SIZE - 1]))


def _cursor(at: datetime, pk: int) -> str:
    return f"{(at - _EPOCH) // _TICK}-{pk}"


def _read_cursor(text: str) -> tuple[datetime, int] | None:
    """Return where a page begins, or None if the link is none of ours."""
    at, _dash, pk = text.partition("-")
    if not all(part.isascii() and part.isdecimal() and len(part) < 19 for part in (at, pk)):
        return None
    try:
        return _EPOCH + int(at) * _TICK, int(pk)
    except OverflowError:
        return None
