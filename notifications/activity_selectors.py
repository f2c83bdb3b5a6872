"""Which activities somebody may read, newest first, and what became of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.db.models import Count, Exists, Max, OuterRef, Q, QuerySet
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import Account, Membership
from notifications.facts.triggers import load_triggers
from notifications.models import Decision, Delivery, Kind, Notification
from notifications.reasons import SENTENCES, Reason
from partners import selectors
from partners.models import Activity, CompanyContact, Contact, Deal, DealShare, Lead, RejectedEvent

PAGE_SIZE = 50
# Of so many candidates a page of a timeline is made; rarely it takes more than one round.
CANDIDATES = 200
MOST_ROUNDS = 5

# --- Who may read what ------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """Activities to page through. `candidates` is found fast and may hold too much;
    `exact` keeps, of a few of them, what the reader may see."""

    candidates: QuerySet[Activity]
    exact: Callable[[QuerySet[Activity]], QuerySet[Activity]]


def activities_of(account: Account) -> Timeline:
    """Return what the account may read: of its leads, clients and first shares."""
    told = Notification.objects.filter(account=account).values("activity__contact")
    people = [
        *selectors.people_of(account),
        _people_in(_co_sold(_first_shares(account))).values("contact"),
        told.exclude(activity__contact=None),
    ]
    return Timeline(
        candidates=Activity.objects.filter(contact__in=_union(people)),
        exact=lambda activities: visible_among(activities, account),
    )


def activities_of_lead(lead: Lead) -> Timeline:
    """Return what the people of the registration did while it was active."""
    people = _union(selectors.people_of_lead(lead))
    return Timeline(
        candidates=Activity.objects.filter(contact__in=people),
        exact=lambda activities: selectors.of_lead_among(activities, lead),
    )


def sign_ups_in(deal: Deal, account: Account | None) -> Timeline:
    """Return the CRM sign-ups of the people of the deal's company, as far as the account
    may read them; it must be the deal's first partner."""
    deals = Deal.objects.filter(pk=deal.pk)
    people = _people_in(deals).values("contact")
    concerned = Decision.objects.filter(activity=OuterRef("pk"), kind=Kind.DEAL)
    return Timeline(
        candidates=Activity.objects.filter(Exists(concerned), contact__in=people),
        exact=lambda activities: (
            activities.filter(selectors.consented())
            if account is None
            else _any_of(
                _sign_ups_of(activities, _co_sold(deals)),
                _told(activities.filter(decisions__deal=deal), account),
            )
        ),
    )


def visible_among(activities: QuerySet[Activity], account: Account | None) -> QuerySet[Activity]:
    """Return those of a few activities that the account may read; the vendor (None): all."""
    if account is None:
        return activities
    return _any_of(
        selectors.own_among(activities, account),
        _told(activities, account),
        _sign_ups_of(activities, _co_sold(_first_shares(account))),
    )


def visible_with_message_id(message_id: str, account: Account | None) -> QuerySet[Activity]:
    """Return the visible activities with this id; several sources may use the same one."""
    return visible_among(Activity.objects.filter(message_id=message_id), account)


def _any_of(*parts: QuerySet[Activity]) -> QuerySet[Activity]:
    ids = [part.order_by().values("pk") for part in parts]
    return Activity.objects.filter(pk__in=ids[0].union(*ids[1:]))


def _told(activities: QuerySet[Activity], account: Account) -> QuerySet[Activity]:
    """What was sent to the account stays readable: every mail has a link to it."""
    sent = Delivery.objects.filter(
        notification__activity=OuterRef("pk"), account=account, state=Delivery.State.DELIVERED
    )
    mine = activities.filter(notifications__account=account)
    return mine.filter(Exists(sent))


def _union(parts: Sequence[QuerySet[Any]]) -> QuerySet[Any]:
    # A union, not an OR: each part can use its own index.
    return parts[0].union(*parts[1:])


def _first_shares(account: Account) -> QuerySet[Deal]:
    """Only the first partner hears of sign-ups (R48)."""
    first = DealShare.objects.filter(account=account, position=1)
    return Deal.objects.filter(shares__in=first)


def _co_sold(deals: QuerySet[Deal]) -> QuerySet[Deal]:
    """R41: only a company that a growth specialist owns is sold together."""
    specialists = Membership.objects.filter(
        role=Membership.Role.GROWTH_SPECIALIST, account__kind=Account.Kind.VENDOR
    )
    return deals.filter(company__owner__in=specialists.values("user"))


def _people_in(deals: QuerySet[Deal]) -> QuerySet[CompanyContact]:
    return CompanyContact.objects.filter(
        unlinked=False, company__in=deals.order_by().values("company")
    )


def _sign_ups_of(activities: QuerySet[Activity], deals: QuerySet[Deal]) -> QuerySet[Activity]:
    concerned = Decision.objects.filter(activity=OuterRef("pk"), kind=Kind.DEAL)
    return activities.filter(
        Exists(concerned),
        selectors.consented(),
        contact__in=_people_in(deals).values("contact"),
    )


# --- Pages, newest first ----------------------------------------------------------------


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
        except ValueError:
            return None
        if when is None or when.tzinfo is None or not pk.isdecimal() or len(pk) > 18:
            return None
        return cls(at=when, pk=int(pk), rejected=mark == "r")


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of one activity, in words. `state`: good, held, bad or no."""

    state: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Row:
    """A line of a list of activities: an accepted event, or a rejected one."""

    at: datetime
    message_id: str
    activity: Activity | None = None
    rejected: RejectedEvent | None = None
    trigger: str = ""
    outcome: Outcome | None = None


@dataclass(frozen=True, kw_only=True)
class Page:
    rows: Sequence[Row]
    older: Cursor | None = None


def timeline(source: Timeline, account: Account | None, before: Cursor | None) -> Page:
    """Return a page of activities by the time when they happened.

    2 queries for each round of candidates, as a rule one round, then 4.
    """
    found: list[Activity] = []
    for _round in range(MOST_ROUNDS):
        candidates = _next_candidates(source.candidates, before)
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


def search_timeline(source: Timeline, text: str) -> Timeline:
    """Return the part that is of the person with this e-mail, or has this message id."""
    if not text:
        return source
    activities = Activity.objects.filter(_is_about(text))
    return replace(source, candidates=activities)


def _is_about(text: str) -> Q:
    person = Contact.objects.filter(email=text.lower()).values_list("pk", flat=True).first()
    return Q(message_id=text) | Q(contact=person) if person else Q(message_id=text)


ACCEPTED, REJECTED, QUARANTINED = "all", "rejected", "quarantined"


def debugger(tab: str, text: str, before: Cursor | None) -> Page:
    """Return a page of what arrived, by the time of arrival; the vendor's eyes only.

    `text` is a message id or an e-mail. The tab "all" holds rejected events too. 6 queries.
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
    rows = Activity.objects.select_related("contact", "source").order_by("-received_at", "-pk")
    if tab == QUARANTINED:
        rows = rows.filter(state=Activity.State.QUARANTINED)
    return rows.filter(_is_about(text)) if text else rows


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


def last_actions(leads: Iterable[Lead]) -> dict[int, datetime]:
    """Return when each lead last did something that notifies while it was registered.

    1 query, whatever the number of leads.
    """
    decisions = Decision.objects.filter(lead__in=[lead.pk for lead in leads])
    counted = decisions.exclude(reason__in=NOT_ITS_OWN).values_list("lead")
    return dict(counted.annotate(last=Max("occurred_at")).values_list("lead", "last"))


# The account's registration did not cover the action: it is not its business.
NOT_ITS_OWN = (
    Reason.REGISTRATION_NOT_ACTIVE,
    Reason.REGISTERED_LATER,
    Reason.NOT_PARTNER,
)

# --- What became of them ------------------------------------------------------------------


@dataclass
class _Tally:
    triggers: set[str] = field(default_factory=set)
    told: int = 0
    reasons: list[str] = field(default_factory=list)
    states: set[str] = field(default_factory=set)


def _rows(activities: Sequence[Activity], account: Account | None) -> list[Row]:
    tallies = _tallies(activities, account)
    labels = {trigger.key: trigger.label or trigger.key for trigger, _on in load_triggers()}
    return [
        Row(
            at=activity.occurred_at,
            message_id=activity.message_id,
            activity=activity,
            trigger=", ".join(
                str(labels.get(key, key)) for key in sorted(tallies[activity.pk].triggers)
            ),
            outcome=_outcome(activity, tallies[activity.pk], account),
        )
        for activity in activities
    ]


def _tallies(activities: Iterable[Activity], account: Account | None) -> dict[int, _Tally]:
    tallies: dict[int, _Tally] = defaultdict(_Tally)
    ids = [activity.pk for activity in activities]
    decisions = Decision.objects.filter(activity__in=ids)
    counted = decisions.values_list("activity", "account", "trigger", "outcome", "reason")
    for pk, account_id, trigger, outcome, reason, count in counted.annotate(Count("pk")).order_by(
        "activity", "reason"
    ):
        tally = tallies[pk]
        # Which action it was is no secret of whoever is told about it.
        tally.triggers.add(trigger)
        if account and account_id != account.pk:
            continue
        if outcome == Decision.Outcome.SEND:
            tally.told += count
        elif reason not in tally.reasons:
            tally.reasons.append(reason)
    deliveries = Delivery.objects.filter(notification__activity__in=ids)
    if account:
        deliveries = deliveries.filter(account=account)
    for pk, state in deliveries.values_list("notification__activity", "state").distinct():
        tallies[pk].states.add(state)
    return tallies


def outcome_of(activity: Activity, account: Account | None) -> Outcome | None:
    """Return what became of the activity, or None if no trigger matched. 2 queries."""
    return _outcome(activity, _tallies([activity], account)[activity.pk], account)


def _outcome(activity: Activity, tally: _Tally, account: Account | None) -> Outcome | None:
    if activity.state == Activity.State.QUARANTINED:
        return Outcome(state="bad", text=_("Set aside after five failures"))
    if activity.state == Activity.State.PENDING:
        return Outcome(state="held", text=_("Not looked at yet"))
    if tally.told:
        return _told_outcome(tally)
    if not tally.triggers:
        return None
    if not tally.reasons:
        return Outcome(state="no", text=_("Nobody in your account is told"))
    # That it is nobody's lead says least when somebody was considered for another reason.
    first = min(tally.reasons, key=lambda reason: reason == Reason.NO_REGISTRATION)
    return Outcome(state="no", text=str(SENTENCES[Reason(first)]))


def _told_outcome(tally: _Tally) -> Outcome:
    if Delivery.State.DEAD in tally.states:
        return Outcome(state="bad", text=_("Could not be delivered"))
    if tally.states & {Delivery.State.PENDING, *Delivery.HELD}:
        return Outcome(state="held", text=_("On its way"))
    if Delivery.State.UNKNOWN in tally.states:
        return Outcome(state="held", text=_("It is not known whether it arrived"))
    if Delivery.State.DELIVERED not in tally.states:
        return Outcome(state="no", text=_("Stopped before it was sent"))
    text = ngettext("%(count)d person told", "%(count)d people told", tally.told)
    return Outcome(state="good", text=text % {"count": tally.told})
