"""A batch of activities → decisions, notifications and deliveries, in one transaction.

A constant number of queries per batch; the claim takes one for each write key that waits. A
worker that dies leaves nothing half done: the activities stay pending and the next one takes them.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from operator import attrgetter

from django.db import OperationalError, connection, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from notifications.channels import DESKTOP
from notifications.eligibility import (
    Part,
    Verdict,
    decide_deal_sign_up,
    decide_lead_activity,
    is_beside,
    why_nobody,
)
from notifications.escalations.beginning import begin
from notifications.facts.batch import Facts
from notifications.facts.cases import Case
from notifications.facts.triggers import match_triggers
from notifications.models import (
    DealSignUp,
    Decision,
    Delivery,
    Kind,
    Notification,
    NotificationReason,
)
from notifications.notices import load_limit_notices, load_notices
from notifications.quarantine import note_failure
from notifications.reasons import Reason
from notifications.visits.following import Visits
from notifications.writer import Writer
from partners.models import Activity, Source

BATCH_SIZE = 1_000
# Why somebody was not told who is told after all once they are the recipient, backup or deputy.
_REOPENED = frozenset(
    {
        Reason.RECIPIENT_CHANGED,
        Reason.TRIGGER_NOT_CHOSEN,
        Reason.NO_LONGER_RECIPIENT,
        Reason.NOT_OWNER_OR_TEAM,
    }
)

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Tally:
    """How many activities one call took, and how many messages it put in an inbox."""

    taken: int = 0
    delivered: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(self.taken + other.taken, self.delivered + other.delivered)


def evaluate_due(limit: int = BATCH_SIZE) -> Tally:
    """Evaluate up to `limit` pending activities.

    Rings the lanes of the deliveries it wrote. An activity that cannot be evaluated does
    not stop its batch: it is found by halves, tried again, and set aside after five failures.
    """
    claimed: list[Activity] = []
    try:
        with transaction.atomic():
            claimed = _claim(limit)
            return evaluate_at(claimed, timezone.now())
    except OperationalError:
        raise  # The database, not an activity: whoever looks next tries again.
    except Exception:
        if not claimed:
            raise
        log.exception("A batch could not be evaluated; it is tried in halves")
    return _evaluate_halves([activity.pk for activity in claimed])


def _due() -> Q:
    return Q(state=Activity.State.PENDING) & (
        Q(not_before=None) | Q(not_before__lte=timezone.now())
    )


def has_due() -> bool:
    return Activity.objects.filter(_due()).exists()


def _claim(limit: int) -> list[Activity]:
    return _shares(_lock(Activity.objects.filter(_due())), limit)


def _lock(rows: QuerySet[Activity]) -> QuerySet[Activity]:
    """Return those that no other worker holds, in the order of arrival; held until commit."""
    features = connection.features
    if features.has_select_for_update:
        rows = rows.select_for_update(
            of=("self",),
            no_key=True,
            skip_locked=features.has_select_for_update_skip_locked,
        )
    return rows.select_related("contact").order_by("pk")


def _shares(rows: QuerySet[Activity], limit: int) -> list[Activity]:
    """Return the oldest of each write key, as many of each; in the order of arrival.

    Whoever sends years of history with a key of its own delays no visitor. What a key leaves of
    its share goes to the others. A query for each key that waits, and for what is left.
    """
    due = Activity.objects.filter(_due(), source=OuterRef("pk"))
    waiting = list(Source.objects.filter(Exists(due)).values_list("pk", flat=True))
    found: list[Activity] = []
    last = dict.fromkeys(waiting, 0)
    while waiting and len(found) < limit:
        left = limit - len(found)
        share, having_more = max(1, left // len(waiting)), []
        for source in waiting[:left]:
            taken = list(rows.filter(source=source, pk__gt=last[source])[:share])
            found += taken
            if len(taken) == share:
                last[source] = taken[-1].pk
                having_more.append(source)
        waiting = having_more
    return sorted(found, key=attrgetter("pk"))


def _evaluate_halves(ids: list[int]) -> Tally:
    """Evaluate what failed together, until each one that fails is alone.

    One bad one costs a few more tries, not one for each that came with it.
    """
    middle, tally = len(ids) // 2, Tally()
    for half in filter(None, (ids[:middle], ids[middle:])):
        try:
            with transaction.atomic():
                rows = _lock(Activity.objects.filter(_due(), pk__among=half))
                tally += evaluate_at(list(rows), timezone.now())
        except OperationalError:
            raise
        except Exception as error:  # noqa: BLE001 - becomes a recorded problem
            if len(half) > 1:
                tally += _evaluate_halves(half)
            else:
                note_failure(half[0], error)
    return tally


def evaluate_at(activities: list[Activity], now: datetime) -> Tally:
    """Decide these activities as of `now` and write everything. Inside a transaction."""
    if not activities:
        return Tally()
    delivered = 0
    matched = match_triggers(activities)
    if not matched:
        Visits(activities, now).follow([])
    else:
        facts = Facts(matched, now)
        decided = [(case, decide(case, facts, now)) for case in facts.cases]
        visits = Visits(activities, now)
        visits.follow(decided)
        writer = Writer(facts, now, visit_of=visits.take)
        for case, verdicts in decided:
            writer.add(case, verdicts)
        flat = [(case, verdict) for case, verdicts in decided for verdict in verdicts]
        for notice in (*load_notices(flat), *load_limit_notices(flat, facts)):
            writer.add_notice(notice)
        facts.email_counts.save()
        DealSignUp.objects.bulk_create(facts.sign_ups.new, ignore_conflicts=True)
        delivered = writer.save()
        begin(flat, now)
    Activity.objects.filter(pk__among=[activity.pk for activity in activities]).update(
        state=Activity.State.EVALUATED, evaluated_at=now
    )
    return Tally(taken=len(activities), delivered=delivered)


def decide(case: Case, facts: Facts, now: datetime) -> list[Verdict]:
    """Return the verdicts of both kinds on one activity, and remember what they cause."""
    verdicts = decide_lead_activity(case.event, facts.registrations(case), now)
    if case.event.deal_eligible:
        companies = facts.companies(case)
        verdicts += decide_deal_sign_up(case.event, companies)
        if case.event.trigger_enabled and why_nobody(case.event) is None:
            facts.sign_ups.add(companies, case.activity)
    facts.remember(case, verdicts)
    return verdicts


# --- R32: the recipient is whoever is chosen at send time ------------------------------


def tell_new_recipient(old: Notification, reasons: Iterable[NotificationReason]) -> None:
    """Decide the same activity for whoever is to be told now; same rules, own rows.

    Runs inside the transaction that ends the old recipient's delivery. Nobody whom a decision
    names already is told again, and who is told beside the recipient was decided then. Whoever
    is told for several reasons has one message.
    """
    now = timezone.now()
    kinds = {reason.kind for reason in reasons if reason.lead or reason.client or reason.deal}
    matched = match_triggers([old.activity]) if kinds else []
    if not matched:
        return
    facts = Facts(matched, now)
    case = facts.cases[0]
    verdicts = _decide_anew(case, facts, old, kinds, now)
    known, in_inbox = _reopen(old, kinds, verdicts), _in_inbox(old)
    fresh = [
        _beside_the_bell(verdict, in_inbox)
        for verdict in verdicts
        if (verdict.membership_id, verdict.kind) not in known
    ]
    facts.remember(case, fresh)
    writer = _writer_of_a_move(old, facts, fresh, in_inbox, now)
    writer.add(case, fresh)
    for notice in load_notices((case, verdict) for verdict in fresh):
        writer.add_notice(notice)
    facts.email_counts.save()
    writer.save()


def _decide_anew(
    case: Case, facts: Facts, old: Notification, kinds: Collection[str], now: datetime
) -> list[Verdict]:
    """Return what holds now of the people of the same account, but for those told beside."""
    found: list[Verdict] = []
    if {*kinds} - {Kind.DEAL}:
        found += decide_lead_activity(case.event, facts.registrations(case), now)
    if Kind.DEAL in kinds:  # Nobody is chosen for a deal; only deputies are told later.
        on_deals = decide_deal_sign_up(case.event, facts.companies(case))
        found += [verdict for verdict in on_deals if verdict.part == Part.DEPUTY]
    return [
        verdict
        for verdict in found
        if verdict.account_id == old.account_id
        and verdict.membership_id is not None
        and not is_beside(verdict.part)
    ]


def _reopen(
    old: Notification, kinds: Iterable[str], verdicts: Iterable[Verdict]
) -> set[tuple[int | None, str]]:
    """Take back the decisions that are made anew; return whom the others name, of which kind."""
    members = {kind: [v.membership_id for v in verdicts if v.kind == kind] for kind in Kind.values}
    decided = Decision.objects.filter(
        activity=old.activity, membership__in=[pk for pks in members.values() for pk in pks]
    )
    # Chosen, replaced and chosen again: what was cancelled for that is decided anew.
    first_hand = decided.exclude(part=Part.ESCALATION)
    for kind in kinds:
        first_hand.filter(kind=kind, membership__in=members[kind], reason__in=_REOPENED).delete()
    # Whoever wants to hear of no escalation is told all the same as the recipient.
    heard = decided.exclude(part=Part.ESCALATION, outcome=Decision.Outcome.NO)
    return set(heard.values_list("membership_id", "kind"))


def _writer_of_a_move(
    old: Notification,
    facts: Facts,
    fresh: Iterable[Verdict],
    in_inbox: frozenset[tuple[int, str]],
    now: datetime,
) -> Writer:
    """Return what writes the new rows: no second bell, no second item of the same visit."""
    is_new_to = {
        verdict.membership_id
        for verdict in fresh
        if verdict.channels and (verdict.membership_id, verdict.kind) not in in_inbox
    }
    moves = Notification.objects.filter(activity=old.activity).count()
    has_item = _who_has_an_item(old.visit_id)
    return Writer(
        facts,
        now,
        dedupe=f"moved-{moves}",
        has_bell=frozenset(member for member, _kind in in_inbox) - is_new_to,
        visit_of=lambda _case, verdicts, member: (
            None if member in has_item or _are_of_deals(verdicts) else old.visit_id
        ),
    )


def _who_has_an_item(visit_id: int | None) -> frozenset[int]:
    if visit_id is None:
        return frozenset()
    items = Notification.objects.filter(visit=visit_id, is_summary=False)
    return frozenset(items.values_list("membership_id", flat=True))


def _are_of_deals(verdicts: Iterable[Verdict]) -> bool:
    """A visit is to a lead's or client's account."""
    return all(verdict.kind == Kind.DEAL for verdict in verdicts)


def _in_inbox(old: Notification) -> frozenset[tuple[int, str]]:
    """Return the members who have this activity in their inbox, with its kinds."""
    bells = Delivery.objects.filter(
        notification__activity=old.activity_id,
        notification__notice="",
        channel=DESKTOP,
        endpoint_key=Delivery.OWN,
        state=Delivery.State.DELIVERED,
    )
    return frozenset(bells.values_list("notification__membership", "notification__reasons__kind"))


def _beside_the_bell(verdict: Verdict, in_inbox: frozenset[tuple[int, str]]) -> Verdict:
    """Of who is chosen again, and has it in the inbox: nothing, if the bell is all there is."""
    known = (verdict.membership_id, verdict.kind) in in_inbox
    only_bell = verdict.channels == {DESKTOP} and known
    return replace(verdict, channels=frozenset()) if only_bell else verdict
