"""Who a person may be today on the pretend website."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from partners.events import clean_email


@dataclass(frozen=True, kw_only=True)
class Visitor:
    name: str
    email: str
    company: str = ""

    def as_dict(self) -> dict[str, str]:
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class Part:
    """A visitor to choose, and what that person is to the partners."""

    key: str
    visitor: Visitor
    relation: str | Promise
    hint: str | Promise


PARTS: Mapping[str, Part] = {
    part.key: part
    for part in (
        Part(
            key="anna",
            visitor=Visitor(name="Anna Nowak", email="anna@acme.example", company="ACME"),
            relation=_("A registered lead of Northstar Agency"),
            hint=_("Look at the prices, then ask for a demo: Ala of Northstar is told."),
        ),
        Part(
            key="piotr",
            visitor=Visitor(name="Piotr Lis", email="piotr@lumen.example", company="Lumen Energy"),
            relation=_("From a deal that Northwind sells together with two partners"),
            hint=_("Only signing up for the CRM counts, and only the first partner is told."),
        ),
        Part(
            key="ewa",
            visitor=Visitor(name="Ewa Maj", email="ewa@tulip.example", company="Tulip Interiors"),
            relation=_("A customer of Northstar Agency"),
            hint=_("Partners hear of their customers too: ask for a demo."),
        ),
        Part(
            key="marta",
            visitor=Visitor(
                name="Marta Dudek", email="marta@harbor.example", company="Harbor Freight Lines"
            ),
            relation=_("A registered lead of Southwind Digital"),
            hint=_("Southwind has not switched lead activity on, so nobody is told."),
        ),
        Part(
            key="stranger",
            visitor=Visitor(name="Sam Doe", email="sam@nobody.example"),
            relation=_("Nobody's lead, customer or deal"),
            hint=_("Whatever this person does, no partner is told."),
        ),
    )
}


def read_visitor(stored: object) -> Visitor | None:
    """Return the visitor that a session keeps, or None."""
    if not isinstance(stored, dict) or not clean_email(stored.get("email")):
        return None
    return Visitor(**{key: str(stored.get(key, "")) for key in ("name", "email", "company")})


def own_visitor(fields: Mapping[str, Any]) -> Visitor | None:
    """Return who somebody says to be, or None without a usable e-mail."""
    email = clean_email(fields.get("email", ""))
    name = " ".join(str(fields.get("name", "")).split())[:100]
    return Visitor(name=name or email, email=email) if email else None
