"""What belongs to one visit of a person, when it has ended, and whether it is worth a summary.

A visit begins with what somebody is told, and goes on until nothing came for a while (`pause`).
The order in which its steps arrive changes nothing about it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from notifications.reasons import Reason

# A summary says more than the line under the notification from so many further steps on.
FURTHER_STEPS = 3
# Held back because the like of it was told before. Who has switched e-mail off reads that first.
REPEATED = frozenset(
    {Reason.COOLDOWN, Reason.ALREADY_SIGNED_UP, Reason.EMAIL_OFF, Reason.TOPIC_OFF}
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """An activity in a visit. `is_told`: somebody gets a message about it; `strength`: how much
    its trigger says (triggers.py), 0 without one."""

    activity_id: int
    at: datetime
    is_page: bool
    is_told: bool = False
    strength: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Course:
    """A visit so far. `pages`: how many of the steps are views of a page; `strength`: of the
    strongest step."""

    first_id: int
    last_id: int
    started_at: datetime
    last_at: datetime
    steps: int
    pages: int
    strength: int

    @property
    def further(self) -> int:
        return self.steps - 1

    @property
    def only_pages(self) -> bool:
        return self.pages == self.steps

    @property
    def lasted(self) -> timedelta:
        return self.last_at - self.started_at

    @property
    def deserves_summary(self) -> bool:
        return self.further >= FURTHER_STEPS


def begin(step: Step) -> Course:
    return Course(
        first_id=step.activity_id,
        last_id=step.activity_id,
        started_at=step.at,
        last_at=step.at,
        steps=1,
        pages=int(step.is_page),
        strength=step.strength,
    )


def belongs(course: Course, step: Step, pause: timedelta) -> bool:
    """Whether the step is part of the visit. What came before its beginning, and is heard of
    late, is so only if it is told itself: a visit begins with what is told."""
    since = course.started_at - pause if step.is_told else course.started_at
    return since <= step.at <= course.last_at + pause


def after(course: Course, step: Step) -> Course:
    """Return the visit with the step, which belongs to it."""
    course = replace(
        course,
        steps=course.steps + 1,
        pages=course.pages + step.is_page,
        strength=max(course.strength, step.strength),
    )
    if step.at < course.started_at:
        return replace(course, first_id=step.activity_id, started_at=step.at)
    if step.at >= course.last_at:
        return replace(course, last_id=step.activity_id, last_at=step.at)
    return course


def is_news(course: Course, step: Step, quiet: Reason) -> bool:
    """Whether a step that is not told says more than all before: who has read of the visit may
    want to look again. `quiet`: why a member is not told."""
    return not step.is_told and quiet in REPEATED and step.strength > course.strength
