"""Nobody has looked at it: who is told next, and what ends that.

One lead, client or deal is escalated once at a time, about the oldest activity that nobody
who was told of it has looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import IntEnum, StrEnum

from notifications.channels import EMAIL
from notifications.eligibility.channels import WITHHOLDING, channels_for, why_no_email
from notifications.eligibility.facts import DEAL, Part, Person, Verdict
from notifications.eligibility.matters import Matter
from notifications.reasons import Reason
from notifications.topics import ESCALATION

MOST_HOURS = 24


class Step(IntEnum):
    """Who is told, one after the other."""

    BACKUP = 1
    ADMINS = 2
    MANAGERS = 3  # The vendor's.


class End(StrEnum):
    """Why an escalation is over."""

    LOOKED = "looked"
    CLAIMED = "claimed"
    OFF = "off"
    NOT_ITS_OWN = "not_own"
    ALL_TOLD = "all_told"


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """One message about the matter. `looked`: its reader has read it, or seen its page."""

    activity_id: int
    membership_id: int
    at: datetime
    looked: bool
    trigger: str = ""
    first_hand: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Watch:
    """One escalation. `hours`: as the account has set, 0: off; `stands`: the matter is still the
    account's; `told`: every message about it since this began."""

    activity_id: int
    hours: int
    stands: bool = True
    claimed: bool = False
    told: tuple[Told, ...] = ()


def why_over(watch: Watch) -> End | None:
    if not watch.hours:
        return End.OFF
    if not watch.stands:
        return End.NOT_ITS_OWN
    if watch.claimed:
        return End.CLAIMED
    return End.LOOKED if is_looked_at(watch.told, watch.activity_id) else None


def is_looked_at(told: Iterable[Told], activity_id: int) -> bool:
    """Whether anybody who was told of the activity has looked. Nobody was told: nobody can."""
    about = [message for message in told if message.activity_id == activity_id]
    return not about or any(message.looked for message in about)


def next_unseen(told: Iterable[Told]) -> Told | None:
    """Return the oldest message about an activity that nobody has looked at."""
    told = list(told)
    first_hand = sorted((m for m in told if m.first_hand), key=lambda m: (m.at, m.activity_id))
    return next((m for m in first_hand if not is_looked_at(told, m.activity_id)), None)


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """Whom a step concerns. `has`: members who have the message already, first-hand;
    `escalated`: those who were told so about another lead or deal of the same activity."""

    people: tuple[Person, ...]
    has: frozenset[int] = frozenset()
    escalated: frozenset[int] = frozenset()


def decide_step(matter: Matter, asked: Asked, unseen_hours: int) -> list[Verdict]:
    """Return a verdict for everybody whom the step concerns and who does not know yet."""
    return [
        _decide(person, matter, unseen_hours)
        for person in asked.people
        if person.active and person.membership_id not in asked.has | asked.escalated
    ]


def has_told(asked: Asked, verdicts: Iterable[Verdict]) -> bool:
    """Whether the step has told somebody; if nobody, the next one need not wait."""
    known = any(person.membership_id in asked.escalated - asked.has for person in asked.people)
    return known or any(verdict.send for verdict in verdicts)


def steps_after(last: int) -> Iterator[Step]:
    return (step for step in Step if step > last)


def _decide(person: Person, matter: Matter, unseen_hours: int) -> Verdict:
    """Any channel will do: this is no lead mail to one chosen person."""
    email = why_no_email(person, ESCALATION)
    verdict = Verdict(
        kind=matter.kind,
        reason=Reason.SENT,
        account_id=person.account_id,
        membership_id=person.membership_id,
        registration_id=None if matter.kind == DEAL else matter.id,
        deal_ids=(matter.id,) if matter.kind == DEAL else (),
        channels=channels_for(person, ESCALATION),
        withheld={EMAIL: email} if email in WITHHOLDING else {},
        part=Part.ESCALATION,
        unseen_hours=unseen_hours,
    )
    if person.away:
        return replace(verdict, reason=Reason.AWAY)
    return verdict if verdict.channels else replace(verdict, reason=email or Reason.TOPIC_OFF)


def why_not_escalated(*, is_asked: bool, active: bool, is_over: bool) -> Reason | None:
    """Right before the send. `is_asked`: still one of those whom a step concerns."""
    if is_over:
        return Reason.LOOKED_AT
    if not is_asked:
        return Reason.RECIPIENT_CHANGED
    return None if active else Reason.USER_INACTIVE
