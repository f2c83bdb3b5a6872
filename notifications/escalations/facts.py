"""What the rules ask about a batch of escalations, in a constant number of queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from accounts.models import Membership
from notifications.channels import EMAIL
from notifications.claims.selectors import among, holding, matter_of
from notifications.eligibility import (
    Asked,
    Event,
    Matter,
    Part,
    Person,
    Step,
    Told,
    Verdict,
    Watch,
    why_not_account,
    why_not_first_partner,
)
from notifications.escalations.people import StepMembers, candidates
from notifications.facts.batch import lock_accounts
from notifications.facts.deals import as_shared_deal, load_shares
from notifications.facts.people import EmailCounts, load_people
from notifications.facts.registrations import as_registration, load_communication
from notifications.facts.timing import load_rhythms
from notifications.models import (
    Decision,
    Escalation,
    Notification,
    NotificationReason,
)
from notifications.timing import OFFICE_HOURS, after_working_hours
from notifications.topics import ESCALATION

Key = tuple[int, Matter]


class EscalationFacts:
    """About 25 queries. Holds the accounts until commit, so that limits are exact and a claim
    made at the same moment comes before or after."""

    def __init__(self, rows: Sequence[Escalation], now: datetime) -> None:
        self._now = now
        self.keys: dict[int, Key] = {row.pk: (row.account_id, subject_of(row)) for row in rows}
        accounts = {row.account_id for row in rows}
        members = list(candidates(accounts))
        lock_accounts(accounts | {member.account_id for member in members})
        self._wishes = load_communication(accounts)
        self._claims = holding(accounts, {matter for _account, matter in self.keys.values()})
        self._load_told(rows)
        self._load_known(rows)
        self._shares = load_shares(row.deal_id for row in rows if row.deal_id)
        self._people = load_people(members)
        self._counts = EmailCounts(members, now)
        self._members = StepMembers(members, self._wishes)
        readers = Membership.objects.filter(pk__in={t.membership_id for t in self._everybody()})
        self._rhythms = load_rhythms(readers.select_related("user"), now)

    def _everybody(self) -> Iterable[Told]:
        return (message for told in self._told.values() for message in told)

    def _load_told(self, rows: Sequence[Escalation]) -> None:
        """Every message about what is watched, since it is. A deal may be watched for several
        accounts that came first one after the other: each has its own messages."""
        reasons = NotificationReason.objects.filter(
            among(matter for _account, matter in self.keys.values()),
            notification__notice="",
            notification__is_summary=False,
            notification__created_at__gte=min(row.began_at for row in rows),
        ).select_related("notification")
        began = {self.keys[row.pk]: row.began_at for row in rows}
        keys_of: dict[Matter | None, list[Key]] = defaultdict(list)
        for key in began:
            keys_of[key[1]].append(key)
        self._told: dict[Key, list[Told]] = defaultdict(list)
        for reason in reasons.order_by("pk"):
            message, is_escalation = reason.notification, reason.part == Part.ESCALATION
            for key in keys_of[matter_of(reason)]:
                is_own = message.account_id == key[0] or is_escalation  # Or the vendor's.
                if is_own and message.created_at >= began[key]:
                    self._told[key].append(_as_told(reason))

    def _load_known(self, rows: Sequence[Escalation]) -> None:
        activities = {row.activity_id for row in rows}
        messages = Notification.objects.filter(activity__in=activities, notice="")
        first_hand = messages.exclude(reasons__part=Part.ESCALATION)
        self._has = set(first_hand.values_list("activity_id", "membership_id"))
        escalated = Decision.objects.filter(activity__in=activities, part=Part.ESCALATION)
        self._escalated = set(escalated.values_list("activity_id", "membership_id"))

    # --- What the rules ask ---------------------------------------------------------------

    def hours(self, row: Escalation) -> int:
        wishes = self._wishes.get(row.account_id)
        return wishes.escalate_after if wishes else 0

    def watch(self, row: Escalation) -> Watch:
        key = self.keys[row.pk]
        return Watch(
            activity_id=row.activity_id,
            hours=self.hours(row),
            stands=self._stands(row),
            claimed=key in self._claims,
            told=tuple(self._told.get(key, ())),
        )

    def _stands(self, row: Escalation) -> bool:
        activity = row.activity
        if activity.contact is not None and activity.contact.consent_denied:
            return False
        if row.deal is not None:
            shared = as_shared_deal(row.deal.pk, self._shares[row.deal.pk])
            first = why_not_first_partner(shared, row.account_id) is None
            return first and row.deal.archived_at is None
        registered = row.lead or row.client
        if registered is None:
            return False
        event = Event(
            contact_id=activity.contact_id, occurred_at=activity.occurred_at, trigger=row.trigger
        )
        registration = as_registration(registered, self._wishes.get(row.account_id))
        return why_not_account(event, registration, self._now) is None

    def due_at(self, row: Escalation, since: datetime) -> datetime:
        """Return when the first of those who were told has worked for so many hours."""
        told = {m.membership_id for m in self._told.get(self.keys[row.pk], ())}
        rhythms = [self._rhythms[pk] for pk in told if pk in self._rhythms]
        return min(
            after_working_hours(r.quiet or OFFICE_HOURS, r.zone, since, self.hours(row))
            for r in rhythms
        )

    def asked(self, row: Escalation, step: Step) -> Asked:
        members = self._members.of(step, row.account_id)
        activity = row.activity_id
        return Asked(
            people=tuple(self.person(pk) for pk in members if pk in self._people),
            has=frozenset(m for a, m in self._has if a == activity),
            escalated=frozenset(m for a, m in self._escalated if a == activity),
        )

    def person(self, membership_id: int) -> Person:
        person = self._people[membership_id]
        return replace(person, capped_topics=self._counts.capped_topics(membership_id))

    def remember(self, row: Escalation, verdicts: Iterable[Verdict]) -> None:
        """Let the following rows of the batch see what this one caused."""
        for verdict in verdicts:
            assert verdict.membership_id is not None
            self._escalated.add((row.activity_id, verdict.membership_id))
            if EMAIL in verdict.channels:
                self._counts.add(verdict.membership_id, ESCALATION)

    def save(self) -> None:
        self._counts.save()


def subject_of(row: Escalation) -> Matter:
    matter = matter_of(row)
    assert matter is not None  # A constraint of the table.
    return matter


def _as_told(reason: NotificationReason) -> Told:
    message = reason.notification
    return Told(
        activity_id=message.activity_id,
        membership_id=message.membership_id,
        trigger=message.trigger,
        at=message.created_at,
        looked=is_looked(message),
        first_hand=reason.part != Part.ESCALATION,
    )


def is_looked(message: Notification) -> bool:
    """Whether its reader has read it, put it off, or opened a page about it."""
    return any((message.read_at, message.seen_at, message.snoozed_until))
