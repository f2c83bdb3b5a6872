"""Who is told beside the recipient (R38): rows like those of the truth tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.end_to_end.truth_tables import BELL, BOTH, Row, lead_event, lead_program, line


def additional() -> Iterator[Row]:
    """R38: who is told beside the recipient, and why not."""

    def row(name: str, bo: str | None, *, told: str = "ala bo", **changes: Any) -> Row:
        """Ala is the recipient, Bo another user; `bo`: the reason of Bo's decision, if any."""
        users = {who: f"{who}@{name}.example" for who in ("ala", "bo")}
        program = lead_program(name, **changes)
        (account,) = program["accounts"]
        account["users"].append({"email": users["bo"], **changes.get("bo_user", {})})
        account["communication"]["additional"] = [
            {**entry, "user": users[entry["user"]]} if "user" in entry else entry
            for entry in changes["entries"]
        ]
        account["communication"] |= {key: users[who] for key, who in changes.get("as", {}).items()}
        if owner := changes.get("owner"):
            account["leads"][0]["owner"] = users[owner]
        known = {"account": name}
        first = changes.get("first", {"reason": "sent", "deliveries": BOTH})
        lines = [line(f"{name}-1", "lead", "demo_request", user=users["ala"], **known, **first)]
        if bo:
            sent = BOTH if bo == "sent" else changes.get("deliveries", [])
            lines.append(
                line(
                    f"{name}-1", "lead", "demo_request", user=users["bo"], reason=bo,
                    deliveries=sent, **known,
                )
            )  # fmt: skip
        return Row(
            name=name,
            program=program,
            events=[lead_event(name)],
            decisions=lines,
            told=[users[who] for who in told.split()],
        )

    listed, no_mail = {"user": "bo"}, {"preferences": {"email": {"enabled": False}}}
    yield row("m-every", "sent", entries=[listed])
    yield row("m-this", "sent", entries=[{**listed, "triggers": ["demo_request"]}])
    yield row(
        "m-other", "trigger_not_chosen", told="ala",
        entries=[{**listed, "triggers": ["pricing_view", "crm_signup"]}],
    )  # fmt: skip
    yield row(
        "m-inactive", "user_inactive", told="ala", entries=[listed], bo_user={"active": False}
    )
    yield row(
        "m-mail-off", "email_off", told="ala", entries=[listed], bo_user=no_mail, deliveries=BELL
    )
    yield row("m-owner", "sent", entries=[{"lead_owner": True}], owner="bo")
    yield row("m-no-owner", None, told="ala", entries=[{"lead_owner": True}])
    yield row(
        "m-both-ways", "sent", owner="bo",
        entries=[{"lead_owner": True, "triggers": ["pricing_view"]}, listed],
    )  # fmt: skip
    yield row("m-recipient-too", None, told="ala", entries=[{"user": "ala"}])
    yield row(
        "m-only-bo", "sent", told="bo", entries=[listed], user={"active": False},
        first={"reason": "recipient_inactive"},
    )  # fmt: skip
    # Bo is the backup, too: told once, whether he stands in or not.
    yield row("m-backup", "sent", entries=[listed], **{"as": {"backup": "bo"}})
    yield row(
        "m-stands-in", "sent", told="bo", user=no_mail, **{"as": {"backup": "bo"}},
        entries=[{**listed, "triggers": ["pricing_view"]}],
        first={"reason": "email_off", "deliveries": BELL},
    )  # fmt: skip
    yield _toggled_off("m-toggle")


def _toggled_off(name: str) -> Row:
    """R26: the account's toggle governs all."""
    program = lead_program(name, toggle=False)
    (account,) = program["accounts"]
    account["users"].append({"email": f"bo@{name}.example"})
    account["communication"]["additional"] = [{"user": f"bo@{name}.example"}]
    off = {"account": name, "reason": "account_toggle_off"}
    return Row(
        name=name,
        program=program,
        events=[lead_event(name)],
        decisions=[line(f"{name}-1", "lead", "demo_request", **off)],
    )
