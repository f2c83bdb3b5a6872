"""Pages of activities, newest first: timelines and the debugger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from django.db.models import Q, QuerySet
from django.utils.dateparse import parse_datetime
from django.utils.functional import Promise

from accounts.models import Account
from notifications.activities.outcomes import Outcome, Tally, load_tallies, tallied_outcome
from notifications.activities.search import is_about
from notifications.activities.visible import Timeline
from notifications.activities.words import NOT_DONE, what_was_done
from notifications.facts.triggers import load_triggers
from notifications.visits.words import load_summaries
from partners.models import Activity, RejectedEvent

PAGE_SIZE = 50
# Of so many candidates a page of a timeline is made; rarely it takes more than one round.
CANDIDATES = 200
MOST_ROUNDS = 5


@dataclass(frozen=True, kw_only=True)
class Cursor:
    """The last row of a page; the next page begins after it. Rejected events come first
    among those of the same moment."""

    at: datetime
    pk: int
    rejected: bool = False

    def __str__(self) -> str:
        return f"{self.at.isoformat()}~{self.pk}{'~r' if self.rejected else ''}"

    @classmethod
    def read(cls, text: str) -> Cursor | None:
        """Return the cursor of a link, or None if it is none of ours."""
        at, _, rest = text.partition("~")
        pk, _, mark = rest.partition("~")
        try:
            when = parse_datetime(at)
            if when is None or when.tzinfo is None or not pk.isdecimal() or len(pk) > 18:
                return None
            return cls(at=when.astimezone(UTC), pk=int(pk), rejected=mark == "r")
        except (ValueError, OverflowError):  # No time, or none in UTC.
            return None


@dataclass(frozen=True, kw_only=True)
class Row:
    """A line of a list of activities: an accepted event, or a rejected one."""

    at: datetime
    message_id: str
    activity: Activity | None = None
    rejected: RejectedEvent | None = None
    # `trigger`: the action that notifies, if it is one; `what`: that, or what was done.
    trigger: str = ""
    what: str = ""
    outcome: Outcome | None = None
    # How the visit went on that began with it.
    visit: str = ""


@dataclass(frozen=True, kw_only=True)
class Page:
    rows: Sequence[Row]
    older: Cursor | None = None


def timeline(source: Timeline, account: Account | None, before: Cursor | None) -> Page:
    """Return a page of activities by the time when they happened.

    2 queries for each round of candidates, as a rule one round, then 4.
    """
    found: list[Activity] = []
    done = source.candidates.exclude(type__in=NOT_DONE)
    for _round in range(MOST_ROUNDS):
        candidates = _next_candidates(done, before)
        few = Activity.objects.filter(pk__in=[cursor.pk for cursor in candidates])
        visible = source.exact(few).select_related("contact")
        found += visible.order_by("-occurred_at", "-pk")
        before = candidates[-1] if len(candidates) == CANDIDATES else None
        if before is None or len(found) > PAGE_SIZE:
            break
    rows = _rows(found[:PAGE_SIZE], account)
    if len(found) <= PAGE_SIZE:
        return Page(rows=rows, older=before)
    last = found[PAGE_SIZE - 1]
    return Page(rows=rows, older=Cursor(at=last.occurred_at, pk=last.pk))


def _next_candidates(activities: QuerySet[Activity], before: Cursor | None) -> list[Cursor]:
    if before:
        earlier = Q(occurred_at=before.at, pk__lt=before.pk)
        activities = activities.filter(Q(occurred_at__lt=before.at) | earlier)
    newest = activities.order_by("-occurred_at", "-pk").values_list("occurred_at", "pk")
    return [Cursor(at=at, pk=pk) for at, pk in newest[:CANDIDATES]]


def search_timeline(source: Timeline, text: str, account: Account) -> Timeline:
    """Return the part that the text means: search.py."""
    if not text:
        return source
    return replace(source, candidates=Activity.objects.filter(is_about(text, account)))


ACCEPTED, REJECTED, QUARANTINED = "all", "rejected", "quarantined"


def debugger(tab: str, text: str, before: Cursor | None) -> Page:
    """Return a page of what arrived, by the time of arrival; the vendor's eyes only.

    `text`: see search.py. The tab "all" holds rejected events too. 6 queries, and a search's.
    """
    found: list[Activity | RejectedEvent] = []
    if tab != REJECTED:
        found += _arrived(_search_activities(tab, text), before)
    if tab != QUARANTINED:
        found += _refused(_search_rejected(text), before)
    found.sort(key=_newest_first, reverse=True)
    shown = found[:PAGE_SIZE]
    activities = _rows([row for row in shown if isinstance(row, Activity)], None)
    by_id = {row.activity.pk: row for row in activities if row.activity}
    rows = [by_id[row.pk] if isinstance(row, Activity) else _rejected_row(row) for row in shown]
    return Page(rows=rows, older=_cursor(shown[-1]) if len(found) > PAGE_SIZE else None)


def _newest_first(row: Activity | RejectedEvent) -> tuple[datetime, bool, int]:
    return row.received_at, isinstance(row, RejectedEvent), row.pk


def _cursor(row: Activity | RejectedEvent) -> Cursor:
    return Cursor(at=row.received_at, pk=row.pk, rejected=isinstance(row, RejectedEvent))


def _search_activities(tab: str, text: str) -> QuerySet[Activity]:
    rows = set_aside(text) if tab == QUARANTINED else _about(text)
    return rows.select_related("contact", "source").order_by("-received_at", "-pk")


def set_aside(text: str) -> QuerySet[Activity]:
    """Return what the tab "set aside" shows for a search."""
    return _about(text).filter(state=Activity.State.QUARANTINED)


def _about(text: str) -> QuerySet[Activity]:
    return Activity.objects.filter(is_about(text, None)) if text else Activity.objects.all()


def _search_rejected(text: str) -> QuerySet[RejectedEvent]:
    rows = RejectedEvent.objects.select_related("source").order_by("-received_at", "-pk")
    return rows.filter(Q(message_id=text) | Q(excerpt__icontains=text)) if text else rows


def _arrived(rows: QuerySet[Activity], before: Cursor | None) -> list[Activity]:
    if before:
        # Rejected events of one moment come before the accepted ones.
        same = Q(received_at=before.at)
        same &= Q() if before.rejected else Q(pk__lt=before.pk)
        rows = rows.filter(Q(received_at__lt=before.at) | same)
    return list(rows[: PAGE_SIZE + 1])


def _refused(rows: QuerySet[RejectedEvent], before: Cursor | None) -> list[RejectedEvent]:
    if before:
        after = Q(received_at__lt=before.at)
        if before.rejected:
            after |= Q(received_at=before.at, pk__lt=before.pk)
        rows = rows.filter(after)
    return list(rows[: PAGE_SIZE + 1])


def _rejected_row(event: RejectedEvent) -> Row:
    return Row(at=event.received_at, message_id=event.message_id, rejected=event)


def _rows(activities: Sequence[Activity], account: Account | None) -> list[Row]:
    tallies = load_tallies(activities, account)
    labels = {trigger.key: trigger.label or trigger.key for trigger, _on in load_triggers()}
    visits = load_summaries(activities, account)
    return [
        replace(_row(a, tallies[a.pk], labels, account), visit=visits[a.pk]) for a in activities
    ]


def _row(
    activity: Activity, tally: Tally, labels: Mapping[str, str | Promise], account: Account | None
) -> Row:
    trigger = ", ".join(str(labels.get(key, key)) for key in sorted(tally.triggers))
    return Row(
        at=activity.occurred_at,
        message_id=activity.message_id,
        activity=activity,
        trigger=trigger,
        what=trigger or what_was_done(activity),
        outcome=tallied_outcome(activity, tally, account),
    )
