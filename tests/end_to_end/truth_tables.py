"""Both truth tables as program files, events and the exact decisions they lead to.

Every row lives in names of its own, so that all rows run on one instance.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

CO_SELLING = "co_selling_prospect_activity"
TICKED = {"email": {"topics": {CO_SELLING: True}}}
CAP = 6  # EMAIL_DAILY_CAP of the instance


@dataclass
class Row:
    """`told`: addresses that get exactly one mail; nobody else of the row gets any."""

    name: str
    program: dict[str, Any]
    events: list[dict[str, Any]]
    decisions: list[dict[str, Any]]
    told: list[str] = field(default_factory=list)

    @property
    def message_ids(self) -> list[str]:
        return [event["messageId"] for event in self.events]


def vendor() -> dict[str, Any]:
    return {
        "vendor": {"name": "Northwind", "domains": ["northwind.example"]},
        "accounts": [
            {
                "slug": "northwind",
                "kind": "vendor",
                "users": [
                    {"email": "gosia@northwind.example", "role": "growth_specialist"},
                    {"email": "marek@northwind.example", "role": "partner_manager"},
                ],
            }
        ],
        "triggers": [{"key": "trial_start", "enabled": False}],
    }


def ago(**span: float) -> str:
    return (datetime.now(UTC) - timedelta(**span)).isoformat()


def ahead(**span: float) -> str:
    return (datetime.now(UTC) + timedelta(**span)).isoformat()


def line(message_id: str, kind: str, trigger: str, **fields: Any) -> dict[str, Any]:
    reason = fields.pop("reason", "sent")
    return {
        "message_id": message_id,
        "kind": kind,
        "trigger": trigger,
        "account": fields.get("account"),
        "user": fields.get("user"),
        "outcome": "send" if reason == "sent" else "no",
        "reason": reason,
        "deliveries": fields.get("deliveries", []),
    }


def delivery(channel: str, state: str = "delivered", reason: str = "sent") -> dict[str, Any]:
    return {"channel": channel, "endpoint": "user", "state": state, "reason": reason}


BOTH = [delivery("desktop"), delivery("email")]
BELL = [delivery("desktop")]
MAIL = [delivery("email")]


# --- Kind 1: partner? registered and active? trigger? toggle? recipient? active? e-mail?
# --- cooldown? cap? all yes = one e-mail; the first no is the reason.


def lead_program(name: str, **changes: Any) -> dict[str, Any]:
    ala = f"ala@{name}.example"
    account = {
        "slug": name,
        "name": name.title(),
        "kind": changes.get("kind", "partner"),
        "users": [{"email": ala, "role": "admin", **changes.get("user", {})}],
        "communication": {
            "receive_lead_activity": changes.get("toggle", True),
            "recipient": changes.get("recipient", ala),
        },
        "leads": [
            {
                "domain": f"lead-{name}.example",
                "company": "ACME",
                "registered_at": ago(days=30),
                "status": "registered",
                **changes.get("lead", {}),
            }
        ]
        if changes.get("lead", True) is not None
        else [],
    }
    if account["communication"]["recipient"] is None:
        del account["communication"]["recipient"]
    return {"accounts": [account]}


def lead_event(name: str, number: int = 1, **fields: Any) -> dict[str, Any]:
    return {
        "type": "track",
        "event": "Demo Requested",
        "messageId": f"{name}-{number}",
        "anonymousId": f"visitor-{name}",
        "context": {"traits": {"email": f"anna@lead-{name}.example"}},
        **fields,
    }


def kind_1() -> Iterator[Row]:
    def row(name: str, reason: str, *, event: dict[str, Any] | None = None, **changes: Any) -> Row:
        known = changes.pop("known", "user")
        trigger = changes.pop("trigger", "demo_request")
        deliveries = changes.pop("deliveries", [])
        ala = f"ala@{name}.example"
        return Row(
            name=name,
            program=lead_program(name, **changes),
            events=[lead_event(name, **(event or {}))],
            decisions=[
                line(
                    f"{name}-1", "lead", trigger, reason=reason, deliveries=deliveries,
                    account=name if known in ("account", "user") else None,
                    user=ala if known == "user" else None,
                )
            ],
            told=[ala] if reason == "sent" else [],
        )  # fmt: skip

    yield row("l-sent", "sent", deliveries=BOTH)
    yield row("l-not-partner", "not_partner", kind="vendor", known="account")
    yield row("l-nobody", "no_registration", lead=None, known="nobody")
    for status in ("pending", "unavailable", "invalid", "expired"):
        yield row(
            f"l-{status}", "registration_not_active", lead={"status": status}, known="account"
        )
    yield row(
        "l-over", "registration_not_active", lead={"expires_at": ago(minutes=1)}, known="account"
    )
    yield row(
        "l-later", "registered_later", lead={"registered_at": ahead(hours=1)}, known="account"
    )
    yield row(
        "l-trigger", "trigger_off", event={"event": "Trial Started"}, trigger="trial_start",
        known="account",
    )  # fmt: skip
    yield row("l-toggle", "account_toggle_off", toggle=False, known="account")
    yield row("l-no-one", "no_recipient", recipient=None, known="account")
    yield row("l-inactive", "recipient_inactive", user={"active": False})
    yield row(
        "l-mail-off", "email_off", user={"preferences": {"email": {"enabled": False}}},
        deliveries=BELL,
    )  # fmt: skip
    yield row(
        "l-topic-off", "topic_off", deliveries=BELL,
        user={"preferences": {"email": {"topics": {"registered_lead_activity": False}}}},
    )  # fmt: skip
    yield row("l-stale", "stale", event={"timestamp": ago(hours=73)}, known="nobody")
    yield row(
        "l-consent", "no_consent", known="nobody",
        event={"context": {"consent": {"status": "denied"},
                           "traits": {"email": "anna@lead-l-consent.example"}}},
    )  # fmt: skip
    yield row(
        "l-internal", "internal", known="nobody",
        event={"context": {"traits": {"email": "ala@l-internal.example"}}},
    )  # fmt: skip
    yield row(
        "l-robot", "bot", known="nobody", trigger="pricing_view",
        event={"event": "Pricing Page Viewed",
               "context": {"userAgent": "Googlebot/2.1",
                           "traits": {"email": "anna@lead-l-robot.example"}}},
    )  # fmt: skip
    yield _cooldown("l-cooldown")
    yield _capped("l-cap")


def _cooldown(name: str) -> Row:
    ala = f"ala@{name}.example"
    page = {
        "type": "page",
        "event": None,
        "properties": {"url": "https://northwind.example/pricing?x=1"},
    }
    known = {"account": name, "user": ala}
    return Row(
        name=name,
        program=lead_program(name),
        events=[lead_event(name, n, **page) for n in (1, 2)],
        decisions=[
            line(f"{name}-1", "lead", "pricing_view", deliveries=BOTH, **known),
            line(f"{name}-2", "lead", "pricing_view", reason="cooldown", **known),
        ],
        told=[ala],
    )


def _capped(name: str) -> Row:
    ala = f"ala@{name}.example"
    known = {"account": name, "user": ala}
    stopped = [delivery("desktop"), delivery("email", "suppressed", "daily_cap")]
    return Row(
        name=name,
        program=lead_program(name),
        events=[lead_event(name, n) for n in range(1, CAP + 2)],
        decisions=[
            *[
                line(f"{name}-{n}", "lead", "demo_request", deliveries=BOTH, **known)
                for n in range(1, CAP + 1)
            ],
            line(
                f"{name}-{CAP + 1}",
                "lead",
                "demo_request",
                reason="daily_cap",
                deliveries=stopped,
                **known,
            ),
        ],  # fmt: skip
        told=[ala] * CAP,
    )


# --- Kind 2: the table of the requirements, rows 1 to 12 -----------------------------------


def kind_2() -> Iterator[Row]:
    yield _deal("d1-owner", "sent", owner=True)
    yield _deal("d2-team", "sent", team=True)
    yield _deal("d3-both", "sent", owner=True, team=True)
    yield _deal("d4-not-gs", "company_owner_not_gs", owner=True, company="marek", known=False)
    yield _deal("d5-no-deal", "no_cosold_deal", has_deal=False, known=False)
    yield _deal("d6-not-shared", "not_shared", owner=True, shares=["second"])
    yield _deal("d6-no-shares", "not_shared", owner=True, shares=[])
    yield _deal("d7-second", "not_first_partner", owner=True, shares=["second", "first"])
    yield _deal("d8-neither", "not_owner_or_team", colleague=True)
    yield _deal("d9-unticked", "topic_off", team=True, colleague=True, preferences={})
    yield _deal("d10-inactive", "user_inactive", team=True, colleague=True, active=False)
    off = {"email": {"enabled": False, "topics": {CO_SELLING: True}}}
    yield _deal("d11-mail-off", "email_off", owner=True, preferences=off)
    bell = {**off, "desktop": {"topics": {CO_SELLING: True}}}
    yield _deal("d11-bell", "sent", owner=True, preferences=bell, deliveries=BELL)
    yield _deal("d12-no-company", "no_company", owner=True, address="anna@gmail.com", known=False)


def _deal(name: str, reason: str, **about: Any) -> Row:
    """Bartek of the first partner; `colleague` is the deal's owner beside him, unticked."""
    first, second = f"{name}-first", f"{name}-second"
    bartek, ola = f"bartek@{name}.example", f"ola@{name}.example"
    slugs = {"first": first, "second": second}
    user = {
        "email": bartek,
        "active": about.get("active", True),
        "preferences": about.get("preferences", TICKED),
    }
    deal = {
        "name": f"Deal {name}",
        "company": f"co-{name}.example",
        "stage": "open",
        "owner": bartek if about.get("owner") else ola if about.get("colleague") else None,
        "team": [bartek] if about.get("team") else [],
        "shares": [slugs[s] for s in about.get("shares", ["first"])],
    }
    company_owner = about.get("company", "gosia")
    address = about.get("address", f"anna@co-{name}.example")
    mails = reason == "sent" and about.get("deliveries", MAIL) == MAIL
    lines = [line(f"{name}-1", "lead", "crm_signup", reason="no_registration")]
    if about.get("colleague"):
        lines.append(
            line(f"{name}-1", "deal", "crm_signup", account=first, user=ola, reason="topic_off")
        )
    lines.append(
        line(
            f"{name}-1", "deal", "crm_signup", reason=reason,
            account=first if about.get("known", True) else None,
            user=bartek if about.get("known", True) else None,
            deliveries=about.get("deliveries", MAIL) if reason == "sent" else [],
        )
    )  # fmt: skip
    return Row(
        name=name,
        program={
            "accounts": [
                {"slug": first, "users": [user, {"email": ola}]},
                {"slug": second, "users": [{"email": f"celina@{name}.example"}]},
            ],
            "companies": [
                {
                    "domain": f"co-{name}.example",
                    "name": "Company",
                    "owner": f"{company_owner}@northwind.example",
                    "contacts": []
                    if "address" in about
                    else [{"email": address, "name": "Anna Nowak"}],
                }
            ],
            "deals": [deal] if about.get("has_deal", True) else [],
        },
        events=[
            {
                "type": "track",
                "event": "Signed Up",
                "messageId": f"{name}-1",
                "userId": f"user-{name}",
                "properties": {"product": "crm", "email": address},
            }
        ],
        decisions=lines,
        told=[bartek] if mails else [],
    )


def rows() -> list[Row]:
    return [*kind_1(), *kind_2()]


def whole_program(all_rows: list[Row]) -> dict[str, Any]:
    program = vendor()
    for row in all_rows:
        for key, entries in row.program.items():
            program.setdefault(key, []).extend(entries)
    return program
