"""The example of the contract (section 2), and small variations of it."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from accounts.models import Account, User, Vendor
from notifications.models import Trigger
from notifications.program.dump import dump_program
from notifications.program.load import import_program
from notifications.program.parsing import parse
from notifications.program.summary import Summary
from partners.models import Client, Company, Contact, Deal, Lead

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)

EXAMPLE = """\
vendor: {name: Northwind, domains: [northwind.example]}
accounts:
  - slug: northstar
    name: Northstar Agency
    kind: partner                     # partner | vendor
    tier: gold                        # sets the capacity
    users:
      - {email: ala@northstar.example, name: Ala, role: admin, language: pl, timezone: Europe/Warsaw, active: true,
         preferences: {email: {enabled: true, topics: {co_selling_prospect_activity: true}}}}   # only what differs from the default
      - {email: bartek@northstar.example, name: Bartek, role: member}
    communication: {receive_lead_activity: true, recipient: ala@northstar.example}
    leads:
      - {domain: acme.example, company: ACME, contact: {first_name: Anna, last_name: Nowak, email: anna@acme.example},
         status: registered, registered_at: 2026-01-01T00:00:00Z, expires_at: 2027-01-01T00:00:00Z}
  - slug: northwind
    kind: vendor
    users: [{email: gosia@northwind.example, name: Gosia, role: growth_specialist}]
  - {slug: southwind}
companies:
  - {domain: acme.example, name: ACME, owner: gosia@northwind.example, contacts: [{email: anna@acme.example, name: Anna Nowak}]}
deals:
  - {name: ACME CRM, company: acme.example, stage: open, owner: bartek@northstar.example, team: [ala@northstar.example],
     shares: [northstar, southwind]}   # in the order in which the partners were added: the first is notified
triggers: [{key: pricing_view, enabled: true}]
"""  # noqa: E501 - word for word, but for southwind, which the example only refers to


def example() -> dict[str, Any]:
    document = parse(EXAMPLE)
    assert isinstance(document, dict)
    return copy.deepcopy(document)


def load(document: object, **options: Any) -> Summary:
    return import_program(document, now=options.pop("now", NOW), **options)


def write(folder: Path, text: str | bytes, name: str = "program.yaml") -> str:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(path)


def empty():
    for model in (Deal, Company, Contact, Lead, Client, Trigger, Account, User, Vendor):
        model.objects.all().delete()


def assert_round_trip():
    """The export changes nothing here, and says the same after a move."""
    said = dump_program()
    assert load(parse(said)).changed == 0
    assert dump_program() == said
    empty()
    load(parse(said))
    assert dump_program() == said
