"""Accounts, users and their choices: entries of a program file → rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.auth.hashers import check_password, make_password

from accounts.models import Account, Membership, User, Vendor
from notifications import eligibility
from notifications.audit import PEOPLE, in_words, record_communication
from notifications.channels import EMAIL
from notifications.endpoints.devices import forget_devices
from notifications.models import CommunicationSettings, Preference
from notifications.program.additional import import_additional, member_of
from notifications.program.entries import (
    AccountEntry,
    CommunicationEntry,
    Program,
    UserEntry,
    Values,
)
from notifications.program.profiles import ProfilesImport
from notifications.program.rows import fetch, update, write
from notifications.program.summary import Change, Summary
from notifications.program.when import import_when
from notifications.topics import default_of

ACTOR_NAME = "import_program"


def import_vendor(values: Values | None, summary: Summary) -> None:
    if values is not None:
        row = Vendor.objects.order_by("pk").first()
        _, change = write(row, Vendor(name=settings.VENDOR_NAME), values)
        summary.add("vendor", change)


def import_accounts(program: Program, summary: Summary) -> dict[str, Account]:
    """Return the accounts of the file by slug."""
    slugs = [entry.slug for entry in program.accounts]
    stored = {row.slug: row for row in fetch(Account.objects.all(), "slug", slugs)}
    found = {}
    for entry in program.accounts:
        new = Account(slug=entry.slug, name=_default_name(entry))
        found[entry.slug], change = write(stored.get(entry.slug), new, entry.values)
        summary.add("accounts", change)
    return found


def _default_name(entry: AccountEntry) -> str:
    if entry.values.get("kind") == Account.Kind.VENDOR:
        return Vendor.current().name
    return entry.slug.replace("-", " ").replace("_", " ").title()


# --- Users ------------------------------------------------------------------------


class PeopleImport:
    """Writes users, each once although several accounts may list the same person."""

    def __init__(self, program: Program, summary: Summary) -> None:
        self._summary = summary
        self._entries: dict[str, list[UserEntry]] = defaultdict(list)
        for account in program.accounts:
            for entry in account.users:
                self._entries[entry.email].append(entry)

    def run(self) -> dict[str, User]:
        """Return the users of the file by e-mail."""
        stored = {row.email: row for row in fetch(User.objects.all(), "email", self._entries)}
        users = {
            email: self._import_user(stored.get(email), email, entries)
            for email, entries in self._entries.items()
        }
        _verify(users)
        return users

    def _import_user(self, row: User | None, email: str, entries: list[UserEntry]) -> User:
        values: dict[str, Any] = {}
        for entry in entries:
            values |= entry.values
        password = next((e.password for e in reversed(entries) if e.password), None)
        if password and (row is None or not check_password(password, row.password)):
            values["password"] = make_password(password)
        elif row is None:
            values["password"] = self._first_password
        user, change = write(row, User(email=email), values)
        self._summary.add("users", change)
        return user

    @cached_property
    def _first_password(self) -> str:
        """DEMO_PASSWORD, hashed once for all; without it no password works."""
        return make_password(settings.DEMO_PASSWORD or None)


def _verify(users: Mapping[str, User]) -> None:
    """Addresses from a program file count as verified; each becomes its user's primary one."""
    stored: dict[int, list[EmailAddress]] = defaultdict(list)
    for address in fetch(EmailAddress.objects.all(), "user_id", (u.pk for u in users.values())):
        stored[address.user_id].append(address)
    for email, user in users.items():
        own = None
        for address in stored[user.pk]:
            if address.email.lower() == email:
                own = address
            else:
                update(address, {"primary": False})
        new = EmailAddress(user=user, email=email)
        write(own, new, {"verified": True, "primary": True})


# --- Memberships and preferences --------------------------------------------------

# Who was removed and stands in a file belongs to the account again, with the defaults.
_AS_NEW = {
    "removed_at": None,
    "is_active": True,
    "role": Membership.Role.MEMBER,
    "edit_partner_settings": False,
}


def import_members(
    program: Program,
    accounts: Mapping[str, Account],
    users: Mapping[str, User],
    summary: Summary,
) -> None:
    account_ids = [account.pk for account in accounts.values()]
    choices = Membership.objects.select_related("quiet_hours")
    choices = choices.prefetch_related("preferences", "paces")
    rows = fetch(choices, "account_id", account_ids)
    stored = {(row.account_id, row.user_id): row for row in rows}
    active = {row.pk for row in rows if row.is_active}
    closed: list[Membership] = []
    profiles = ProfilesImport(program, accounts)
    profiles.run(summary)
    for account_entry in program.accounts:
        account = accounts[account_entry.slug]
        for entry in account_entry.users:
            user = users[entry.email]
            new = Membership(account=account, user=user)
            row = stored.get((account.pk, user.pk))
            values = dict(entry.member_values)
            if row and not user.is_active:  # Inactive in this account already.
                values.pop("is_active", None)
            came_back = _AS_NEW if row and row.removed_at else {}
            member, change = write(row, new, {**came_back, **values})
            is_new = row is None
            given = profiles.give(member, entry)
            chosen = import_preferences(member, entry, profiles.of(member), is_new=is_new)
            timed = import_when(member, entry.when, is_new=is_new)
            summary.add("memberships", change.joined(changed=given or chosen or timed))
            if member.pk in active and not member.is_active:
                closed.append(member)
    forget_devices(closed)


def import_preferences(
    member: Membership, entry: UserEntry, profile: eligibility.Profile | None, *, is_new: bool
) -> bool:
    """Store the cells that differ from the default, or of which the member's profile says
    something; tell whether anything changed."""
    off = {(EMAIL, topic): False for topic in entry.unsubscribed}
    chosen = {**entry.preferences, **off}
    said = profile.cells if profile else {}
    rows = {} if is_new else {(p.channel, p.key): p for p in member.preferences.all()}
    changed = False
    for cell, is_on in chosen.items():
        channel, key = cell
        row = rows.get(cell)
        if is_on != default_of(channel, key) or cell in said or cell in off:
            new = Preference(membership=member, channel=channel, key=key)
            values = {"is_on": is_on}
            # A cell that is off undoes nothing that its reader asked for by link.
            if is_on or cell in off:
                values["unsubscribed"] = cell in off
            changed |= write(row, new, values)[1] is not Change.SAME
        elif row is not None:
            row.delete()
            changed |= row.is_on != is_on
    return changed


# --- Settings → Partners → Communication ------------------------------------------


def import_communication(
    program: Program, accounts: Mapping[str, Account], summary: Summary
) -> None:
    account_ids = [account.pk for account in accounts.values()]
    rows = fetch(CommunicationSettings.objects.select_related(*PEOPLE), "account_id", account_ids)
    stored = {row.account_id: row for row in rows}
    for entry in program.accounts:
        wishes = entry.communication
        if wishes and (wishes.values or wishes.people or wishes.additional is not None):
            account = accounts[entry.slug]
            summary.add("communication", _import_wishes(account, wishes, stored.get(account.pk)))


def _import_wishes(
    account: Account, entry: CommunicationEntry, row: CommunicationSettings | None
) -> Change:
    people = {key: member_of(account, email) for key, email in entry.people.items()}
    values = {**entry.values, **people}
    new = CommunicationSettings(account=account)
    before = in_words(row or new)
    stored, change = write(row, new, values)
    record_communication(stored, before, actor=None, actor_name=ACTOR_NAME)
    if entry.additional is None:
        return change
    listed = import_additional(account, entry.additional, actor_name=ACTOR_NAME)
    return change.joined(changed=listed)
