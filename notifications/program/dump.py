"""The database as a program file: stable order, no secrets, stored values only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import yaml
from django.db.models import Prefetch

from accounts.models import Account, Membership, Vendor
from notifications import eligibility
from notifications.channels import EMAIL
from notifications.eligibility import Cell
from notifications.facts.wishes import as_profile
from notifications.models import (
    AdditionalRecipient,
    CommunicationSettings,
    Preference,
    Profile,
    Trigger,
)
from notifications.program.absences import dump_away
from notifications.program.additional import dump_additional
from notifications.program.cells import dump_cells
from notifications.program.deals import addresses_by_role, line_of
from notifications.program.profiles import dump_profile
from notifications.program.schema import PERMISSIONS
from notifications.program.when import dump_when
from notifications.topics import TOPICS, default_of
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
    """Return the program file as plain values. 17 queries."""
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
    members = Membership.objects.present().order_by("user__email")
    members = members.select_related(
        "user", "quiet_hours", "profile_place", "absence__deputy__user"
    )
    listed = AdditionalRecipient.objects.select_related("membership__user")
    return (
        Account.objects.order_by("slug")
        .select_related("communication__recipient__user", "communication__backup__user")
        .prefetch_related(
            Prefetch("memberships", members),
            Prefetch("memberships__preferences", Preference.objects.order_by("pk")),
            "memberships__paces",
            Prefetch("profiles", Profile.objects.order_by("name").prefetch_related("cells")),
            Prefetch("communication__additional", listed),
            Prefetch("leads", Lead.objects.select_related("owner__user").order_by("domain")),
            Prefetch("clients", Client.objects.order_by("domain")),
        )
    )


def _account(account: Account) -> Document:
    document: Document = {"slug": account.slug, "name": account.name, "kind": account.kind}
    if account.tier:
        document["tier"] = account.tier
    if not account.is_active:
        document["active"] = False
    profiles = {row.pk: row for row in account.profiles.all()}
    if profiles:
        document["profiles"] = [dump_profile(row) for row in profiles.values()]
    document["users"] = [_user(member, profiles) for member in account.memberships.all()]
    wishes = getattr(account, "communication", None)
    if wishes:
        document["communication"] = _communication(wishes)
    if leads := [_lead(lead) for lead in account.leads.all()]:
        document["leads"] = leads
    if clients := [_client(client) for client in account.clients.all()]:
        document["clients"] = clients
    return document


def _user(member: Membership, profiles: Mapping[int, Profile]) -> Document:
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
    place = getattr(member, "profile_place", None)
    default = next((row for row in profiles.values() if row.is_default), None)
    profile = profiles[place.profile_id] if place else default
    if place and profile:
        document["profile"] = profile.name
    rows = {(row.channel, row.key): row for row in member.preferences.all()}
    if preferences := _preferences(rows, as_profile(profile) if profile else None):
        document["preferences"] = preferences
    if unsubscribed := [t for t in TOPICS if (EMAIL, t) in rows and rows[EMAIL, t].unsubscribed]:
        document["unsubscribed"] = unsubscribed
    if when := dump_when(member):
        document["when"] = when
    if away := dump_away(member):
        document["away"] = away
    return document


def _preferences(rows: Mapping[Cell, Preference], profile: eligibility.Profile | None) -> Document:
    """Return what differs from the default, or from what the member's profile says."""
    said = profile.cells if profile else {}
    return dump_cells(
        {
            cell: row.is_on
            for cell, row in rows.items()
            if row.is_on != default_of(*cell) or cell in said
        }
    )


def _communication(wishes: CommunicationSettings) -> Document:
    document: Document = {
        "receive_lead_activity": wishes.receive_lead_activity,
        "client_activity": wishes.client_activity,
        "recipient": wishes.recipient.user.email if wishes.recipient else None,
    }
    if wishes.backup:
        document["backup"] = wishes.backup.user.email
    if wishes.escalate_after:
        document["escalate_after"] = wishes.escalate_after
    if additional := dump_additional(wishes.additional.all()):
        document["additional"] = additional
    return document


# --- Leads and clients ------------------------------------------------------------


def _lead(lead: Lead) -> Document:
    owner = {"owner": lead.owner.user.email} if lead.owner else {}
    return {
        **_registration(lead),
        "status": lead.status,
        "registered_at": _time(lead.registered_at),
        "expires_at": _time(lead.expires_at),
        **owner,
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
