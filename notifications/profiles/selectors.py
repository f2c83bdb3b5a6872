"""What the pages of the profiles show."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.db.models import Count, Q
from django.utils.translation import gettext as _

from accounts.audit import ERASED
from accounts.models import Account, AuditEntry, Membership
from accounts.selectors import HISTORY, Change, members_of, who_changed
from notifications import eligibility
from notifications.eligibility import Cell
from notifications.forms import choice_label, place_of
from notifications.models import Profile, ProfileMember
from notifications.profiles.changes import changed_cells
from notifications.topics import default_of
from notifications.words import channel_label


@dataclass(frozen=True, kw_only=True)
class Line:
    """A profile in the list, with how many cells it sets and how many members have it."""

    profile: Profile
    cells: int
    locked: int
    members: int


def profiles_of(account: Account) -> list[Line]:
    """Return the account's profiles by name; the default one counts whom it is for. 3 queries."""
    locked = Count("cells", filter=Q(cells__is_locked=True), distinct=True)
    rows = Profile.objects.filter(account=account).annotate(
        cell_count=Count("cells", distinct=True), locked_count=locked
    )
    present = Membership.objects.active().filter(account=account)
    given = ProfileMember.objects.filter(membership__in=present)
    counts = dict(given.values_list("profile").annotate(Count("pk")))
    without = present.filter(profile_place=None).count()
    return [
        Line(
            profile=row,
            cells=row.cell_count,
            locked=row.locked_count,
            members=counts.get(row.pk, 0) + (without if row.is_default else 0),
        )
        for row in sorted(rows, key=lambda row: row.name.casefold())
    ]


def member_choices(profile: Profile) -> tuple[list[tuple[int, str]], list[int]]:
    """Return who can be given the profile, by name, and who has it. 2 queries."""
    members = members_of(profile.account)
    places = ProfileMember.objects.filter(profile__account=profile.account)
    given = {place.membership_id: place.profile for place in places.select_related("profile")}
    choices = [(m.pk, _label(m, given.get(m.pk), profile)) for m in members]
    return choices, [m.pk for m in members if given.get(m.pk) == profile]


def _label(member: Membership, given: Profile | None, profile: Profile) -> str:
    name = member.user.name_and_email
    if given is None or given == profile:
        return name
    return _("%(name)s (now: %(profile)s)") % {"name": name, "profile": given.name}


# --- What is about to change -----------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class CellChange:
    """A cell that is about to change, in words."""

    what: str
    channel: str
    old: str
    new: str


def cell_changes(before: eligibility.Profile, after: eligibility.Profile) -> list[CellChange]:
    """Return which cells differ, in the order of the page."""
    changed = sorted(changed_cells(before, after), key=lambda change: place_of(change[0]))
    return [
        CellChange(
            what=choice_label(*cell),
            channel=channel_label(cell[0]),
            old=_state_words(cell, old),
            new=_state_words(cell, new),
        )
        for cell, old, new in changed
    ]


def _state_words(cell: Cell, word: str) -> str:
    if word == "default":
        return _("on by default") if default_of(*cell) else _("off by default")
    words = {
        "on": _("on"),
        "off": _("off"),
        "locked_on": _("on, locked"),
        "locked_off": _("off, locked"),
    }
    return words[word]


# --- Change history ----------------------------------------------------------------------------


def profile_history(account: Account, name: str = "") -> list[Change]:
    """Return the last changes of the account's profiles, or of one, newest first. 1 query."""
    entries = AuditEntry.objects.filter(account=account, action__startswith="profiles.")
    if name:
        entries = entries.filter(subject=name)
    return list(_changes(entries[:HISTORY]))


def _changes(entries: Iterable[AuditEntry]) -> Iterator[Change]:
    for entry in entries:
        yield Change(at=entry.at, who=who_changed(entry), what=_what(entry))


def _what(entry: AuditEntry) -> str:
    action = entry.action.removeprefix("profiles.")
    if action == "cell":
        return _cell_words(entry)
    if action == "default":
        action = f"default_{entry.new}"
    values = {
        "profile": entry.subject,
        "old": entry.old,
        "new": _("an erased person") if entry.new in ("", ERASED) else entry.new,
    }
    sentences = {
        "created": _("Made the profile “%(profile)s”"),
        "renamed": _("Renamed the profile “%(old)s” to “%(new)s”"),
        "deleted": _("Deleted the profile “%(profile)s”"),
        "default_on": _("Profile “%(profile)s” is now for everyone without another one"),
        "default_off": _("Profile “%(profile)s” is no longer for everyone without another one"),
        "given": _("Gave the profile “%(profile)s” to %(new)s"),
        "taken": _("Took the profile “%(profile)s” from %(new)s"),
    }
    return sentences[action] % values


def _cell_words(entry: AuditEntry) -> str:
    channel, key, old = entry.old.split()
    new = entry.new.split()[-1]
    words = {
        "default": _("default"),
        "on": _("on"),
        "off": _("off"),
        "locked_on": _("required"),
        "locked_off": _("off for all"),
    }
    return _("“%(profile)s”, %(channel)s, %(what)s: %(old)s → %(new)s") % {
        "profile": entry.subject,
        "channel": channel_label(channel),
        "what": choice_label(channel, key),
        "old": words[old],
        "new": words[new],
    }
