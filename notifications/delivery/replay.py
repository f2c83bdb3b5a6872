"""Send again: a new row with the same public id. What was final stays as it was.

Right before the send the same rules are asked as for any other delivery, so nothing goes to
who must not be told any more. docs/decisions/0009-sending-again.md.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.audit import record_change
from accounts.models import Account, Membership, User
from notifications.again import MOST, PER_SECOND
from notifications.audit import person_in_words
from notifications.channels import DESKTOP, EMAIL
from notifications.doorbell import ring_after_commit
from notifications.facts.batch import lock_accounts
from notifications.facts.people import EmailCounts
from notifications.models import Attempt, Delivery, DeliveryQuerySet, Endpoint
from notifications.reasons import Reason
from partners.bulk import insert_rows

RANGE = timedelta(days=30)

# What was withheld or cancelled was decided so; sending it again would be another decision.
REPEATABLE = (
    Delivery.State.DEAD,
    Delivery.State.EXPIRED,
    Delivery.State.UNKNOWN,
    Delivery.State.DELIVERED,
)
GIVEN_UP = "the outcome is unknown; it was sent again"


class NotSentAgainError(Exception):
    """It is not sent again; `words` say why, for the person who asked."""

    def __init__(self, words: str = "") -> None:
        self.words = words or _("It has been sent again already, or cannot be sent again.")
        super().__init__(self.words)


def repeatable(rows: DeliveryQuerySet) -> DeliveryQuerySet:
    """Keep what can be sent again: neither what was since, nor what lies in an inbox."""
    in_inbox = Q(channel=DESKTOP, endpoint_key=Delivery.OWN, state=Delivery.State.DELIVERED)
    return rows.current().filter(state__in=REPEATABLE).exclude(in_inbox)


def missed(endpoint: Endpoint) -> DeliveryQuerySet:
    """Return what did not arrive at the endpoint: failed, or withheld while it was off.

    Its owner may have both again; whether something arrived is `undecided`.
    """
    withheld = Q(state=Delivery.State.SUPPRESSED, reason=Reason.SUPPRESSED_ADDRESS)
    failed = Q(state__in=(Delivery.State.DEAD, Delivery.State.EXPIRED))
    return _to(endpoint).filter(withheld | failed)


def undecided(endpoint: Endpoint) -> DeliveryQuerySet:
    """Return what may have arrived at an endpoint that never gets anything twice."""
    return _to(endpoint).filter(state=Delivery.State.UNKNOWN)


def _to(endpoint: Endpoint) -> DeliveryQuerySet:
    ended = Delivery.objects.filter(
        channel=endpoint.channel,
        endpoint_key=endpoint.key,
        # The states of the partial index.
        state__in=("dead", "unknown", "suppressed", "expired"),
    )
    return ended.exclude(endpoint_key=Delivery.OWN).current()


@transaction.atomic
def replay(delivery: Delivery, *, actor: User) -> Delivery:
    """Send one delivery again and write down who wanted it. Raises NotSentAgainError."""
    rows = Delivery.objects.filter(pk=delivery.pk)
    now = _lock({delivery.account_id})
    again = _repeat(repeatable(rows), [now])
    if not again:
        raise NotSentAgainError(_limit() if repeatable(rows).exists() else "")
    record_change(
        delivery.account,
        actor=actor,
        action="deliveries.send_again",
        subject=person_in_words(delivery.notification.membership),
        old=f"{delivery.channel} {delivery.state}",
        new=str(delivery.public_id),
    )
    return Delivery.objects.get(pk=again[0])


def _limit() -> str:
    return _("The daily limit of e-mails for this topic was reached. Try again tomorrow.")


# --- Many at once ---------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Preview:
    """What `replay_range` would send again: the oldest `count`, of `people` people.

    `last_id` is the newest of them; what fails after the preview is not part of it.
    """

    count: int
    people: int
    oldest: datetime
    newest: datetime
    last_id: int
    is_all: bool

    @property
    def lasts(self) -> timedelta:
        return timedelta(seconds=self.count / PER_SECOND)


def preview(rows: DeliveryQuerySet) -> Preview | None:
    """Return what would be sent again, or None for nothing. 1 query.

    `rows`: of those that are `repeatable`, `missed` or `undecided`.
    """
    found = list(
        _range(rows).values_list("pk", "created_at", "notification__membership")[: MOST + 1]
    )
    if not found:
        return None
    chosen = found[:MOST]
    times = [at for _pk, at, _member in chosen]
    return Preview(
        count=len(chosen),
        people=len({member for _pk, _at, member in chosen}),
        oldest=min(times),
        newest=max(times),
        last_id=chosen[-1][0],
        is_all=len(found) <= MOST,
    )


@transaction.atomic
def replay_range(
    rows: DeliveryQuerySet,
    *,
    actor: User,
    account: Account | None,
    what: str,
    per_second: int = PER_SECOND,
) -> int:
    """Send the oldest of `rows` again, spread over time, and return how many.

    `rows` as in `preview`. `what` says in words which they are, `account` whose: None, of
    several accounts.
    """
    account_ids = set(_range(rows).order_by().values_list("account", flat=True).distinct())
    now = _lock(account_ids)
    first = _after_earlier_ones(now, per_second)
    times = (first + timedelta(seconds=n / per_second) for n in range(MOST))
    # What failed since in another account may be on its way by somebody else.
    again = _repeat(_range(rows).filter(account__in=account_ids)[:MOST], times)
    record_change(
        account,
        actor=actor,
        action="deliveries.send_all_again",
        subject=what,
        old="",
        new=str(len(again)),
    )
    return len(again)


def _range(rows: DeliveryQuerySet) -> DeliveryQuerySet:
    return rows.filter(created_at__gte=timezone.now() - RANGE).order_by("pk")


def _after_earlier_ones(now: datetime, per_second: int) -> datetime:
    """Return when as many are through as wait already: two ranges do not go at once.

    Not when the last of them is due: what an endpoint has put off may be that for a day.
    """
    waiting = Delivery.objects.filter(state=Delivery.State.PENDING, replay__gt=0, starts=0)
    return now + timedelta(seconds=waiting.count() / per_second)


# --- The new rows -----------------------------------------------------------------------


def _lock(account_ids: set[int]) -> datetime:
    """Let nobody else send the same again, nor count e-mails, until commit.

    Returns the database's time.
    """
    lock_accounts(account_ids)
    now = Account.objects.filter(pk__in=account_ids).values_list(Now(), flat=True).first()
    return now or timezone.now()


def _repeat(rows: QuerySet[Delivery], times: Iterable[datetime]) -> list[int]:
    """Write a pending row for each, due at these times; the daily limit holds (R71)."""
    chosen = _within_daily_limit(list(rows.select_related("notification")))
    _give_up([row.pk for row in chosen if row.state == Delivery.State.UNKNOWN])
    pairs = zip(chosen, times, strict=False)
    written = insert_rows(
        Delivery, [_again(row, not_before) for row, not_before in pairs], returning=("id",)
    )
    for channel in sorted({row.channel for row in chosen}):
        ring_after_commit(channel)
    return [pk for (pk,) in written]


def _again(row: Delivery, not_before: datetime) -> dict[str, Any]:
    return {
        "public_id": row.public_id.hex,
        "account_id": row.account_id,
        "notification_id": row.notification_id,
        "channel": row.channel,
        "endpoint_key": row.endpoint_key,
        "replay": row.replay + 1,
        "topic": row.topic,
        "state": Delivery.State.PENDING.value,
        "reason": "",
        "detail": "",
        "not_before": not_before,
        "starts": 0,
        "failures": 0,
        "created_at": timezone.now(),
    }


def _within_daily_limit(rows: list[Delivery]) -> list[Delivery]:
    members = Membership.objects.filter(pk__in={row.notification.membership_id for row in rows})
    counts = EmailCounts(members.select_related("user"), timezone.now())
    chosen = []
    for row in rows:
        member = row.notification.membership_id
        if row.channel == EMAIL:
            if row.topic in counts.capped_topics(member):
                continue
            counts.add(member, row.topic)
        chosen.append(row)
    counts.save()
    return chosen


def _give_up(ids: list[int]) -> None:
    """End what nobody could tell: its outcome stays unknown, the replay decides."""
    unknown = Delivery.objects.filter(pk__in=ids, state=Delivery.State.UNKNOWN)
    Attempt.objects.filter(delivery__in=ids, outcome="").update(
        ended_at=Now(), outcome=Attempt.Outcome.UNKNOWN, detail=GIVEN_UP
    )
    unknown.update(state=Delivery.State.DEAD, detail=GIVEN_UP, done_at=Now())
