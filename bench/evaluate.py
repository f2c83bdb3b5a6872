"""Evaluate and write, against a loop that asks and writes event by event."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from tests.instance import ROOT, Instance

WORK = "evaluate, decide, write"
FLOOR = "naive loop per event"
REACH = 30.0
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


def _run(product: Instance, mode: str) -> float:
    done = subprocess.run(
        [sys.executable, "-m", "bench.evaluate_rounds", mode],
        cwd=ROOT,
        env=product.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    return float(json.loads(done.stdout.splitlines()[-1])["per_second"])


def floor(product: Instance) -> float:
    return _run(product, "naive")


def result(product: Instance) -> float:
    return _run(product, "product")
