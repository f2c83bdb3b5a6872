"""What a batch decided, written down: decisions, messages, their reasons and deliveries.

One statement for each table. The bell is delivered with that; the other channels' lanes are
rung after the commit.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Protocol

from notifications.channels import DESKTOP, EMAIL
from notifications.doorbell import ring_after_commit
from notifications.eligibility import (
    CHAT_PATIENCE,
    CLIENT,
    LEAD,
    Person,
    Verdict,
    endpoints_for,
    profile_behind,
    topic_of,
    waits_for_chat,
)
from notifications.facts.cases import Case
from notifications.models import Attempt, Decision, Delivery, Notification, NotificationReason
from notifications.notices import Notice
from notifications.reasons import Reason
from notifications.stream.nudges import nudge_after_commit
from notifications.topics import DELIVERY_PROBLEMS
from partners.bulk import insert_rows


class Persons(Protocol):
    def person(self, membership_id: int) -> Person:
        """Return somebody whom a verdict names."""


# The visit whose first message to this member it is.
VisitOf = Callable[[Case, Iterable[Verdict], int], int | None]


@dataclass(kw_only=True)
class DecidedMessage:
    """What one member gets about one activity: verdicts of one or two kinds (R61)."""

    case: Case
    account_id: int
    membership_id: int
    dedupe_key: str
    person: Person
    verdicts: list[Verdict] = field(default_factory=list)
    is_notice: bool = False
    # A summary of this visit, and no message about the activity itself.
    summary_of: int | None = None
    notification_id: int = 0  # Known once its row is written.


class Writer:
    """Collect the rows of a batch, then write each table with one statement."""

    def __init__(
        self,
        facts: Persons,
        now: datetime,
        *,
        dedupe: str = "activity",
        has_bell: frozenset[int] = frozenset(),
        due_at: datetime | None = None,
        visit_of: VisitOf | None = None,
    ) -> None:
        self._facts = facts
        self._now = now
        self._dedupe = dedupe
        self._due_at = due_at  # None: since the activity arrived.
        self._has_bell = has_bell  # Members who have this in their inbox already.
        self._visit_of = visit_of
        # The bell is a row of ours, on no wire: what was decided now is delivered now.
        self._in_inbox = {
            "state": Delivery.State.DELIVERED.value,
            "reason": Reason.SENT.value,
            "starts": 1,
            "done_at": now,
        }
        self._decisions: list[tuple[dict[str, Any], DecidedMessage | None]] = []
        self._messages: list[DecidedMessage] = []

    def add(self, case: Case, verdicts: Iterable[Verdict]) -> None:
        messages: dict[int, DecidedMessage] = {}
        for verdict in verdicts:
            message = None
            if verdict.membership_id and (verdict.channels or verdict.withheld):
                message = messages.get(verdict.membership_id)
                if message is None:
                    message = self._message(case, verdict)
                    messages[verdict.membership_id] = message
                    self._messages.append(message)
                message.verdicts.append(verdict)
            self._decisions.append((self._decision(case, verdict), message))

    def _message(self, case: Case, verdict: Verdict) -> DecidedMessage:
        assert verdict.account_id is not None
        assert verdict.membership_id is not None
        return DecidedMessage(
            case=case,
            account_id=verdict.account_id,
            membership_id=verdict.membership_id,
            dedupe_key=f"{self._dedupe}:{case.activity.pk}",
            person=self._facts.person(verdict.membership_id),
        )

    def add_notice(self, notice: Notice) -> None:
        """Tell an admin that the verdict reached nobody."""
        person, verdict = notice.person, notice.verdict
        told = replace(verdict, membership_id=person.membership_id, channels=notice.channels)
        message = DecidedMessage(
            case=notice.case,
            account_id=person.account_id,
            membership_id=person.membership_id,
            dedupe_key=notice.dedupe_key,
            person=person,
            verdicts=[told],
            is_notice=True,
        )
        self._messages.append(message)

    def add_summary(self, visit_id: int, case: Case, verdict: Verdict) -> None:
        """Tell a member how the visit went on, about which the verdict told them."""
        message = self._message(case, verdict)
        message.dedupe_key, message.summary_of = f"visit:{visit_id}", visit_id
        message.verdicts.append(verdict)
        self._messages.append(message)

    def _decision(self, case: Case, verdict: Verdict) -> dict[str, Any]:
        return {
            "activity_id": case.activity.pk,
            "kind": verdict.kind,
            "trigger": case.trigger.key,
            "account_id": verdict.account_id,
            "membership_id": verdict.membership_id,
            "outcome": (Decision.Outcome.SEND if verdict.send else Decision.Outcome.NO).value,
            "reason": verdict.reason.value,
            "profile": self._profile_behind(verdict),
            "part": verdict.part.value,
            "absent_id": verdict.absent_id,
            "lead_id": verdict.registration_id if verdict.kind == LEAD else None,
            "client_id": verdict.registration_id if verdict.kind == CLIENT else None,
            "deal_id": verdict.deal_ids[0] if verdict.deal_ids else None,
            "occurred_at": case.activity.occurred_at,
            "created_at": self._now,
        }

    def _profile_behind(self, verdict: Verdict) -> str:
        if verdict.membership_id is None:
            return ""
        person = self._facts.person(verdict.membership_id)
        return profile_behind(person, verdict.reason, topic_of(verdict.kind, verdict.part))

    def _write_notifications(self) -> None:
        rows = [
            {
                "account_id": message.account_id,
                "membership_id": message.membership_id,
                "activity_id": message.case.activity.pk,
                "dedupe_key": message.dedupe_key,
                "trigger": message.case.trigger.key,
                "notice": message.verdicts[0].reason.value if message.is_notice else "",
                "visit_id": self._visit(message),
                "is_summary": message.summary_of is not None,
                "created_at": self._now,
            }
            for message in self._messages
        ]
        columns = ("dedupe_key", "membership_id", "id")
        written = insert_rows(Notification, rows, returning=columns)
        id_of = {(key, member_id): pk for key, member_id, pk in written}
        for message in self._messages:
            message.notification_id = id_of[message.dedupe_key, message.membership_id]

    def _visit(self, message: DecidedMessage) -> int | None:
        if message.summary_of or message.is_notice or self._visit_of is None:
            return message.summary_of
        return self._visit_of(message.case, message.verdicts, message.membership_id)

    def save(self) -> int:
        """Write all, and return how many messages lie in an inbox with that."""
        self._write_notifications()
        insert_rows(
            Decision,
            [
                {**row, "notification_id": message.notification_id if message else None}
                for row, message in self._decisions
            ],
        )
        insert_rows(NotificationReason, [row for m in self._messages for row in _reasons(m)])
        deliveries = [row for m in self._messages for row in self._deliveries(m)]
        written = insert_rows(Delivery, deliveries, returning=("id", "state"))
        in_inbox = [pk for pk, state in written if state == Delivery.State.DELIVERED]
        insert_rows(Attempt, [self._attempt(pk) for pk in in_inbox])
        for member_id in {m.membership_id for m in self._messages} if in_inbox else ():
            nudge_after_commit(member_id)
        due = {d["channel"] for d in deliveries if d["state"] == Delivery.State.PENDING}
        for channel in sorted(due):
            ring_after_commit(channel)
        return len(in_inbox)

    def _attempt(self, delivery_id: int) -> dict[str, Any]:
        return {
            "delivery_id": delivery_id,
            "n": 1,
            "started_at": self._now,
            "ended_at": self._now,
            "outcome": Attempt.Outcome.OK.value,
            "detail": "",
        }

    def _deliveries(self, message: DecidedMessage) -> Iterable[dict[str, Any]]:
        targets = {t: v for v in reversed(message.verdicts) for t in _targets(message, v)}
        channels = {channel for channel, _key in targets}
        withheld: dict[str, tuple[Verdict, Reason]] = {}
        for verdict in message.verdicts:
            for channel, reason in verdict.withheld.items():
                if channel not in channels:
                    withheld.setdefault(channel, (verdict, reason))
        for (channel, endpoint_key), verdict in sorted(targets.items(), key=_bell_first):
            row = {**self._delivery(message, channel, verdict), "endpoint_key": endpoint_key}
            if (channel, endpoint_key) != (DESKTOP, Delivery.OWN):
                yield row
            # The bell shows in the first message how the visit went on.
            elif message.membership_id not in self._has_bell and not message.summary_of:
                yield row | self._in_inbox
        for channel, (verdict, reason) in sorted(withheld.items()):
            yield {
                **self._delivery(message, channel, verdict),
                "state": Delivery.State.SUPPRESSED.value,
                "reason": reason.value,
                "done_at": self._now,
            }

    def _delivery(self, message: DecidedMessage, channel: str, verdict: Verdict) -> dict[str, Any]:
        public_id = uuid.uuid4()
        return {
            # SQLite keeps a UUID as 32 digits, PostgreSQL takes them as well.
            "public_id": public_id.hex,
            "account_id": message.account_id,
            "notification_id": message.notification_id,
            "channel": channel,
            "endpoint_key": Delivery.OWN,
            "replay": 0,
            "topic": _topic(message, verdict),
            "state": Delivery.State.PENDING.value,
            "reason": "",
            "detail": "",
            "not_before": self._due(message, channel, verdict),
            "starts": 0,
            "failures": 0,
            "created_at": self._now,
            "done_at": None,
        }

    def _due(self, message: DecidedMessage, channel: str, verdict: Verdict) -> datetime:
        topic = _topic(message, verdict)
        if channel == EMAIL and waits_for_chat(message.person, topic):
            return self._now + CHAT_PATIENCE
        # Since it came: a clock a blink ahead of the database's delays nothing.
        return self._due_at or message.case.activity.ready_at


def _topic(message: DecidedMessage, verdict: Verdict) -> str:
    return DELIVERY_PROBLEMS if message.is_notice else topic_of(verdict.kind, verdict.part)


def _bell_first(row: tuple[tuple[str, str], Verdict]) -> tuple[str, bool]:
    (channel, endpoint_key), _verdict = row
    return channel, endpoint_key != Delivery.OWN


def _targets(message: DecidedMessage, verdict: Verdict) -> Iterable[tuple[str, str]]:
    """Yield channel and endpoint of each delivery that the verdict asks for."""
    for channel in verdict.channels:
        if channel == EMAIL:
            yield channel, Delivery.OWN
        else:
            for key in endpoints_for(message.person, channel, _topic(message, verdict)):
                yield channel, key


def _reasons(message: DecidedMessage) -> Iterable[dict[str, Any]]:
    """Whose lead, client or deal it is; only for what is told (R61)."""
    for verdict in message.verdicts:
        for deal_id in verdict.deal_ids or (None,):
            yield {
                "notification_id": message.notification_id,
                "kind": verdict.kind,
                "part": verdict.part.value,
                "absent_id": verdict.absent_by_deal.get(deal_id or 0, verdict.absent_id),
                "unseen_hours": verdict.unseen_hours,
                "lead_id": verdict.registration_id if verdict.kind == LEAD else None,
                "client_id": verdict.registration_id if verdict.kind == CLIENT else None,
                "deal_id": deal_id,
            }
