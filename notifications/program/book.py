"""Leads, clients, companies, deals and triggers: entries of a program file → rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from accounts.models import Account, User
from notifications.models import Trigger
from notifications.program.entries import (
    CompanyEntry,
    ContactEntry,
    Program,
    RegistrationEntry,
)
from notifications.program.people import ACTOR_NAME
from notifications.program.rows import fetch, write
from notifications.program.summary import Change, Summary
from partners.models import Client, Company, CompanyContact, Contact, Lead
from partners.services.leads import record_owner


def import_registrations(
    program: Program, accounts: Mapping[str, Account], now: datetime, summary: Summary
) -> None:
    for entry in program.accounts:
        account = accounts[entry.slug]
        owners = _Owners(account, entry.leads)
        defaults = {"account": account, "registered_at": now}
        _import_rows(Lead, map(owners.name, entry.leads), defaults, "leads", summary)
        owners.record()
        _import_rows(Client, entry.clients, {"account": account, "since": now}, "clients", summary)


class _Owners:
    """Who looks after the leads of one account, before the import and after it."""

    def __init__(self, account: Account, entries: Iterable[RegistrationEntry]) -> None:
        named = [entry for entry in entries if entry.names_owner]
        people = account.memberships.select_related("user")
        emails = (entry.owner for entry in named if entry.owner)
        self._members = {m.user.email: m for m in fetch(people, "user__email", emails)}
        self._leads = Lead.objects.filter(account=account).select_related("account", "owner__user")
        self._domains = [entry.domain for entry in named]
        self._before = fetch(self._leads, "domain", self._domains)

    def name(self, entry: RegistrationEntry) -> RegistrationEntry:
        """Return the entry with its owner among the values."""
        if not entry.names_owner:
            return entry
        owner = self._members[entry.owner].pk if entry.owner else None
        return replace(entry, values={**entry.values, "owner_id": owner})

    def record(self) -> None:
        before = {lead.pk: lead.owner for lead in self._before}
        for lead in fetch(self._leads, "pk", before):
            record_owner(lead, before[lead.pk], actor=None, actor_name=ACTOR_NAME)


def _import_rows(
    model: type[Lead] | type[Client],
    entries: Iterable[RegistrationEntry],
    defaults: Mapping[str, Any],
    kind: str,
    summary: Summary,
) -> None:
    entries = list(entries)
    own: QuerySet[Any] = model.objects.filter(account=defaults["account"])
    stored = {row.domain: row for row in fetch(own, "domain", (e.domain for e in entries))}
    for entry in entries:
        new = model(domain=entry.domain, **defaults)
        _, change = write(stored.get(entry.domain), new, entry.values)
        summary.add(kind, change)


# --- Companies and contacts -------------------------------------------------------


def import_companies(program: Program, summary: Summary) -> None:
    contacts = _import_contacts(program)
    domains = [entry.domain for entry in program.companies]
    stored = {row.domain: row for row in fetch(Company.objects.all(), "domain", domains)}
    owners = fetch(User.objects.all(), "email", (e.owner for e in program.companies if e.owner))
    owner_ids = {user.email: user.pk for user in owners}
    links = _Links(stored.values())
    for entry in program.companies:
        values = dict(entry.values)
        if entry.names_owner:
            values["owner_id"] = owner_ids[entry.owner] if entry.owner else None
        new = Company(domain=entry.domain, name=entry.domain)
        company, change = write(stored.get(entry.domain), new, values)
        linked = links.add(company, entry, contacts)
        summary.add("companies", change.joined(changed=linked))
    for _, change in contacts.values():
        summary.add("contacts", change)


def _import_contacts(program: Program) -> dict[str, tuple[Contact, Change]]:
    """Write each contact once, although several companies may list it; the last name counts."""
    names: dict[str, str] = {}
    for entry in _contact_entries(program):
        names[entry.email] = entry.name or names.get(entry.email, "")
    stored = {row.email: row for row in fetch(Contact.objects.all(), "email", names)}
    return {
        email: write(stored.get(email), Contact(email=email), {"name": name} if name else {})
        for email, name in names.items()
    }


def _contact_entries(program: Program) -> Iterable[ContactEntry]:
    return (contact for company in program.companies for contact in company.contacts)


class _Links:
    """Which contacts belong to which companies."""

    def __init__(self, companies: Iterable[Company]) -> None:
        rows = fetch(CompanyContact.objects.all(), "company_id", (c.pk for c in companies))
        self._stored = {(row.company_id, row.contact_id): row for row in rows}

    def add(
        self,
        company: Company,
        entry: CompanyEntry,
        contacts: Mapping[str, tuple[Contact, Change]],
    ) -> bool:
        """Link the contacts of the entry, or note that one is unlinked; one that is merely
        named is wanted, even if it was unlinked. Tell whether anything changed."""
        changed = False
        for listed in entry.contacts:
            contact, _ = contacts[listed.email]
            row = self._stored.get((company.pk, contact.pk))
            new = CompanyContact(company=company, contact=contact)
            changed |= write(row, new, {"unlinked": listed.unlinked})[1] is not Change.SAME
        return changed


# --- Triggers ---------------------------------------------------------------------


def import_triggers(program: Program, summary: Summary) -> None:
    keys = [entry.key for entry in program.triggers]
    stored = {row.key: row for row in fetch(Trigger.objects.all(), "key", keys)}
    for entry in program.triggers:
        new = Trigger(key=entry.key)
        if entry.values.get("event_name") or entry.values.get("page_path"):
            new.label = entry.key.replace("_", " ").capitalize()
        _, change = write(stored.get(entry.key), new, entry.values)
        summary.add("triggers", change)
