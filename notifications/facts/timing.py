"""The members' wishes about when they are told."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import date, datetime
from functools import cache
from zoneinfo import ZoneInfo

import holidays

from accounts.models import Membership
from notifications import timing
from notifications.models import Pace, QuietHours, Snooze
from notifications.timing import Every, Rhythm


def load_rhythms(memberships: Iterable[Membership], now: datetime) -> dict[int, Rhythm]:
    """Return a Rhythm per membership. `user` must be selected. 3 queries."""
    members = {m.pk: m for m in memberships}
    paces: dict[int, dict[str, timing.Pace]] = defaultdict(dict)
    for row in Pace.objects.filter(membership__in=members):
        paces[row.membership_id][row.channel] = as_pace(row)
    quiet = {
        q.membership_id: as_quiet(q) for q in QuietHours.objects.filter(membership__in=members)
    }
    snoozed: dict[int, dict[int | None, datetime]] = defaultdict(dict)
    for snooze in Snooze.objects.filter(membership__in=members, until__gt=now):
        snoozed[snooze.membership_id][snooze.lead_id] = snooze.until
    return {
        pk: Rhythm(
            zone=ZoneInfo(member.user.timezone),
            paces=paces.get(pk, {}),
            quiet=quiet.get(pk),
            snoozed={lead: end for lead, end in snoozed[pk].items() if lead is not None},
            muted_until=snoozed[pk].get(None),
        )
        for pk, member in members.items()
    }


def as_pace(row: Pace) -> timing.Pace:
    return timing.Pace(
        every=Every(row.every),
        at=row.at,
        weekday=row.weekday,
        at_any_hour=row.at_any_hour,
        most=row.most,
    )


def as_quiet(row: QuietHours) -> timing.QuietHours:
    return timing.QuietHours(
        begins=row.begins,
        ends=row.ends,
        working_days=frozenset(int(day) - 1 for day in row.days),
        is_holiday=_holidays_of(row.country),
    )


@cache
def _holidays_of(country: str) -> Callable[[date], bool]:
    """Return whether a day is a public holiday there; of no country, none is."""
    if country not in holidays.list_supported_countries():
        return lambda _day: False
    return holidays.country_holidays(country).__contains__
