"""Whom and what a program file refers to: it must be in the file or stored already."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from allauth.account.models import EmailAddress

from accounts.models import Account, Membership, User
from notifications.models import Profile, Trigger
from notifications.program.additional import check_triggers
from notifications.program.entries import (
    AccountEntry,
    DealEntry,
    Program,
    TriggerEntry,
)
from notifications.program.errors import Problems
from notifications.triggers import BUILT_IN
from partners.models import Company, Lead


def check_references(program: Program, now: datetime, problems: Problems) -> None:
    """Report what refers to nothing, and two active registrations of one domain. 9 queries."""
    known = _Known(program)
    for account in program.accounts:
        _check_recipient(account, known, problems)
        _check_owners(account, known, problems)
        _check_profiles(account, known, problems)
        _check_deputies(account, known, problems)
    for company in program.companies:
        if company.owner and company.owner not in known.users:
            problems.add(f"{company.place}.owner", _unknown("user", company.owner))
    for deal in program.deals:
        _check_deal(deal, known, problems)
    for trigger in program.triggers:
        _check_trigger(trigger, known, problems)
    _check_addresses(program, problems)
    _check_registrations(program, now, problems)


class _Known:
    def __init__(self, program: Program) -> None:
        self.accounts = set(Account.objects.values_list("slug", flat=True))
        self.accounts |= {account.slug for account in program.accounts}
        self.members: dict[str, set[str]] = defaultdict(set)
        members = Membership.objects.present()
        for slug, email in members.values_list("account__slug", "user__email"):
            self.members[email].add(slug)
        self.users = set(User.objects.values_list("email", flat=True))
        for account in program.accounts:
            for user in account.users:
                self.members[user.email].add(account.slug)
                self.users.add(user.email)
        self.profiles: dict[str, set[str]] = defaultdict(set)
        for slug, name in Profile.objects.values_list("account__slug", "name"):
            self.profiles[slug].add(name)
        mentioned = {deal.company for deal in program.deals}
        self.companies = set(
            Company.objects.filter(domain__in=mentioned).values_list("domain", flat=True)
        )
        self.companies |= {company.domain for company in program.companies}
        self.triggers = set(Trigger.objects.values_list("key", flat=True)) | BUILT_IN.keys()
        self.triggers_with_new = self.triggers | {trigger.key for trigger in program.triggers}


def _unknown(what: str, name: str) -> str:
    return f"there is no {what} {name!r}, neither in this file nor stored."


def _check_recipient(account: AccountEntry, known: _Known, problems: Problems) -> None:
    wishes = account.communication
    if wishes is None:
        return
    for key, email in wishes.people.items():
        _check_member(account, f"{wishes.place}.{key}", email, known, problems)
    for entry in wishes.additional or ():
        _check_member(account, f"{entry.place}.user", entry.email, known, problems)
        check_triggers(entry, known.triggers_with_new, problems)


def _check_owners(account: AccountEntry, known: _Known, problems: Problems) -> None:
    for lead in account.leads:
        _check_member(account, f"{lead.place}.owner", lead.owner, known, problems)


def _check_member(
    account: AccountEntry, place: str, email: str | None, known: _Known, problems: Problems
) -> None:
    if email and account.slug not in known.members[email]:
        problems.add(place, f"{email!r} is not a user of the account {account.slug!r}.")


def _check_profiles(account: AccountEntry, known: _Known, problems: Problems) -> None:
    names = {entry.name for entry in account.profiles} | known.profiles[account.slug]
    for user in account.users:
        if user.profile is not None and user.profile not in names:
            sentence = f"the account {account.slug!r} has no profile {user.profile!r}."
            problems.add(f"{user.place}.profile", sentence)


def _check_deputies(account: AccountEntry, known: _Known, problems: Problems) -> None:
    for user in account.users:
        deputy = user.away.deputy if user.away else None
        if user.away and deputy == user.email:
            problems.add(f"{user.away.place}.deputy", "nobody is their own deputy.")
        elif user.away and deputy and account.slug not in known.members[deputy]:
            sentence = f"{deputy!r} is not a user of the account {account.slug!r}."
            problems.add(f"{user.away.place}.deputy", sentence)


def _check_deal(deal: DealEntry, known: _Known, problems: Problems) -> None:
    if deal.company not in known.companies:
        problems.add(f"{deal.place}.company", _unknown("company", deal.company))
    for index, slug in enumerate(deal.shares or ()):
        if slug is not None and slug not in known.accounts:
            problems.add(f"{deal.place}.shares[{index}]", _unknown("account", slug))
    for place, email in _people(deal):
        if email not in known.users:
            problems.add(place, _unknown("user", email))
        elif not known.members[email]:
            problems.add(place, f"{email!r} belongs to no account.")


def _people(deal: DealEntry) -> Iterator[tuple[str, str]]:
    if deal.owner:
        yield f"{deal.place}.owner", deal.owner
    for index, email in enumerate(deal.team or ()):
        yield f"{deal.place}.team[{index}]", email


def _check_trigger(trigger: TriggerEntry, known: _Known, problems: Problems) -> None:
    own = trigger.values.get("event_name") or trigger.values.get("page_path")
    if trigger.key not in known.triggers and not own:
        sentence = (
            f"there is no trigger {trigger.key!r}. One of your own needs an event_name or a "
            f"page_path; built in are {', '.join(BUILT_IN)}."
        )
        problems.add(f"{trigger.place}.key", sentence)


def _check_addresses(program: Program, problems: Problems) -> None:
    """An address is verified for one person only: nobody else may hold it as a second one."""
    places = {user.email: user.place for account in program.accounts for user in account.users}
    taken = EmailAddress.objects.filter(verified=True).values_list("email", "user__email")
    for address, owner in taken:
        email = address.lower()
        if email in places and owner != email:
            problems.add(f"{places[email]}.email", f"{email!r} is an address of {owner!r}.")


# --- One active registration of a domain --------------------------------------------


@dataclass(frozen=True)
class _Registration:
    where: str
    from_file: bool


def _check_registrations(program: Program, now: datetime, problems: Problems) -> None:
    """Refuse what would leave two active registrations of one domain."""
    domains = {lead.domain for account in program.accounts for lead in account.leads}
    stored = _stored(domains)
    active: dict[str, list[_Registration]] = defaultdict(list)
    for account in program.accounts:
        for lead in account.leads:
            row = stored.pop((account.slug, lead.domain), {})
            if _is_active({**_new(now), **row, **lead.values}, now):
                active[lead.domain].append(_Registration(lead.place, True))
    for (slug, domain), row in stored.items():
        if _is_active(row, now):
            where = f"the account {slug!r} (stored)"
            active[domain].insert(0, _Registration(where, False))
    for domain, registrations in active.items():
        for registration in registrations[1:]:
            if registration.from_file:
                first = registrations[0].where
                sentence = f"{domain!r} has an active registration already, by {first}."
                problems.add(f"{registration.where}.domain", sentence)


def _stored(domains: Collection[str]) -> dict[tuple[str, str], Mapping[str, Any]]:
    fields = ("account__slug", "domain", "status", "registered_at", "expires_at")
    found = {}
    for chunk in chunks(sorted(domains)):
        for row in Lead.objects.filter(domain__in=chunk).order_by("pk").values(*fields):
            found[row.pop("account__slug"), row.pop("domain")] = row
    return found


def _new(now: datetime) -> dict[str, Any]:
    return {"status": Lead.Status.REGISTERED, "registered_at": now, "expires_at": None}


def _is_active(lead: Mapping[str, Any], now: datetime) -> bool:
    expires_at = lead["expires_at"]
    return (
        lead["status"] == Lead.Status.REGISTERED
        and lead["registered_at"] <= now
        and (expires_at is None or now < expires_at)
    )


def chunks(values: Iterable[Any], size: int = 500) -> Iterator[list[Any]]:
    """Yield `values` in lists that fit into one statement on every database."""
    listed = list(values)
    for start in range(0, len(listed), size):
        yield listed[start : start + size]
