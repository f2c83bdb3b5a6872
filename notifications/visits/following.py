"""The visits of the people of a batch: begun by what is told, followed by all that comes after."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models.functions import Coalesce

from notifications.activities.words import NOT_DONE
from notifications.eligibility import CLIENT, DEAL, LEAD, Event, Verdict, why_nobody
from notifications.eligibility.leads import why_not_registered
from notifications.eligibility.visits import Course, Step, after, begin, belongs, is_news
from notifications.facts.cases import Case, event_of
from notifications.facts.registrations import as_registration
from notifications.models import Notification, Visit
from notifications.stream.nudges import nudge_after_commit
from notifications.triggers import PAGE_TYPES
from partners.bulk import insert_rows, update_rows
from partners.models import Activity

# The kind of a registration, and its id.
Subject = tuple[str, int]
Decided = tuple[Case, Sequence[Verdict]]


@dataclass
class _Open:
    """A visit that goes on. `row` None: it begins in this batch."""

    subject: Subject
    account_id: int
    contact_id: int
    course: Course
    row: Visit | None = None
    pk: int = 0
    has_moved: bool = False
    # The members for whom what is not told says more than all before.
    is_news_for: set[int] = field(default_factory=set)

    def takes(self, step: Step, now: datetime) -> bool:
        """Whether the step is part of it, and the lead or client was this account's then."""
        if not belongs(self.course, step, settings.VISIT_PAUSE):
            return False
        if self.row is None:
            return True
        registration = as_registration(self.row.subject, None)
        return why_not_registered(registration, step.at, now) is None


class Visits:
    """Hold the open visits of these people until commit. 1 query, then at most 4 to save.

    After the accounts' locks, so that all take them in the same order.
    """

    def __init__(self, activities: Sequence[Activity], now: datetime) -> None:
        self._activities, self._now = activities, now
        self._of: dict[int, list[_Open]] = defaultdict(list)
        people = {activity.contact_id for activity in activities} - {None}
        for row in _load(people) if people else ():
            self._of[row.contact_id].append(
                _Open(
                    subject=(LEAD, row.lead_id) if row.lead_id else (CLIENT, row.client_id or 0),
                    account_id=row.account_id,
                    contact_id=row.contact_id,
                    course=row.course,
                    row=row,
                    pk=row.pk,
                )
            )
        # The visit that an activity told about a subject is part of.
        self._told_in: dict[tuple[int, Subject], _Open] = {}
        self._has_item: set[tuple[int, int]] = set()

    def follow(self, decided: Iterable[Decided]) -> None:
        """Add what these people did, in the order of arrival, and write it down."""
        cases = {case.activity.pk: (case, verdicts) for case, verdicts in decided}
        for activity in self._activities:
            case, verdicts = cases.get(activity.pk, (None, ()))
            if activity.contact_id and (case or self._of.get(activity.contact_id)):
                self._step(activity, case, verdicts)
        self._save()

    def take(self, case: Case, verdicts: Iterable[Verdict], membership_id: int) -> int | None:
        """Return the visit of which this is the member's first message, or None."""
        told = (self._told_in.get((case.activity.pk, _subject(verdict))) for verdict in verdicts)
        visit = next(filter(None, told), None)
        if visit is None or (visit.pk, membership_id) in self._has_item:
            return None
        self._has_item.add((visit.pk, membership_id))
        return visit.pk

    def _step(self, activity: Activity, case: Case | None, verdicts: Sequence[Verdict]) -> None:
        if activity.type in NOT_DONE or not _counts(activity, case):
            return
        told = {_subject(v): v for v in verdicts if v.kind != DEAL and _has_message(v)}
        of_person = self._of[activity.contact_id or 0]
        joined: dict[Subject, _Open] = {}
        for visit in of_person:
            step = _step(activity, case, is_told=visit.subject in told)
            if visit.subject in joined or not visit.takes(step, self._now):
                continue
            visit.is_news_for |= {
                verdict.membership_id or 0
                for verdict in verdicts
                if _subject(verdict) == visit.subject
                and is_news(visit.course, step, verdict.reason)
            }
            visit.course, visit.has_moved = after(visit.course, step), True
            joined[visit.subject] = visit
        for subject, verdict in told.items():
            if subject not in joined:
                joined[subject] = _Open(
                    subject=subject,
                    account_id=verdict.account_id or 0,
                    contact_id=activity.contact_id or 0,
                    course=begin(_step(activity, case, is_told=True)),
                )
                of_person.append(joined[subject])
            self._told_in[activity.pk, subject] = joined[subject]

    def _save(self) -> None:
        everything = [visit for visits in self._of.values() for visit in visits]
        begun = [visit for visit in everything if visit.row is None]
        moved = [visit for visit in everything if visit.row and visit.has_moved]
        written = insert_rows(
            Visit, [self._begun(v) for v in begun], returning=("first_id", "account_id", "id")
        )
        id_of = {(first_id, account_id): pk for first_id, account_id, pk in written}
        for visit in begun:
            visit.pk = id_of[visit.course.first_id, visit.account_id]
        update_rows(Visit, [{"id": visit.pk, **self._values(visit)} for visit in moved])
        if moved:
            self._tell(moved)

    def _tell(self, moved: Sequence[_Open]) -> None:
        """Let open windows hear of it; what was read is unread again if it says more now."""
        items = Notification.objects.filter(visit__among=[visit.pk for visit in moved])
        self._has_item |= set(items.values_list("visit_id", "membership_id"))
        for member_id in {member_id for _visit, member_id in self._has_item}:
            nudge_after_commit(member_id)
        if news := [visit for visit in moved if visit.is_news_for]:
            members = set[int]().union(*(visit.is_news_for for visit in news))
            items.filter(
                visit__among=[visit.pk for visit in news],
                membership__among=members,
                archived_at=None,
            ).update(read_at=None, seen_at=Coalesce("seen_at", "read_at"))

    def _begun(self, visit: _Open) -> dict[str, Any]:
        kind, pk = visit.subject
        return {
            "account_id": visit.account_id,
            "contact_id": visit.contact_id,
            "lead_id": pk if kind == LEAD else None,
            "client_id": None if kind == LEAD else pk,
            **self._values(visit),
        }

    def _values(self, visit: _Open) -> Mapping[str, Any]:
        return {
            "first_id": visit.course.first_id,
            "last_id": visit.course.last_id,
            "started_at": visit.course.started_at,
            "last_at": visit.course.last_at,
            "steps": visit.course.steps,
            "pages": visit.course.pages,
            "strength": visit.course.strength,
            "due_at": self._now + settings.VISIT_PAUSE,
        }


def _load(people: Iterable[int | None]) -> list[Visit]:
    rows = Visit.objects.filter(contact__among=people, ended_at=None).order_by("pk")
    rows = rows.select_related("account", "lead", "client")
    found = list(rows.select_for_update(of=("self",), no_key=True))
    for row in found:
        row.subject.account = row.account
    return found


def _counts(activity: Activity, case: Case | None) -> bool:
    """Whether it is a step at all. Who has a visit was told of, so is nobody's own user (R20)."""
    event: Event = case.event if case else event_of(activity, None, internal=False)
    return why_nobody(event) is None


def _step(activity: Activity, case: Case | None, *, is_told: bool) -> Step:
    is_on = case is not None and case.event.trigger_enabled
    return Step(
        activity_id=activity.pk,
        at=activity.occurred_at,
        is_page=activity.type in PAGE_TYPES or bool(case and case.event.page_view),
        is_told=is_told,
        strength=case.trigger.strength if case and is_on else 0,
    )


def _subject(verdict: Verdict) -> Subject:
    return verdict.kind, verdict.registration_id or 0


def _has_message(verdict: Verdict) -> bool:
    return bool(verdict.membership_id and verdict.channels)
