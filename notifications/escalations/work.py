"""Look at what is due, and tell who is next. Any number of workers, any number of times."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import OperationalError, transaction
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from notifications.eligibility import (
    End,
    Event,
    Verdict,
    Watch,
    decide_step,
    has_told,
    next_unseen,
    steps_after,
    why_over,
)
from notifications.escalations.beginning import watch
from notifications.escalations.facts import EscalationFacts, subject_of
from notifications.facts.cases import Case
from notifications.models import Escalation, EscalationStep
from notifications.triggers import TriggerType
from notifications.writer import Writer

BATCH_SIZE = 200
# One that cannot be worked off alone waits so long; it holds up no other.
AFTER_AN_ERROR = timedelta(minutes=10)

log = logging.getLogger(__name__)


def escalate_due(limit: int = BATCH_SIZE) -> int:
    """Work off up to `limit` escalations that are due; return how many there were."""
    due = _due()
    try:
        with transaction.atomic():
            return _work_off(_claim(due, limit), timezone.now())
    except OperationalError:
        raise  # The database: whoever looks next tries again.
    except Exception:
        log.exception("A batch could not be escalated; it is tried one by one")
    return sum(map(_alone, list(due.values_list("pk", flat=True)[:limit])))


def escalate_all() -> None:
    while escalate_due() == BATCH_SIZE:
        pass


def has_due() -> bool:
    return _due().exists()


def _due() -> QuerySet[Escalation]:
    return Escalation.objects.filter(ended="", due_at__lte=Now()).order_by("due_at", "pk")


def _claim(due: QuerySet[Escalation], limit: int) -> list[Escalation]:
    rows = due.select_for_update(of=("self",), no_key=True, skip_locked=True)
    about = ("activity__contact", "lead__account", "client__account", "deal")
    return list(rows.select_related(*about).prefetch_related("steps")[:limit])


def _alone(pk: int) -> int:
    one = _due().filter(pk=pk)
    try:
        with transaction.atomic():
            return _work_off(_claim(one, 1), timezone.now())
    except OperationalError:
        raise
    except Exception:
        log.exception("Escalation %s waits after an error", pk)
        one.update(due_at=Now() + AFTER_AN_ERROR)
    return 0


@dataclass
class _Work:
    """What a batch changes, written at once."""

    rows: list[Escalation] = field(default_factory=list)
    steps: list[EscalationStep] = field(default_factory=list)
    again: list[tuple[Escalation, Watch]] = field(default_factory=list)


def _work_off(rows: list[Escalation], now: datetime) -> int:
    if not rows:
        return 0
    facts, work = EscalationFacts(rows, now), _Work(rows)
    writer = Writer(facts, now, dedupe="escalation", due_at=now)
    for row in rows:
        seen = facts.watch(row)
        if end := why_over(seen):
            _end(row, end)
            work.again.append((row, seen))
        elif (due := facts.due_at(row, _since(row))) > now:
            row.due_at = due
        else:
            for verdicts in _take_steps(row, facts, work, now):
                writer.add(_case(row), verdicts)
    facts.save()
    writer.save()
    EscalationStep.objects.bulk_create(work.steps)
    Escalation.objects.bulk_update(rows, ["due_at", "ended"])
    _begin_again(work)
    return len(rows)


def _end(row: Escalation, end: End) -> None:
    row.ended, row.due_at = end.value, None


def _since(row: Escalation) -> datetime:
    return max([row.began_at, *(step.at for step in row.steps.all())])


def _take_steps(
    row: Escalation, facts: EscalationFacts, work: _Work, now: datetime
) -> Iterator[list[Verdict]]:
    """Take the next step; and the one after it, if it concerns nobody."""
    taken = list(row.steps.all())
    waits = 1 + sum(step.told > 0 for step in taken)
    steps = list(steps_after(max((step.step for step in taken), default=0)))
    row.due_at = now + timedelta(hours=facts.hours(row))
    for step in steps:
        asked = facts.asked(row, step)
        verdicts = decide_step(subject_of(row), asked, facts.hours(row) * waits)
        facts.remember(row, verdicts)
        told = sum(verdict.send for verdict in verdicts)
        work.steps.append(EscalationStep(escalation=row, step=step, told=told, at=now))
        yield verdicts
        if has_told(asked, verdicts):
            if step == steps[-1]:
                _end(row, End.ALL_TOLD)
            return
    _end(row, End.ALL_TOLD)


def _case(row: Escalation) -> Case:
    activity, key = row.activity, row.trigger
    event = Event(contact_id=activity.contact_id, occurred_at=activity.occurred_at, trigger=key)
    return Case(activity=activity, trigger=TriggerType(key=key, label=key, did=key), event=event)


def _begin_again(work: _Work) -> None:
    """Somebody has looked, but not at what happened since: that is watched from then on."""
    watch(
        (
            row.account_id,
            subject_of(row),
            unseen.activity_id,
            unseen.trigger,
            unseen.at,
            unseen.at + timedelta(hours=seen.hours),
        )
        for row, seen in work.again
        if row.ended == End.LOOKED and (unseen := next_unseen(seen.told))
    )
