"""Changes of an account's communication settings, in words for its history (R37)."""

from __future__ import annotations

from accounts.audit import on_off, record_change
from accounts.models import Membership, User
from notifications.models import CommunicationSettings
from notifications.text import one_line

FIELDS = ("receive_lead_activity", "client_activity", "recipient", "backup", "escalate_after")
PEOPLE = ("recipient__user", "backup__user")


def in_words(row: CommunicationSettings) -> dict[str, str]:
    """Return each setting as the history shows it. PEOPLE must be selected."""
    return {
        "receive_lead_activity": on_off(row.receive_lead_activity),
        "client_activity": on_off(row.client_activity),
        "recipient": person_in_words(row.recipient),
        "backup": person_in_words(row.backup),
        "escalate_after": str(row.escalate_after or ""),
    }


def record_communication(
    row: CommunicationSettings,
    before: dict[str, str],
    *,
    actor: User | None,
    actor_name: str = "",
) -> None:
    """Write down what differs from `before`, the earlier `in_words`."""
    after = in_words(row)
    for name in FIELDS:
        if before[name] != after[name]:
            record_change(
                row.account,
                actor=actor,
                actor_name=actor_name,
                action=f"communication.{name}",
                old=before[name],
                new=after[name],
            )


def person_in_words(membership: Membership | None) -> str:
    if membership is None:
        return ""
    name, email = membership.user.name, membership.user.email
    return f"{one_line(name)} · {email}" if name else email
