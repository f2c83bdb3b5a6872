"""What a program file may say (contract, section 2): document → entries, or problems.

No database. An entry's `values` hold only what the file mentions: what it does not
mention stays as it is stored.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from django.conf import settings
from django.core.exceptions import ValidationError

from accounts.models import Account, Membership, validate_timezone
from notifications.eligibility.escalation import MOST_HOURS
from notifications.program.absences import read_away
from notifications.program.additional import read_additional
from notifications.program.cells import read_cells
from notifications.program.entries import (
    AccountEntry,
    CommunicationEntry,
    CompanyEntry,
    ContactEntry,
    DealEntry,
    Program,
    RegistrationEntry,
    TriggerEntry,
    UserEntry,
    Values,
)
from notifications.program.errors import Problems
from notifications.program.profiles import read_profile
from notifications.program.reading import Node
from notifications.program.when import read_when
from notifications.text import plain
from notifications.topics import TOPICS
from notifications.triggers import BUILT_IN
from partners.models import Lead

PERMISSIONS = ("edit_partner_settings",)
RECIPIENTS = ("recipient", "backup")
_TRIGGER_KEY = re.compile(r"[a-z][a-z0-9_]*")
_SLUG = re.compile(r"[a-zA-Z0-9_-]+")

Entry = TypeVar("Entry")


def read_program(document: object, problems: Problems) -> Program:
    """Return what the document says; what is wrong goes to `problems`."""
    if not isinstance(document, Mapping):
        problems.add("", "The file must be a mapping with vendor, accounts, companies, deals.")
        return Program()
    root = Node(document, "", problems)
    root.allow("vendor", "accounts", "companies", "deals", "triggers")
    return Program(
        vendor=_vendor(root.child("vendor")) if "vendor" in root else None,
        accounts=_entries(root, "accounts", _account, lambda entry: entry.slug),
        companies=_entries(root, "companies", _company, lambda entry: entry.domain),
        deals=_entries(root, "deals", _deal, lambda entry: (entry.company, entry.name)),
        triggers=_entries(root, "triggers", _trigger, lambda entry: entry.key),
    )


def _entries(
    parent: Node,
    key: str,
    read: Callable[[Node], Entry | None],
    identity: Callable[[Entry], object],
) -> tuple[Entry, ...]:
    """Return the readable entries of the list at `key`; one that stands twice is refused."""
    found: dict[object, tuple[str, Entry]] = {}
    for node in parent.children(key):
        entry = read(node)
        if entry is None:
            continue
        known = found.setdefault(identity(entry), (node.place, entry))
        if known[1] is not entry:
            node.refuse("", f"is the same as {known[0]}.")
    return tuple(entry for _, entry in found.values())


def _given(**values: object) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}


def _nullable(node: Node, key: str, value: object, *, empty: object = None) -> dict[str, Any]:
    """Return the value under its key; `null` in the file says: empty."""
    return {key: empty} if node.is_null(key) else _given(**{key: value})


# --- Accounts and people ----------------------------------------------------------


def _vendor(node: Node) -> Values:
    node.allow("name", "domains")
    domains = node.items("domains")
    return _given(
        name=node.text("name", 120) or None,
        domains=None if domains is None else list(_hosts(node, domains)),
    )


def _hosts(node: Node, domains: Iterable[object]) -> Iterator[str]:
    for index, value in enumerate(domains):
        if isinstance(value, str) and re.fullmatch(r"[^\s/@]{1,253}", value.strip()):
            yield value.strip().lower()
        else:
            node.refuse(f"domains[{index}]", "must be a host name such as www.vendor.example.")


def _account(node: Node) -> AccountEntry | None:
    node.allow(
        *("slug", "name", "kind", "tier", "active"),
        *("users", "profiles", "communication", "leads", "clients"),
    )
    slug = node.required("slug", node.text("slug", 50))
    if slug and not _SLUG.fullmatch(slug):
        node.refuse("slug", f"{slug!r} may hold only letters, digits, hyphens and underscores.")
    values = _given(
        name=node.text("name", 150) or None,
        kind=node.choice("kind", Account.Kind.values),
        is_active=node.flag("active"),
        **_nullable(node, "tier", node.text("tier", 20), empty=""),
    )
    users = _entries(node, "users", _user, lambda entry: entry.email)
    profiles = _entries(node, "profiles", read_profile, lambda entry: entry.name)
    if sum(bool(entry.is_default) for entry in profiles) > 1:
        node.refuse("profiles", "only one can be the default.")
    communication = _communication(node.child("communication"))
    leads = _entries(node, "leads", _lead, lambda entry: entry.domain)
    clients = _entries(node, "clients", _client, lambda entry: entry.domain)
    if not slug:
        return None
    return AccountEntry(
        place=node.place,
        slug=slug,
        values=values,
        users=users,
        profiles=profiles,
        communication=communication if "communication" in node else None,
        leads=leads,
        clients=clients,
    )


def _user(node: Node) -> UserEntry | None:
    node.allow(
        *("email", "name", "role", "language", "timezone", "active"),
        *("permissions", "password", "preferences", "unsubscribed", "profile", "when", "away"),
    )
    email = node.required("email", node.email("email"))
    password = node.text("password", 1_000)
    active = node.flag("active")
    values = _given(
        is_active=active or None,  # Active here: also who could not sign in anywhere.
        name=node.text("name", 150),
        language=node.choice("language", [code for code, _ in settings.LANGUAGES]),
        timezone=_timezone(node),
    )
    member_values = _given(
        role=node.choice("role", Membership.Role.values),
        is_active=active,
        edit_partner_settings=_may_edit(node),
    )
    preferences = dict(read_cells(node.child("preferences")))
    unsubscribed = tuple(_topics(node, "unsubscribed"))
    when = read_when(node.child("when"))
    away = read_away(node.child("away")) if "away" in node and not node.is_null("away") else None
    profile = node.text("profile", 60)
    if not email:
        return None
    return UserEntry(
        place=node.place,
        email=email,
        values=values,
        member_values=member_values,
        password=password or None,
        preferences=preferences,
        unsubscribed=unsubscribed,
        names_profile="profile" in node,
        profile=profile,
        when=when,
        names_away="away" in node,
        away=away,
    )


def _timezone(node: Node) -> str | None:
    value = node.text("timezone", 64)
    try:
        if value is not None:
            validate_timezone(value)
    except ValidationError:
        node.refuse("timezone", f"{value!r} is not a time zone such as Europe/Warsaw.")
        return None
    return value


def _may_edit(node: Node) -> bool | None:
    listed = node.items("permissions")
    if listed is None:
        return None
    for index, permission in enumerate(listed):
        if permission not in PERMISSIONS:
            node.refuse(
                f"permissions[{index}]", f"{permission!r} is not one of {', '.join(PERMISSIONS)}."
            )
    return "edit_partner_settings" in listed


def _topics(node: Node, key: str) -> Iterator[str]:
    for index, topic in enumerate(node.items(key) or ()):
        if topic in TOPICS:
            yield topic
        else:
            node.refuse(f"{key}[{index}]", f"{topic!r} is not one of {', '.join(TOPICS)}.")


def _communication(node: Node) -> CommunicationEntry:
    node.allow(
        *("receive_lead_activity", "client_activity", "escalate_after", "additional"), *RECIPIENTS
    )
    people = {key: node.email(key) or None for key in RECIPIENTS if key in node}
    additional = _entries(node, "additional", read_additional, lambda entry: entry.email)
    return CommunicationEntry(
        place=node.place,
        values=_given(
            receive_lead_activity=node.flag("receive_lead_activity"),
            client_activity=node.flag("client_activity"),
            escalate_after=node.number("escalate_after", 0, MOST_HOURS),
        ),
        people=people,
        additional=additional if "additional" in node else None,
    )


# --- Leads and clients ------------------------------------------------------------


def _lead(node: Node) -> RegistrationEntry | None:
    node.allow("domain", "company", "contact", "status", "registered_at", "expires_at", "owner")
    values = _given(
        company=node.text("company", 200),
        status=node.choice("status", Lead.Status.values),
        registered_at=node.moment("registered_at"),
        **_person(node.child("contact")),
    )
    until = _nullable(node, "expires_at", node.moment("expires_at"))
    entry = _registration(node, {**values, **until})
    owner = node.email("owner") or None
    return replace(entry, names_owner="owner" in node, owner=owner) if entry else None


def _client(node: Node) -> RegistrationEntry | None:
    node.allow("domain", "company", "contact", "since", "until")
    values = _given(
        company=node.text("company", 200),
        since=node.moment("since"),
        **_person(node.child("contact")),
    )
    return _registration(node, {**values, **_nullable(node, "until", node.moment("until"))})


def _registration(node: Node, values: Values) -> RegistrationEntry | None:
    domain = node.required("domain", node.domain("domain"))
    if not domain:
        return None
    return RegistrationEntry(place=node.place, domain=domain, values=values)


def _person(node: Node) -> dict[str, Any]:
    node.allow("first_name", "last_name", "email")
    return _given(
        first_name=node.text("first_name", 100),
        last_name=node.text("last_name", 100),
        email=node.email("email"),
    )


# --- Companies and deals ----------------------------------------------------------


def _company(node: Node) -> CompanyEntry | None:
    node.allow("domain", "name", "owner", "contacts")
    domain = node.required("domain", node.domain("domain"))
    values = _given(name=node.text("name", 200) or None)
    owner = node.email("owner")
    contacts = _entries(node, "contacts", _contact, lambda entry: entry.email)
    if not domain:
        return None
    return CompanyEntry(
        place=node.place,
        domain=domain,
        values=values,
        names_owner="owner" in node,
        owner=owner or None,
        contacts=contacts,
    )


def _contact(node: Node) -> ContactEntry | None:
    node.allow("email", "name", "unlinked")
    email = node.required("email", node.email("email"))
    name = node.text("name", 200) or None
    unlinked = node.flag("unlinked") or False
    if not email:
        return None
    return ContactEntry(place=node.place, email=email, name=name, unlinked=unlinked)


def _deal(node: Node) -> DealEntry | None:
    node.allow("name", "company", "stage", "owner", "team", "shares", "archived")
    name = node.required("name", node.text("name", 200))
    company = node.required("company", node.domain("company"))
    values = _given(stage=node.text("stage", 50) or None)
    owner, team, shares = node.email("owner"), node.emails("team"), _shares(node)
    archived = node.flag("archived")
    if not (name and company):
        return None
    return DealEntry(
        place=node.place,
        name=name,
        company=company,
        values=values,
        archived=archived,
        names_owner="owner" in node,
        owner=owner or None,
        team=None if team is None else tuple(team),
        shares=shares,
    )


def _shares(node: Node) -> tuple[str | None, ...] | None:
    listed = node.items("shares")
    if listed is None:
        return None
    for index, slug in enumerate(listed):
        place = f"shares[{index}]"
        if slug is None and index:
            node.refuse(place, "nothing may stand only first: the first partner's free place.")
        elif slug is not None and not isinstance(slug, str):
            node.refuse(place, "must be the slug of an account.")
        elif slug in listed[:index]:
            node.refuse(place, f"{slug!r} stands twice.")
    line = tuple(slug for slug in listed if slug is None or isinstance(slug, str))
    return () if line == (None,) else line


# --- Triggers ---------------------------------------------------------------------


def _trigger(node: Node) -> TriggerEntry | None:
    node.allow("key", "enabled", "label", "event_name", "page_path")
    key = node.required("key", node.text("key", 30))
    values = _given(
        enabled=node.flag("enabled"),
        label=node.text("label", 100),
        event_name=node.text("event_name", 200),
        page_path=node.text("page_path", 200),
    )
    if key and not _TRIGGER_KEY.fullmatch(key):
        node.refuse("key", f"{key!r} may hold only lower-case letters, digits and underscores.")
    if key in BUILT_IN:
        for word in values.keys() - {"enabled"}:
            node.refuse(word, f"{key} is built in: only `enabled` can be said of it.")
    if plain(values.get("label", "")) != values.get("label", ""):
        node.refuse("label", "must be one line without control characters.")
    if values.get("page_path") and not values["page_path"].startswith("/"):
        node.refuse("page_path", "must begin with a slash, such as /pricing*.")
    return TriggerEntry(place=node.place, key=key, values=values) if key else None
