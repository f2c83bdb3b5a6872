"""A batch of activities → decisions, notifications and deliveries, in one transaction.

A constant number of queries per batch. A worker that dies leaves nothing half done: the
activities stay pending and the next worker takes them.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from django.db import OperationalError, connection, transaction
from django.db.models import Q
from django.utils import timezone

from notifications.doorbell import ring_after_commit
from notifications.eligibility import (
    CLIENT,
    LEAD,
    Verdict,
    decide_deal_sign_up,
    decide_lead_activity,
    topic_of,
    why_nobody,
)
from notifications.facts.batch import Facts
from notifications.facts.cases import Case
from notifications.facts.triggers import match_triggers
from notifications.models import (
    DealSignUp,
    Decision,
    Delivery,
    Notification,
    NotificationReason,
)
from notifications.notices import Notice, load_notices
from notifications.reasons import Reason
from notifications.topics import DELIVERY_PROBLEMS
from partners.bulk import insert_rows
from partners.models import Activity

BATCH_SIZE = 1_000
# An activity that fails alone is tried again after these pauses, then set aside.
RETRY_PAUSES = (
    timedelta(seconds=1),
    timedelta(seconds=10),
    timedelta(minutes=1),
    timedelta(minutes=10),
)
PROBLEM_LENGTH = 1_000

log = logging.getLogger(__name__)


def evaluate_due(limit: int = BATCH_SIZE) -> int:
    """Evaluate up to `limit` pending activities and return how many were taken.

    Rings the lanes of the deliveries it wrote. An activity that cannot be evaluated does
    not stop its batch: it is tried again alone, and set aside after five failures.
    """
    try:
        with transaction.atomic():
            activities = _claim(limit)
            evaluate_at(activities, timezone.now())
            return len(activities)
    except OperationalError:
        raise  # The database, not an activity: whoever looks next tries again.
    except Exception:
        log.exception("A batch could not be evaluated; its activities are tried one by one")
    return _evaluate_one_by_one(limit)


def _due() -> Q:
    return Q(state=Activity.State.PENDING) & (
        Q(not_before=None) | Q(not_before__lte=timezone.now())
    )


def has_due() -> bool:
    return Activity.objects.filter(_due()).exists()


def _claim(limit: int) -> list[Activity]:
    features = connection.features
    rows = Activity.objects.filter(_due()).order_by("pk")
    if features.has_select_for_update:
        rows = rows.select_for_update(
            of=("self",),
            no_key=True,
            skip_locked=features.has_select_for_update_skip_locked,
        )
    return list(rows.select_related("contact")[:limit])


def _evaluate_one_by_one(limit: int) -> int:
    taken = 0
    for pk in list(
        Activity.objects.filter(_due()).order_by("pk").values_list("pk", flat=True)[:limit]
    ):
        try:
            with transaction.atomic():
                activities = _lock_one(pk)
                evaluate_at(activities, timezone.now())
                taken += len(activities)
        except OperationalError:
            raise
        except Exception as error:  # noqa: BLE001 - becomes a recorded problem
            _note_failure(pk, error)
    return taken


def _lock_one(pk: int) -> list[Activity]:
    rows = Activity.objects.filter(_due(), pk=pk)
    if connection.features.has_select_for_update:
        rows = rows.select_for_update(of=("self",), no_key=True, skip_locked=True)
    return list(rows.select_related("contact"))


def _note_failure(pk: int, error: Exception) -> None:
    activity = Activity.objects.get(pk=pk)
    activity.failures += 1
    activity.problem = f"{type(error).__name__}: {error}"[:PROBLEM_LENGTH]
    if activity.failures > len(RETRY_PAUSES):
        activity.state = Activity.State.QUARANTINED
    else:
        activity.not_before = timezone.now() + RETRY_PAUSES[activity.failures - 1]
    activity.save(update_fields=["failures", "problem", "state", "not_before"])
    log.error("Activity %s failed %d times: %s", pk, activity.failures, activity.problem)


def evaluate_at(activities: list[Activity], now: datetime) -> None:
    """Decide these activities as of `now` and write everything. Inside a transaction."""
    if not activities:
        return
    matched = match_triggers(activities)
    if matched:
        facts = Facts(matched, now)
        writer = _Writer(facts, now)
        decided = [(case, decide(case, facts, now)) for case in facts.cases]
        for case, verdicts in decided:
            writer.add(case, verdicts)
        for notice in load_notices((c, v) for c, verdicts in decided for v in verdicts):
            writer.add_notice(notice)
        facts.email_counts.save()
        DealSignUp.objects.bulk_create(facts.sign_ups.new, ignore_conflicts=True)
        writer.save()
    Activity.objects.filter(pk__among=[activity.pk for activity in activities]).update(
        state=Activity.State.EVALUATED, evaluated_at=now
    )


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


@dataclass(kw_only=True)
class _Message:
    """What one member gets about one activity: verdicts of one or two kinds (R61)."""

    case: Case
    account_id: int
    membership_id: int
    dedupe_key: str
    endpoints: Mapping[str, tuple[str, ...]]
    verdicts: list[Verdict] = field(default_factory=list)
    is_notice: bool = False
    notification_id: int = 0  # Known once its row is written.


class _Writer:
    """Collect the rows of a batch, then write each table with one statement."""

    def __init__(self, facts: Facts, now: datetime, *, dedupe: str = "activity") -> None:
        self._facts = facts
        self._now = now
        self._dedupe = dedupe
        self._decisions: list[tuple[dict[str, Any], _Message | None]] = []
        self._messages: list[_Message] = []

    def add(self, case: Case, verdicts: Iterable[Verdict]) -> None:
        messages: dict[int, _Message] = {}
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

    def _message(self, case: Case, verdict: Verdict) -> _Message:
        assert verdict.account_id is not None
        assert verdict.membership_id is not None
        return _Message(
            case=case,
            account_id=verdict.account_id,
            membership_id=verdict.membership_id,
            dedupe_key=f"{self._dedupe}:{case.activity.pk}",
            endpoints=self._facts.endpoints(verdict.membership_id),
        )

    def add_notice(self, notice: Notice) -> None:
        """Tell an admin that the verdict reached nobody."""
        person, verdict = notice.person, notice.verdict
        told = replace(verdict, membership_id=person.membership_id, channels=notice.channels)
        message = _Message(
            case=notice.case,
            account_id=person.account_id,
            membership_id=person.membership_id,
            dedupe_key=notice.dedupe_key,
            endpoints=person.endpoints,
            verdicts=[told],
            is_notice=True,
        )
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
            "lead_id": verdict.registration_id if verdict.kind == LEAD else None,
            "client_id": verdict.registration_id if verdict.kind == CLIENT else None,
            "deal_id": verdict.deal_ids[0] if verdict.deal_ids else None,
            "occurred_at": case.activity.occurred_at,
            "created_at": self._now,
        }

    def _write_notifications(self) -> None:
        rows = [
            {
                "account_id": message.account_id,
                "membership_id": message.membership_id,
                "activity_id": message.case.activity.pk,
                "dedupe_key": message.dedupe_key,
                "trigger": message.case.trigger.key,
                "notice": message.verdicts[0].reason.value if message.is_notice else "",
                "created_at": self._now,
            }
            for message in self._messages
        ]
        columns = ("dedupe_key", "membership_id", "id")
        written = insert_rows(Notification, rows, returning=columns)
        id_of = {(key, member_id): pk for key, member_id, pk in written}
        for message in self._messages:
            message.notification_id = id_of[message.dedupe_key, message.membership_id]

    def save(self) -> None:
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
        insert_rows(Delivery, deliveries)
        due = {d["channel"] for d in deliveries if d["state"] == Delivery.State.PENDING}
        for channel in sorted(due):
            ring_after_commit(channel)

    def _deliveries(self, message: _Message) -> Iterable[dict[str, Any]]:
        channels = {c: v for v in reversed(message.verdicts) for c in v.channels}
        withheld: dict[str, tuple[Verdict, Reason]] = {}
        for verdict in message.verdicts:
            for channel, reason in verdict.withheld.items():
                if channel not in channels:
                    withheld.setdefault(channel, (verdict, reason))
        for channel, verdict in sorted(channels.items()):
            for endpoint_key in message.endpoints.get(channel, (Delivery.OWN,)):
                yield {
                    **self._delivery(message, channel, verdict),
                    "endpoint_key": endpoint_key,
                }
        for channel, (verdict, reason) in sorted(withheld.items()):
            yield {
                **self._delivery(message, channel, verdict),
                "state": Delivery.State.SUPPRESSED.value,
                "reason": reason.value,
                "done_at": self._now,
            }

    def _delivery(self, message: _Message, channel: str, verdict: Verdict) -> dict[str, Any]:
        public_id = uuid.uuid4()
        return {
            # SQLite keeps a UUID as 32 digits, PostgreSQL takes them as well.
            "public_id": public_id.hex,
            "account_id": message.account_id,
            "notification_id": message.notification_id,
            "channel": channel,
            "endpoint_key": Delivery.OWN,
            "replay": 0,
            "topic": DELIVERY_PROBLEMS if message.is_notice else topic_of(verdict.kind),
            "state": Delivery.State.PENDING.value,
            "reason": "",
            "detail": "",
            # Due since it arrived: a clock a blink ahead of the database's delays nothing.
            "not_before": message.case.activity.received_at,
            "starts": 0,
            "failures": 0,
            "created_at": self._now,
            "done_at": None,
        }


def _reasons(message: _Message) -> Iterable[dict[str, Any]]:
    """Whose lead, client or deal it is; only for what is told (R61)."""
    for verdict in message.verdicts:
        for deal_id in verdict.deal_ids or (None,):
            yield {
                "notification_id": message.notification_id,
                "kind": verdict.kind,
                "lead_id": verdict.registration_id if verdict.kind == LEAD else None,
                "client_id": verdict.registration_id if verdict.kind == CLIENT else None,
                "deal_id": deal_id,
            }


# --- R32: the recipient is whoever is chosen at send time ------------------------------


def tell_new_recipient(old: Notification, reason: NotificationReason) -> None:
    """Decide the same activity for the recipient chosen since; same rules, own rows.

    Runs inside the transaction that cancels the old recipient's delivery.
    """
    now = timezone.now()
    row = reason.lead or reason.client
    matched = match_triggers([old.activity])
    if row is None or not matched:
        return
    facts = Facts(matched, now)
    case = facts.cases[0]
    verdicts = [
        verdict
        for verdict in decide_lead_activity(case.event, facts.registrations(case), now)
        if verdict.account_id == row.account_id and verdict.membership_id is not None
    ]
    decided = Decision.objects.filter(
        activity=old.activity, membership__in=[v.membership_id for v in verdicts]
    )
    # Chosen, replaced and chosen again: what was cancelled for that is decided anew.
    decided.filter(reason=Reason.RECIPIENT_CHANGED).delete()
    known = set(decided.values_list("membership_id", "kind"))
    fresh = [v for v in verdicts if (v.membership_id, v.kind) not in known]
    facts.remember(case, fresh)
    moves = Notification.objects.filter(activity=old.activity).count()
    writer = _Writer(facts, now, dedupe=f"moved-{moves}")
    writer.add(case, fresh)
    for notice in load_notices((case, verdict) for verdict in fresh):
        writer.add_notice(notice)
    facts.email_counts.save()
    writer.save()
