"""What a member wishes in one cell of the Notifications page, and who says so (R73, R74).

A cell is a channel and a key: a topic, or a switch of that channel. Whatever asks for a
wish asks `Wishes`: the rules, the pages, the explanations.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from notifications.channels import DESKTOP, EMAIL, MOBILE
from notifications.reasons import Reason
from notifications.topics import default_of

Cell = tuple[str, str]

# A browser asks its user alone (R74), and who may read names on a screen only its owner knows.
OWN_ONLY = frozenset(
    {(DESKTOP, "browser"), (DESKTOP, "names"), (MOBILE, "enabled"), (MOBILE, "names")}
)


class Source(StrEnum):
    """Who says so: the product, the account's profile, the member, the account for good."""

    DEFAULT = "default"
    PROFILE = "profile"
    OWN = "own"
    LOCKED = "locked"


class Wish(NamedTuple):
    is_on: bool
    source: Source


@dataclass(frozen=True, kw_only=True, slots=True)
class Profile:
    """What an account sets for some of its members. `cells` holds only what it says;
    `locked`: those in which a member cannot differ."""

    name: str
    cells: Mapping[Cell, bool] = field(default_factory=dict)
    locked: frozenset[Cell] = frozenset()

    def changed(self, name: str, cells: Mapping[Cell, bool], locks: Mapping[Cell, bool]) -> Profile:
        """Return the profile with these cells set, and these locked or unlocked; it says only
        what differs from the default or is locked."""
        said = {**self.cells, **cells}
        locked = self.locked | {cell for cell, on in locks.items() if on}
        locked -= {cell for cell, on in locks.items() if not on}
        said = {cell: default_of(*cell) for cell in locked} | said
        return Profile(
            name=name,
            cells={c: on for c, on in said.items() if c in locked or on != default_of(*c)},
            locked=frozenset(locked),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Wishes:
    """A member's own `choices`, sparse, upon the profile that the account gave them.

    `unsubscribed`: choices made by the link in an e-mail. They hold against a lock as well:
    who unsubscribes and still gets mail calls it spam, and then nothing arrives any more.
    """

    choices: Mapping[Cell, bool] = field(default_factory=dict)
    profile: Profile | None = None
    unsubscribed: frozenset[Cell] = frozenset()

    def wish(self, channel: str, key: str) -> Wish:
        cell = channel, key
        inherited = self.inherited(channel, key)
        if cell not in self.choices:
            return inherited
        if inherited.source == Source.LOCKED and cell not in self.unsubscribed:
            return inherited
        return Wish(self.choices[cell], Source.OWN)

    def inherited(self, channel: str, key: str) -> Wish:
        """Return what holds without the member's own choice."""
        cell = channel, key
        profile = self.profile
        if profile is None or cell in OWN_ONLY or cell not in profile.cells:
            return Wish(default_of(channel, key), Source.DEFAULT)
        return Wish(
            profile.cells[cell], Source.LOCKED if cell in profile.locked else Source.PROFILE
        )

    def is_on(self, channel: str, key: str) -> bool:
        return self.wish(channel, key).is_on

    def switched_on(self, channel: str, switch: str) -> bool:
        return self.is_on(channel, switch)

    def ticked(self, channel: str, topic: str) -> bool:
        return self.is_on(channel, topic)

    def is_locked(self, channel: str, key: str) -> bool:
        return self.wish(channel, key).source == Source.LOCKED

    def differing(self) -> Iterator[Cell]:
        """Yield the cells in which the member's choice is not what holds without it; those
        that are anyway the member's alone are left out."""
        for cell in self.choices.keys() - OWN_ONLY:
            wish = self.wish(*cell)
            if wish.source == Source.OWN and wish.is_on != self.inherited(*cell).is_on:
                yield cell


def profile_behind(wishes: Wishes, reason: Reason, topic: str) -> str:
    """Return the name of the profile that an "off" comes from; empty: it is the member's own."""
    cell = {Reason.EMAIL_OFF: (EMAIL, "enabled"), Reason.TOPIC_OFF: (EMAIL, topic)}.get(reason)
    if cell is None or wishes.profile is None:
        return ""
    wish = wishes.wish(*cell)
    from_profile = not wish.is_on and wish.source in (Source.PROFILE, Source.LOCKED)
    return wishes.profile.name if from_profile else ""
