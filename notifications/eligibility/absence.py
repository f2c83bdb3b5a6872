"""Who is away: the bell fills, nothing else; and who is told meanwhile."""

from __future__ import annotations

from dataclasses import replace

from notifications.eligibility.channels import is_reached
from notifications.eligibility.facts import Person
from notifications.topics import CO_SELLING, LEAD_ACTIVITY


def is_missed(person: Person, topic: str) -> bool:
    """Whether the topic would get to somebody by itself, were they not away."""
    return person.away is not None and is_reached(replace(person, away=None), topic)


def deputy_for(absent: Person | None, deputy: Person | None, topic: str) -> Person | None:
    """Return who is told what the absent one would be; None: nobody. `deputy`: as they named.

    No chain: the deputy of a deputy is not asked.
    """
    if absent is None or deputy is None or not absent.active or not is_missed(absent, topic):
        return None
    return deputy if may_deputise(absent, deputy) else None


def may_deputise(absent: Person, deputy: Person) -> bool:
    """Whether the one whom somebody has named can stand in at all, whatever they wish."""
    able = deputy.active and deputy.away is None and deputy.account_id == absent.account_id
    return able and deputy.membership_id != absent.membership_id


def not_covered(absent: Person, deputy: Person) -> tuple[str, ...]:
    """Return the topics that get to the absent one by themselves when they are there, and not to
    their deputy."""
    able, there = may_deputise(absent, deputy), replace(absent, away=None)
    return tuple(
        topic
        for topic in (LEAD_ACTIVITY, CO_SELLING)
        if is_reached(there, topic) and not (able and is_reached(deputy, topic))
    )
