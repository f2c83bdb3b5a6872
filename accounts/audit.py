"""Who changed which setting, from what to what (R37)."""

from __future__ import annotations

from accounts.models import Account, AuditEntry, User


def record_change(
    account: Account | None,
    *,
    actor: User | None,
    action: str,
    old: str,
    new: str,
    actor_name: str = "",
    subject: str = "",
) -> AuditEntry:
    """Write one entry. `actor` None: a command, whose name is `actor_name`."""
    return AuditEntry.objects.create(
        account=account,
        actor=actor,
        actor_name=(actor.display_name if actor else actor_name)[:150],
        action=action,
        subject=subject[:250],
        old=old[:250],
        new=new[:250],
    )


def on_off(value: bool) -> str:
    """Return how the log stores a switch."""
    return "on" if value else "off"
