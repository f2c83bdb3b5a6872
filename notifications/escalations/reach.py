"""Whether escalation would reach anybody, as things are now: the rules, asked in advance."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum

from notifications.eligibility import LEAD, Asked, Matter, Person, Step, decide_step, stand_in
from notifications.escalations.people import StepMembers, candidates
from notifications.facts.people import load_people
from notifications.models import CommunicationSettings


class Reach(Enum):
    NOBODY = "nobody"  # No step concerns anybody who would not have it already.
    NOBODY_NOW = "nobody now"  # They have switched it off, are away, or get nothing.
    SOMEBODY = "somebody"


def reach_of(communication: CommunicationSettings, beside: Iterable[int]) -> Reach:
    """Return whom the steps would tell of a lead, if nobody looks. `beside`: members who are
    told of every action anyway. 1 query; about 9, if a step concerns anybody.

    `recipient` must be selected with `user` and `account`.
    """
    account_id, recipient = communication.account_id, communication.recipient
    members = list(candidates([account_id]))
    if not members:
        return Reach.NOBODY
    people = load_people({*members, *([recipient] if recipient else ())})
    steps = StepMembers(members, {account_id: communication})
    has = _first_hand(communication, people) | set(beside)
    verdicts = [
        verdict
        for step in Step
        for verdict in decide_step(
            Matter(LEAD, 0),
            _asked(steps.of(step, account_id), people, has),
            communication.escalate_after,
        )
    ]
    if not verdicts:
        return Reach.NOBODY
    return Reach.SOMEBODY if any(verdict.send for verdict in verdicts) else Reach.NOBODY_NOW


def _asked(members: Iterable[int], people: Mapping[int, Person], has: Iterable[int]) -> Asked:
    return Asked(people=tuple(people[pk] for pk in members if pk in people), has=frozenset(has))


def _first_hand(communication: CommunicationSettings, people: Mapping[int, Person]) -> set[int]:
    """Return who is told of a lead's action first."""
    if not communication.receive_lead_activity:
        return set()
    recipient = people.get(communication.recipient_id or 0)
    instead = stand_in(recipient, people.get(communication.backup_id or 0))
    return {person.membership_id for person in (recipient, instead) if person}
