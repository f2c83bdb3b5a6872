"""Who and what the demo is about, as a program file (contract, section 2).

Everybody is made up; every domain ends in .example. Dates are relative to `now`, so that
the demo never grows old.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

NORTHSTAR, SOUTHWIND, NORTHWIND = "northstar", "southwind", "northwind"
ALA, BARTEK = "ala@northstar.example", "bartek@northstar.example"
CELINA, GOSIA = "celina@southwind.example", "gosia@northwind.example"
OPERATOR = "admin@northwind.example"


@dataclass(frozen=True, kw_only=True)
class LeadRow:
    """A registration. `since` and `until` are days from now; None never expires."""

    domain: str
    company: str
    first_name: str
    last_name: str
    status: str = "registered"
    since: int = -60
    until: int | None = 120

    @property
    def email(self) -> str:
        return f"{self.first_name.lower()}@{self.domain}" if self.first_name else ""


def _lead(domain: str, company: str, person: str, **fields: Any) -> LeadRow:
    first, _, last = person.partition(" ")
    return LeadRow(
        domain=f"{domain}.example", company=company, first_name=first, last_name=last, **fields
    )


NORTHSTAR_LEADS = (
    _lead("acme", "ACME", "Anna Nowak", since=-80, until=285),
    _lead("brightpath", "Brightpath", "Daria Lewandowska", since=-75, until=15),
    _lead("cedarworks", "Cedar Works", "Emil Sokal", since=-88, until=2),
    _lead("deltafoods", "Delta Foods", "Filip Mazur", since=-70, until=20),
    _lead("eastgate", "Eastgate Logistics", "Greta Olsen", since=-62, until=28),
    _lead("fernhill", "Fernhill Clinic", "Hanna Wrona", since=-55, until=35),
    _lead("glasswing", "Glasswing Studio", "Igor Pawlak", since=-50, until=40),
    _lead("halcyon", "Halcyon Hotels", "Julia Adamska", since=-41, until=49),
    _lead("ironbridge", "Ironbridge", "Karol Zych", since=-33, until=57),
    _lead("juniper", "Juniper Labs", "Lena Kruk", since=-21, until=69),
    _lead("kestrel", "Kestrel Air", "Milan Novak", since=-9, until=81),
    _lead("larkspur", "Larkspur", "Nina Falk", since=-2, until=88),
    _lead("moonrise", "Moonrise Games", "Oskar Lind", status="pending", since=-1, until=None),
    _lead("nettle", "Nettle & Co", "Pola Gajda", status="unavailable", since=-14, until=None),
    _lead("oakline", "Oakline", "", status="invalid", since=-6, until=None),
    _lead("pinecrest", "Pinecrest", "Rafal Jonas", status="expired", since=-140, until=-50),
    _lead("quarry", "Quarry Tools", "Sara Bielak", since=-93, until=-3),
)
SOUTHWIND_LEADS = (
    _lead("harbor", "Harbor Freight Lines", "Marta Dudek", since=-58, until=32),
    _lead("riverbend", "Riverbend", "Tomas Berg", since=-48, until=42),
    _lead("silverlake", "Silverlake", "Ula Czarna", since=-37, until=53),
    _lead("tidewater", "Tidewater", "Viktor Hahn", since=-29, until=61),
    _lead("umbra", "Umbra Optics", "Wanda Rys", since=-18, until=72),
    _lead("verdant", "Verdant Farms", "Xenia Moor", since=-11, until=79),
    _lead("willow", "Willow Books", "Yusuf Aksoy", status="pending", since=-3, until=None),
    _lead("yarrow", "Yarrow", "Zofia Kania", status="expired", since=-130, until=-40),
)

# Northstar's customers (R6): domain, company, person.
CLIENTS = (("tulip", "Tulip Interiors", "Ewa Maj"), ("zenith", "Zenith Fitness", "Adam Ptak"))

# Companies that the vendor sells to together with partners: domain, name, people, owner.
DEAL_COMPANIES = (
    ("lumen", "Lumen Energy", ("Piotr Lis", "Klara Wolska"), GOSIA),
    ("orbit", "Orbit Travel", ("Dana Hruba",), GOSIA),
    ("prism", "Prism Media", ("Leon Braun",), GOSIA),
    ("sable", "Sable Security", ("Irena Golec",), None),
    ("vesper", "Vesper Music", ("Noah Quist",), GOSIA),
)


def program(now: datetime) -> dict[str, Any]:
    """Return the demo as a program file."""
    return {
        "vendor": {"name": "Northwind", "domains": ["northwind.example"]},
        "accounts": [_northstar(now), _southwind(now), _northwind()],
        "companies": list(_companies()),
        "deals": _deals(),
    }


def _northstar(now: datetime) -> dict[str, Any]:
    both = {"topics": {"co_selling_prospect_activity": True}}
    return {
        "slug": NORTHSTAR,
        "name": "Northstar Agency",
        "kind": "partner",
        "tier": "gold",
        "users": [
            _user(ALA, "Ala Kowalska", "admin", language="pl"),
            _user(
                BARTEK,
                "Bartek Zieliński",
                "member",
                language="pl",
                preferences={"email": both, "desktop": both},
            ),
        ],
        "communication": {"receive_lead_activity": True, "recipient": ALA},
        "leads": [_as_lead(row, now) for row in NORTHSTAR_LEADS],
        "clients": [_as_client(*row, now=now) for row in CLIENTS],
    }


def _southwind(now: datetime) -> dict[str, Any]:
    return {
        "slug": SOUTHWIND,
        "name": "Southwind Digital",
        "kind": "partner",
        "tier": "silver",
        "users": [_user(CELINA, "Celina Nowak", "admin", language="en")],
        "leads": [_as_lead(row, now) for row in SOUTHWIND_LEADS],
    }


def _northwind() -> dict[str, Any]:
    return {
        "slug": NORTHWIND,
        "kind": "vendor",
        "name": "Northwind",
        "users": [
            _user(GOSIA, "Gosia Wiśniewska", "growth_specialist", language="pl"),
            _user(OPERATOR, "Northwind operator", "admin", language="en"),
        ],
    }


def _user(email: str, name: str, role: str, **fields: Any) -> dict[str, Any]:
    return {"email": email, "name": name, "role": role, "timezone": "Europe/Warsaw", **fields}


def _as_lead(row: LeadRow, now: datetime) -> dict[str, Any]:
    contact = {"first_name": row.first_name, "last_name": row.last_name, "email": row.email}
    return {
        "domain": row.domain,
        "company": row.company,
        "contact": {key: value for key, value in contact.items() if value},
        "status": row.status,
        "registered_at": _days(now, row.since),
        **({} if row.until is None else {"expires_at": _days(now, row.until)}),
    }


def _as_client(domain: str, company: str, person: str, *, now: datetime) -> dict[str, Any]:
    first, _, last = person.partition(" ")
    return {
        "domain": f"{domain}.example",
        "company": company,
        "contact": {
            "first_name": first,
            "last_name": last,
            "email": f"{first.lower()}@{domain}.example",
        },
        "since": _days(now, -400),
    }


def _days(now: datetime, days: int) -> str:
    return (now + timedelta(days=days)).replace(microsecond=0).isoformat()


def _companies() -> Iterable[dict[str, Any]]:
    for row in (*NORTHSTAR_LEADS, *SOUTHWIND_LEADS):
        contacts = [{"email": row.email, "name": f"{row.first_name} {row.last_name}"}]
        yield _company(row.domain, row.company, contacts if row.email else [], None)
    for domain, name, person in CLIENTS:
        yield _company(f"{domain}.example", name, _contacts(domain, [person]), None)
    for domain, name, people, owner in DEAL_COMPANIES:
        yield _company(f"{domain}.example", name, _contacts(domain, people), owner)


def _contacts(domain: str, people: Iterable[str]) -> list[dict[str, str]]:
    return [
        {"email": f"{name.partition(' ')[0].lower()}@{domain}.example", "name": name}
        for name in people
    ]


def _company(
    domain: str, name: str, contacts: list[dict[str, str]], owner: str | None
) -> dict[str, Any]:
    company: dict[str, Any] = {"domain": domain, "name": name, "contacts": contacts}
    return {**company, "owner": owner} if owner else company


def _deals() -> list[dict[str, Any]]:
    return [
        _deal("Lumen CRM", "lumen", [NORTHSTAR, SOUTHWIND], BARTEK, [ALA, CELINA]),
        _deal("Orbit CRM", "orbit", [SOUTHWIND, NORTHSTAR], CELINA, [BARTEK]),
        _deal("Prism rollout", "prism", [NORTHSTAR], BARTEK, [], stage="Pilot"),
        _deal("Sable CRM", "sable", [NORTHSTAR], BARTEK, []),
        _deal(WITHOUT_FIRST, "vesper", [SOUTHWIND, NORTHSTAR], BARTEK, [ALA]),
    ]


# The share of its first partner is taken away after the import (R50): nobody moves up.
WITHOUT_FIRST = "Vesper CRM"


# A stage is shown as the vendor wrote it; these words are English and Polish alike.
def _deal(
    name: str,
    company: str,
    shares: list[str],
    owner: str,
    team: list[str],
    *,
    stage: str = "Start",
) -> dict[str, Any]:
    return {
        "name": name,
        "company": f"{company}.example",
        "stage": stage,
        "owner": owner,
        "team": team,
        "shares": shares,
    }
