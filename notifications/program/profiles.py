"""Notification profiles in a program file: who has which stands with the users."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from accounts.models import Account, Membership
from notifications import eligibility
from notifications.eligibility import OWN_ONLY
from notifications.facts.wishes import as_profile
from notifications.models import Profile, ProfileCell, ProfileMember
from notifications.program.cells import dump_cells, read_cells
from notifications.program.entries import ProfileEntry, Program, UserEntry
from notifications.program.reading import Node
from notifications.program.rows import fetch, update, write
from notifications.program.summary import Change, Summary
from notifications.text import plain


def read_profile(node: Node) -> ProfileEntry | None:
    node.allow("name", "default", "preferences", "locked")
    name = node.required("name", node.text("name", 60))
    if plain(name) != name:
        node.refuse("name", "must be one line without control characters.")
    cells, locks = (dict(read_cells(node.child(key))) for key in ("preferences", "locked"))
    for channel, key in sorted(OWN_ONLY & (cells.keys() | locks.keys())):
        node.refuse("preferences", f"{channel}.{key} can be chosen by the member only.")
    is_default = node.flag("default")
    if not name:
        return None
    return ProfileEntry(
        place=node.place, name=name, is_default=is_default, cells=cells, locks=locks
    )


class ProfilesImport:
    """The profiles of the file's accounts, stored and new, and who has which."""

    def __init__(self, program: Program, accounts: Mapping[str, Account]) -> None:
        self._program = program
        self._accounts = accounts
        ids = [account.pk for account in accounts.values()]
        self._rows: dict[int, dict[str, Profile]] = defaultdict(dict)
        for row in fetch(Profile.objects.prefetch_related("cells"), "account_id", ids):
            self._rows[row.account_id][row.name] = row
        places = fetch(ProfileMember.objects.all(), "profile__account_id", ids)
        self._places = {place.membership_id: place for place in places}
        self._said = {
            row.pk: as_profile(row) for rows in self._rows.values() for row in rows.values()
        }

    def run(self, summary: Summary) -> None:
        for account in self._program.accounts:
            rows = self._rows[self._accounts[account.slug].pk]
            for entry in account.profiles:
                if entry.is_default:  # One at a time: the other one first.
                    for other in rows.values():
                        if other.name != entry.name:
                            update(other, {"is_default": False})
            for entry in account.profiles:
                summary.add("profiles", self._import(self._accounts[account.slug], entry))

    def _import(self, account: Account, entry: ProfileEntry) -> Change:
        rows = self._rows[account.pk]
        new = Profile(account=account, name=entry.name)
        values = {} if entry.is_default is None else {"is_default": entry.is_default}
        row, change = write(rows.get(entry.name), new, values)
        rows[entry.name] = row
        before = self._said.get(row.pk, eligibility.Profile(name=row.name))
        after = before.changed(row.name, entry.cells, entry.locks)
        self._said[row.pk] = after
        if after == before:
            return change
        ProfileCell.objects.filter(profile=row).delete()
        ProfileCell.objects.bulk_create(
            ProfileCell(
                profile=row, channel=channel, key=key, is_on=on, is_locked=cell in after.locked
            )
            for cell, on in sorted(after.cells.items())
            for channel, key in (cell,)
        )
        return change.joined(changed=True)

    def give(self, member: Membership, entry: UserEntry) -> bool:
        """Give the member what the file says, if anything; tell whether that is new."""
        if not entry.names_profile:
            return False
        place = self._places.get(member.pk)
        if entry.profile is None:
            if place:
                place.delete()
                del self._places[member.pk]
            return place is not None
        new = ProfileMember(membership=member)
        row = self._rows[member.account_id][entry.profile]
        self._places[member.pk], change = write(place, new, {"profile_id": row.pk})
        return change is not Change.SAME

    def of(self, member: Membership) -> eligibility.Profile | None:
        if place := self._places.get(member.pk):
            return self._said[place.profile_id]
        rows = self._rows[member.account_id].values()
        return next((self._said[row.pk] for row in rows if row.is_default), None)


def dump_profile(row: Profile) -> dict[str, Any]:
    """`cells` must be prefetched."""
    said = as_profile(row)
    document: dict[str, Any] = {"name": row.name}
    if row.is_default:
        document["default"] = True
    if said.cells:
        document["preferences"] = dump_cells(said.cells)
    if said.locked:
        document["locked"] = dump_cells(dict.fromkeys(said.locked, True))
    return document
