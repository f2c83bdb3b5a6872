"""Who changed which setting, from what to what (R37)."""

from __future__ import annotations

from accounts.mentions import mentions, perhaps_mentions
from accounts.models import Account, AuditEntry, User

# Stands where a change named somebody who was erased; empty would say that it was nobody.
ERASED = "–"
LONGEST = 250


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
        subject=_cut(subject),
        old=_cut(old),
        new=_cut(new),
    )


def _cut(text: str) -> str:
    """Shorten what is too long; not the address behind a name, by which a person is forgotten."""
    head, mark, address = text.rpartition(" · ")
    return head[: max(LONGEST - len(mark + address), 0)] + (mark + address)[:LONGEST]


def forget_person(email: str) -> None:
    """Empty what names the person in the history (R104), with what else stands there."""
    is_meant = mentions(email)
    for field, left in (("subject", ""), ("old", ERASED), ("new", ERASED)):
        texts = AuditEntry.objects.filter(perhaps_mentions(email, field)).values_list("pk", field)
        named = [pk for pk, text in texts if is_meant(text)]
        AuditEntry.objects.filter(pk__in=named).update(**{field: left})


def on_off(value: bool) -> str:
    """Return how the log stores a switch."""
    return "on" if value else "off"
