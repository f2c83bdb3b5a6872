"""What a program file says, read and checked: one frozen row for each entry.

`values` hold only what the file mentions: what it does not mention stays as it is stored.
`place` is where the entry stands in the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

Values = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class ProfileEntry:
    """`cells` and `locks`: only what the file mentions. `is_default` None: not mentioned."""

    place: str
    name: str
    is_default: bool | None
    cells: Mapping[tuple[str, str], bool]
    locks: Mapping[tuple[str, str], bool]


@dataclass(frozen=True, kw_only=True)
class WhenEntry:
    """`paces` by channel. `quiet` None with `names_quiet`: no quiet hours."""

    paces: Mapping[str, Values]
    names_quiet: bool
    quiet: Values | None


@dataclass(frozen=True, kw_only=True)
class AwayEntry:
    """`deputy`: an e-mail; None: nobody."""

    place: str
    begins: date
    ends: date
    deputy: str | None


@dataclass(frozen=True, kw_only=True)
class UserEntry:
    """`values` belong to the person, `member_values` to the place in this account.

    `profile` None with `names_profile`: none of their own. `unsubscribed`: topics.
    """

    place: str
    email: str
    values: Values
    member_values: Values
    password: str | None
    # (channel, topic or switch) → on; only cells that the file mentions.
    preferences: Mapping[tuple[str, str], bool]
    unsubscribed: tuple[str, ...]
    names_profile: bool
    profile: str | None
    when: WhenEntry | None
    # None with `names_away`: not away.
    names_away: bool = False
    away: AwayEntry | None = None


@dataclass(frozen=True, kw_only=True)
class AdditionalEntry:
    """`email` None: whoever looks after the lead. `triggers`: the only ones; none: all."""

    place: str
    email: str | None
    triggers: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class CommunicationEntry:
    """`people`: e-mail by what the file names, recipient or backup; None: nobody.

    `additional` None: not mentioned.
    """

    place: str
    values: Values
    people: Mapping[str, str | None]
    additional: tuple[AdditionalEntry, ...] | None


@dataclass(frozen=True, kw_only=True)
class RegistrationEntry:
    """A lead or a client, identified by its domain within the account.

    `owner` None with `names_owner`: nobody looks after the lead.
    """

    place: str
    domain: str
    values: Values
    names_owner: bool = False
    owner: str | None = None


@dataclass(frozen=True, kw_only=True)
class AccountEntry:
    place: str
    slug: str
    values: Values
    users: tuple[UserEntry, ...]
    profiles: tuple[ProfileEntry, ...]
    communication: CommunicationEntry | None
    leads: tuple[RegistrationEntry, ...]
    clients: tuple[RegistrationEntry, ...]


@dataclass(frozen=True, kw_only=True)
class ContactEntry:
    """`unlinked`: explicitly not of this company, whatever the e-mail's domain (R41)."""

    place: str
    email: str
    name: str | None
    unlinked: bool


@dataclass(frozen=True, kw_only=True)
class CompanyEntry:
    place: str
    domain: str
    values: Values
    names_owner: bool
    owner: str | None
    contacts: tuple[ContactEntry, ...]


@dataclass(frozen=True, kw_only=True)
class DealEntry:
    """`team` and `shares` None: not mentioned. A None in `shares` keeps a place free."""

    place: str
    name: str
    company: str
    values: Values
    archived: bool | None
    names_owner: bool
    owner: str | None
    team: tuple[str, ...] | None
    shares: tuple[str | None, ...] | None


@dataclass(frozen=True, kw_only=True)
class TriggerEntry:
    place: str
    key: str
    values: Values


@dataclass(frozen=True, kw_only=True)
class Program:
    vendor: Values | None = None
    accounts: tuple[AccountEntry, ...] = ()
    companies: tuple[CompanyEntry, ...] = ()
    deals: tuple[DealEntry, ...] = ()
    triggers: tuple[TriggerEntry, ...] = ()
