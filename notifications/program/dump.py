"""The database as a program file: stable order, no secrets, stored values only."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import yaml
from django.db.models import Prefetch

from accounts.models import Account, Membership, Vendor
from notifications.channels import CHANNEL_KEYS
from notifications.models import CommunicationSettings, Preference, Trigger
from notifications.program.deals import addresses_by_role, line_of
from notifications.program.schema import PERMISSIONS
from notifications.selectors import default_of
from notifications.topics import SWITCH_DEFAULTS, TOPICS
from partners.models import Client, Company, CompanyContact, Deal, Lead

Document = dict[str, Any]


def dump_program() -> str:
    """Return the program file as YAML."""
    return yaml.dump(
        export_program(), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100
    )


class _Dumper(yaml.SafeDumper):
    """No anchors: a value that stands twice is written twice."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def _text(dumper: _Dumper, value: str) -> yaml.ScalarNode:
    """Quote what cannot be seen: some of it YAML would take for the end of a line."""
    style = None if value.isprintable() else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)


def export_program() -> Document:
    """Return the program file as plain values. 16 queries."""
    vendor = Vendor.objects.order_by("pk").first()
    document: Document = {}
    if vendor:
        document["vendor"] = {"name": vendor.name, "domains": vendor.domains}
    document["accounts"] = [_account(account) for account in _accounts()]
    members = set(Membership.objects.present().values_list("user_id", flat=True))
    document["companies"] = [_company(company, members) for company in _companies()]
    document["deals"] = [_deal(deal) for deal in _deals()]
    document["triggers"] = [_trigger(t) for t in Trigger.objects.order_by("key")]
    return document


# --- Accounts and people ----------------------------------------------------------


def _accounts() -> Iterable[Account]:
    members = Membership.objects.present().select_related("user").order_by("user__email")
    return (
        Account.objects.order_by("slug")
        .select_related("communication__recipient__user")
        .prefetch_related(
            Prefetch("memberships", members),
            Prefetch("memberships__preferences", Preference.objects.order_by("pk")),
            Prefetch("leads", Lead.objects.order_by("domain")),
            Prefetch("clients", Client.objects.order_by("domain")),
        )
    )


def _account(account: Account) -> Document:
    document: Document = {"slug": account.slug, "name": account.name, "kind": account.kind}
    if account.tier:
        document["tier"] = account.tier
    if not account.is_active:
        document["active"] = False
    document["users"] = [_user(member) for member in account.memberships.all()]
    wishes = getattr(account, "communication", None)
    if wishes:
        document["communication"] = _communication(wishes)
    if leads := [_lead(lead) for lead in account.leads.all()]:
        document["leads"] = leads
    if clients := [_client(client) for client in account.clients.all()]:
        document["clients"] = clients
    return document


def _user(member: Membership) -> Document:
    user = member.user
    document: Document = {
        "email": user.email,
        "name": user.name,
        "role": member.role,
        "language": user.language,
        "timezone": user.timezone,
        "active": member.is_current,
    }
    if member.edit_partner_settings:
        document["permissions"] = list(PERMISSIONS)
    if preferences := _preferences(member):
        document["preferences"] = preferences
    return document


def _preferences(member: Membership) -> Document:
    """Return what differs from the default, in the order of the Notifications page."""
    rows = {(p.channel, p.key): p.is_on for p in member.preferences.all()}
    chosen = {cell: is_on for cell, is_on in rows.items() if is_on != default_of(*cell)}
    document: Document = {}
    for channel in CHANNEL_KEYS:
        switches = [key for owner, key in SWITCH_DEFAULTS if owner == channel]
        cells: Document = {k: chosen[channel, k] for k in switches if (channel, k) in chosen}
        topics = {k: chosen[channel, k] for k in TOPICS if (channel, k) in chosen}
        if topics:
            cells["topics"] = topics
        if cells:
            document[channel] = cells
    return document


def _communication(wishes: CommunicationSettings) -> Document:
    return {
        "receive_lead_activity": wishes.receive_lead_activity,
        "client_activity": wishes.client_activity,
        "recipient": wishes.recipient.user.email if wishes.recipient else None,
    }


# --- Leads and clients ------------------------------------------------------------


def _lead(lead: Lead) -> Document:
    return {
        **_registration(lead),
        "status": lead.status,
        "registered_at": _time(lead.registered_at),
        "expires_at": _time(lead.expires_at),
    }


def _client(client: Client) -> Document:
    return {
        **_registration(client),
        "since": _time(client.since),
        "until": _time(client.until),
    }


def _registration(row: Lead | Client) -> Document:
    document: Document = {"domain": row.domain, "company": row.company}
    names = ("first_name", "last_name", "email")
    if contact := {name: getattr(row, name) for name in names if getattr(row, name)}:
        document["contact"] = contact
    return document


def _time(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z") if moment else None


# --- Companies, deals and triggers ------------------------------------------------


def _companies() -> Iterable[Company]:
    links = (
        CompanyContact.objects.filter(contact__erased_at=None)
        .select_related("contact")
        .order_by("contact__email")
    )
    return (
        Company.objects.order_by("domain")
        .select_related("owner")
        .prefetch_related(Prefetch("companycontact_set", links))
    )


def _company(company: Company, member_ids: set[int]) -> Document:
    document: Document = {"domain": company.domain, "name": company.name}
    if company.owner is None:
        document["owner"] = None
    elif company.owner_id in member_ids:  # Who has no account stands nowhere in the file.
        document["owner"] = company.owner.email
    if contacts := [_contact(link) for link in company.companycontact_set.all()]:
        document["contacts"] = contacts
    return document


def _contact(link: CompanyContact) -> Document:
    document: Document = {"email": link.contact.email}
    if link.contact.name:
        document["name"] = link.contact.name
    if link.unlinked:
        document["unlinked"] = True
    return document


def _deals() -> Iterable[Deal]:
    return (
        Deal.objects.order_by("company__domain", "name")
        .select_related("company")
        .prefetch_related("shares__account", "members__membership__user")
    )


def _deal(deal: Deal) -> Document:
    people = addresses_by_role(deal.members.all())
    document: Document = {
        "name": deal.name,
        "company": deal.company.domain,
        "stage": deal.stage,
        "owner": next(iter(people.get("owner", ())), None),
        "team": sorted(people.get("team", ())),
        "shares": line_of(deal.shares.all()),
    }
    if deal.archived_at:
        document["archived"] = True
    return document


def _trigger(trigger: Trigger) -> Document:
    words = ("label", "event_name", "page_path")
    told = {name: getattr(trigger, name) for name in words if getattr(trigger, name)}
    return {"key": trigger.key, "enabled": trigger.enabled, **told}
