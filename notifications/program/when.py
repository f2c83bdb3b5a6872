"""Settings → When of a member in a program file: paces by channel, and quiet hours."""

from __future__ import annotations

from datetime import time
from typing import Any

from accounts.models import Membership
from notifications.channels import CHANNEL_KEYS
from notifications.limits import MOST
from notifications.models import Pace, QuietHours
from notifications.program.entries import Values, WhenEntry
from notifications.program.reading import Node
from notifications.program.rows import write
from notifications.program.summary import Change
from notifications.when.countries import COUNTRIES

QUIET = "quiet_hours"
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_DEFAULT = Pace()


def read_when(node: Node) -> WhenEntry | None:
    """Return what the file says; None: nothing."""
    node.allow(*CHANNEL_KEYS, QUIET)
    paces = {key: _pace(node.child(key)) for key in CHANNEL_KEYS if key in node}
    quiet = _quiet(node.child(QUIET))
    if not paces and QUIET not in node:
        return None
    return WhenEntry(
        paces=paces, names_quiet=QUIET in node, quiet=None if node.is_null(QUIET) else quiet
    )


def _pace(node: Node) -> Values:
    node.allow("every", "at", "weekday", "in_quiet_hours", "most_a_day")
    day = node.choice("weekday", _DAYS)
    given = _given(
        every=node.choice("every", Pace.Frequency.values),
        at=_clock(node, "at"),
        weekday=None if day is None else _DAYS.index(day),
        at_any_hour=node.flag("in_quiet_hours"),
        most=node.number("most_a_day", 1, MOST),
    )
    return given | ({"most": None} if node.is_null("most_a_day") else {})


def _quiet(node: Node) -> Values:
    node.allow("begins", "ends", "days", "country")
    return _given(
        begins=_clock(node, "begins"),
        ends=_clock(node, "ends"),
        days=_days(node),
        country="" if node.is_null("country") else node.choice("country", COUNTRIES),
    )


def _clock(node: Node, key: str) -> time | None:
    text = node.text(key, 20)
    if text is None:
        return None
    try:
        clock = time.fromisoformat(text)
    except ValueError:
        clock = None
    if clock is None or clock.tzinfo:
        node.refuse(key, f'{text!r} is not a time of day such as "08:00".')
        return None
    return clock


def _days(node: Node) -> str | None:
    listed = node.items("days")
    if listed is None:
        return None
    for index, day in enumerate(listed):
        if day not in _DAYS:
            node.refuse(f"days[{index}]", f"{day!r} is not one of {', '.join(_DAYS)}.")
    if not listed:
        node.refuse("days", "must hold at least one day: otherwise nothing would ever arrive.")
    return "".join(str(number) for number, day in enumerate(_DAYS, 1) if day in listed)


def _given(**values: object) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}


def import_when(member: Membership, entry: WhenEntry | None, *, is_new: bool) -> bool:
    """Store it; tell whether anything changed. What waits is looked at again by itself.

    `paces` and `quiet_hours` should be prefetched.
    """
    if entry is None:
        return False
    changes = []
    stored = {} if is_new else {pace.channel: pace for pace in member.paces.all()}
    for channel, values in entry.paces.items():
        new = Pace(membership=member, channel=channel)
        changes.append(write(stored.get(channel), new, values)[1])
    quiet = None if is_new else getattr(member, "quiet_hours", None)
    if entry.quiet is not None and entry.names_quiet:
        changes.append(write(quiet, QuietHours(membership=member), entry.quiet)[1])
    elif entry.names_quiet and quiet:
        quiet.delete()
        changes.append(Change.UPDATED)
    return any(change is not Change.SAME for change in changes)


def dump_when(member: Membership) -> dict[str, Any]:
    """Return what differs from a new member's: at once, and never quiet."""
    rows = {pace.channel: pace for pace in member.paces.all()}
    document = {
        key: _dump_pace(rows[key])
        for key in CHANNEL_KEYS
        if key in rows and not _is_default(rows[key])
    }
    quiet = getattr(member, "quiet_hours", None)
    if quiet:
        document[QUIET] = {
            "begins": _words(quiet.begins),
            "ends": _words(quiet.ends),
            "days": [_DAYS[int(number) - 1] for number in quiet.days],
            "country": quiet.country or None,
        }
    return document


def _is_default(pace: Pace) -> bool:
    fields = ("every", "at", "weekday", "at_any_hour", "most")
    return all(getattr(pace, name) == getattr(_DEFAULT, name) for name in fields)


def _dump_pace(pace: Pace) -> dict[str, Any]:
    return {
        "every": pace.every,
        "at": _words(pace.at),
        "weekday": _DAYS[pace.weekday],
        "in_quiet_hours": pace.at_any_hour,
    } | ({"most_a_day": pace.most} if pace.most else {})


def _words(clock: time) -> str:
    exact = bool(clock.second or clock.microsecond)
    return clock.isoformat("auto" if exact else "minutes")
