"""Evaluate and write, against a loop that asks and writes event by event."""

from __future__ import annotations

from typing import Any

from bench.process import run
from tests.instance import Instance

WORK = "evaluate, decide, write"
FLOOR = "naive loop per event"
REACH = 30.0
ROUNDS = "bench.evaluate_rounds"
PARTNERS, LEADS = 50, 1_000


def program() -> dict[str, Any]:
    """A thousand leads of fifty partners; every tenth company has a shared deal."""
    accounts: list[dict[str, Any]] = [
        {"slug": "northwind", "kind": "vendor",
         "users": [{"email": "gosia@northwind.example", "role": "growth_specialist"}]}
    ]  # fmt: skip
    per_partner = LEADS // PARTNERS
    for n in range(PARTNERS):
        ticked = {"email": {"topics": {"co_selling_prospect_activity": True}}}
        accounts.append(
            {
                "slug": f"p{n}",
                "users": [
                    {"email": f"ala@p{n}.example", "role": "admin", "preferences": ticked},
                    {"email": f"bo@p{n}.example", "preferences": ticked},
                ],
                "communication": {"receive_lead_activity": True, "recipient": f"ala@p{n}.example"},
                "leads": [
                    {"domain": f"lead{n * per_partner + i}.example", "company": f"Lead {i}",
                     "registered_at": "2026-01-01T00:00:00Z"}
                    for i in range(per_partner)
                ],
            }
        )  # fmt: skip
    return {
        "vendor": {"name": "Northwind"},
        "accounts": accounts,
        "companies": [
            {"domain": f"lead{n}.example", "name": f"Lead {n}", "owner": "gosia@northwind.example"}
            for n in range(0, LEADS, 10)
        ],
        "deals": [
            {"name": f"Deal {n}", "company": f"lead{n}.example",
             "owner": f"bo@p{n // per_partner}.example",
             "shares": [f"p{n // per_partner}"]}
            for n in range(0, LEADS, 10)
        ],
    }  # fmt: skip


def prepare(product: Instance) -> None:
    product.import_program(program())


def floor(product: Instance) -> float:
    return run(product, ROUNDS, "naive")["per_second"]


def result(product: Instance) -> float:
    return run(product, ROUNDS, "product")["per_second"]
