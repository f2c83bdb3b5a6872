"""Visits that have ended: closed once, and summed up for whoever wants to hear of that."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from django.db import OperationalError, transaction
from django.db.models import Prefetch, Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from accounts.models import Membership
from notifications.channels import EMAIL
from notifications.eligibility import (
    CLIENT,
    LEAD,
    Event,
    Part,
    Person,
    Verdict,
    channels_of_a_summary,
)
from notifications.facts.batch import lock_accounts
from notifications.facts.cases import Case
from notifications.facts.people import EmailCounts, load_people
from notifications.facts.triggers import load_triggers
from notifications.models import Notification, NotificationReason, Visit
from notifications.reasons import Reason
from notifications.stream.nudges import nudge_after_commit
from notifications.topics import LEAD_ACTIVITY
from notifications.triggers import TriggerType
from notifications.writer import Writer

BATCH_SIZE = 100

log = logging.getLogger(__name__)


def end_visits() -> int:
    """Close all visits that have ended; return how many. Safe to run many times at once."""
    ended = 0
    while closed := _end_some():
        ended += closed
    return ended


def _due() -> QuerySet[Visit]:
    return Visit.objects.filter(ended_at=None, due_at__lte=Now())


def _end_some() -> int:
    batch = list(_due().order_by("due_at").values_list("pk", flat=True)[:BATCH_SIZE])
    try:
        return _end(batch)
    except OperationalError:
        raise  # The database, not a visit: the next sweep comes soon.
    except Exception:
        log.exception("Visits could not be closed together; they are closed one by one")
    return sum(map(_end_one, batch))


def _end_one(pk: int) -> int:
    """Close one visit; one that cannot be summed up is closed without that, and stops no other."""
    try:
        return _end([pk])
    except OperationalError:
        raise
    except Exception:
        log.exception("Visit %d is closed without a summary", pk)
        return _due().filter(pk=pk).update(ended_at=timezone.now())


@transaction.atomic
def _end(batch: Sequence[int]) -> int:
    """Close those of the batch that are due and not held by others; return how many."""
    if not batch:
        return 0
    due = _due().filter(pk__in=batch)
    # Accounts before visits, as evaluation takes them. Whoever comes second finds nothing due.
    lock_accounts(set(due.values_list("account", flat=True)))
    free = due.select_for_update(of=("self",), skip_locked=True, no_key=True).order_by("pk")
    visits = list(free.select_related("first__contact"))
    now = timezone.now()
    Visit.objects.filter(pk__in=[visit.pk for visit in visits]).update(ended_at=now)
    _sum_up([visit for visit in visits if visit.course.deserves_summary], now)
    return len(visits)


def _sum_up(visits: Sequence[Visit], now: datetime) -> None:
    """Tell the members whom the visits were told to: in the bell, and where they want it."""
    items = _items(visits)
    if not items:
        return
    for member_id in {item.membership_id for item in items}:
        nudge_after_commit(member_id)
    members = _Members({item.membership_id: item.membership for item in items}.values(), now)
    triggers = {trigger.key: trigger for trigger, _on in load_triggers()}
    writer = Writer(members, now, due_at=now)
    for item in items:
        person = members.person(item.membership_id)
        channels = channels_of_a_summary(person)
        trigger = triggers.get(item.trigger)
        reason = next(iter(item.reasons.all()), None)
        if channels and trigger and reason and item.visit:
            case = _case(item.visit, trigger)
            verdict = _verdict(item, reason, channels)
            writer.add_summary(item.visit.pk, case, verdict)
            members.remember(verdict)
    members.counts.save()
    writer.save()


class _Members:
    """The members whom some visits were told to, and how many e-mails they had today (R71)."""

    def __init__(self, memberships: Iterable[Membership], now: datetime) -> None:
        members = list(memberships)
        self._people = load_people(members)
        self.counts = EmailCounts(members, now)

    def person(self, membership_id: int) -> Person:
        capped = self.counts.capped_topics(membership_id)
        return replace(self._people[membership_id], capped_topics=capped)

    def remember(self, verdict: Verdict) -> None:
        if EMAIL in verdict.channels:
            self.counts.add(verdict.membership_id or 0, LEAD_ACTIVITY)


def _items(visits: Iterable[Visit]) -> list[Notification]:
    by_id = {visit.pk: visit for visit in visits}
    reasons = NotificationReason.objects.filter(Q(lead__isnull=False) | Q(client__isnull=False))
    items = list(
        Notification.objects.filter(visit__in=by_id, is_summary=False)
        .select_related("membership__user", "membership__account")
        .prefetch_related(Prefetch("reasons", queryset=reasons.order_by("pk")))
        .order_by("pk")
    )
    for item in items:
        item.visit = by_id[item.visit_id or 0]
    return items


def _case(visit: Visit, trigger: TriggerType) -> Case:
    activity = visit.first
    event = Event(
        contact_id=visit.contact_id, occurred_at=activity.occurred_at, trigger=trigger.key
    )
    return Case(activity=activity, trigger=trigger, event=event)


def _verdict(item: Notification, reason: NotificationReason, channels: frozenset[str]) -> Verdict:
    return Verdict(
        kind=LEAD if reason.lead_id else CLIENT,
        reason=Reason.SENT,
        account_id=item.account_id,
        membership_id=item.membership_id,
        registration_id=reason.lead_id or reason.client_id,
        channels=channels,
        part=Part(reason.part),
        absent_id=reason.absent_id,
    )
