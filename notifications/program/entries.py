"""What a program file says, read and checked: one frozen row for each entry.

`values` hold only what the file mentions: what it does not mention stays as it is stored.
`place` is where the entry stands in the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Values = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class UserEntry:
    """`values` belong to the person, `member_values` to the place in this account."""

    place: str
    email: str
    values: Values
    member_values: Values
    password: str | None
    # (channel, topic or switch) → on; only cells that the file mentions.
    preferences: Mapping[tuple[str, str], bool]


@dataclass(frozen=True, kw_only=True)
class CommunicationEntry:
    """`recipient` None with `names_recipient`: nobody is to be told."""

    place: str
    values: Values
    names_recipient: bool
    recipient: str | None


@dataclass(frozen=True, kw_only=True)
class RegistrationEntry:
    """A lead or a client, identified by its domain within the account."""

    place: str
    domain: str
    values: Values


@dataclass(frozen=True, kw_only=True)
class AccountEntry:
    place: str
    slug: str
    values: Values
    users: tuple[UserEntry, ...]
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
