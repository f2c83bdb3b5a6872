"""Until when a notification is put aside: by the clock on the reader's wall."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

MORNING = time(9)
_WEEK = 7


class Wait(StrEnum):
    HOUR = "hour"
    TOMORROW = "tomorrow"
    MONDAY = "monday"


LABELS: dict[Wait, str | Promise] = {
    Wait.HOUR: _("In 1 hour"),
    Wait.TOMORROW: _("Tomorrow at 9:00"),
    Wait.MONDAY: _("Monday at 9:00"),
}


@dataclass(frozen=True, kw_only=True)
class Offer:
    key: str
    label: str | Promise


def snoozed_until(wait: Wait, now: datetime) -> datetime:
    """Return when it comes back. `now`: aware, in the reader's zone, as is the answer."""
    if wait == Wait.HOUR:  # An hour that passes, also in the night when clocks change.
        return (now.astimezone(UTC) + timedelta(hours=1)).astimezone(now.tzinfo)
    ahead = 1 if wait == Wait.TOMORROW else _WEEK - now.weekday()
    return datetime.combine(now.date() + timedelta(days=ahead), MORNING, tzinfo=now.tzinfo)


def offers(now: datetime) -> list[Offer]:
    """Return what is offered now; on a Sunday, tomorrow is Monday."""
    is_sunday = now.weekday() == _WEEK - 1
    waits = [wait for wait in Wait if not (is_sunday and wait == Wait.MONDAY)]
    return [Offer(key=wait.value, label=LABELS[wait]) for wait in waits]
