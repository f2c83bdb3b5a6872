"""Additional recipients in a program file: read, checked, stored, and written out again."""

from __future__ import annotations

from collections.abc import Container, Iterable
from typing import Any

from accounts.models import Account, Membership
from notifications.additional.services import add_entry, choose_triggers, remove_entry
from notifications.models import AdditionalRecipient
from notifications.program.entries import AdditionalEntry
from notifications.program.errors import Problems
from notifications.program.reading import Node


def read_additional(node: Node) -> AdditionalEntry | None:
    """Return a user, or `lead_owner: true`; with the only actions that they hear of."""
    node.allow("user", "lead_owner", "triggers")
    email, is_owner = node.email("user"), node.flag("lead_owner")
    triggers = tuple(node.items("triggers") or ())
    if "triggers" in node and not triggers:
        node.refuse("triggers", "is empty: without the key it is every action.")
    if "user" in node and "lead_owner" in node:
        node.refuse("lead_owner", "cannot stand beside a user: write two entries.")
    elif is_owner is False:
        node.refuse("lead_owner", "can only be true: leave the entry out.")
    elif not is_owner:
        node.required("user", email)
    if not (email or is_owner):
        return None
    return AdditionalEntry(place=node.place, email=email or None, triggers=triggers)


def check_triggers(entry: AdditionalEntry, known: Container[str], problems: Problems) -> None:
    for index, key in enumerate(entry.triggers):
        if not isinstance(key, str) or key not in known:
            problems.add(f"{entry.place}.triggers[{index}]", f"there is no trigger {key!r}.")


def import_additional(
    account: Account, entries: Iterable[AdditionalEntry], *, actor_name: str
) -> bool:
    """Make these the additional recipients of the account; tell whether anything changed."""
    rows = AdditionalRecipient.objects.filter(communication__account=account)
    rows = rows.select_related("communication__account", "membership__user").order_by("pk")
    stored = {_email(row): row for row in rows}
    changed = False
    for entry in entries:
        row = stored.pop(entry.email, None)
        if row is None:
            add_entry(
                account,
                member_of(account, entry.email),
                triggers=entry.triggers,
                actor=None,
                actor_name=actor_name,
            )
            changed = True
        else:
            chosen = entry.triggers
            changed |= choose_triggers(row, chosen, actor=None, actor_name=actor_name)
    for row in stored.values():
        remove_entry(row, actor=None, actor_name=actor_name)
    return changed or bool(stored)


def _email(row: AdditionalRecipient) -> str | None:
    return row.membership.user.email if row.membership else None


def member_of(account: Account, email: str | None) -> Membership | None:
    """Return whom the file names; None: nobody."""
    people = account.memberships.select_related("user")
    return people.get(user__email=email) if email else None


def dump_additional(rows: Iterable[AdditionalRecipient]) -> list[dict[str, Any]]:
    """Return the entries, the lead's owner first. `membership__user` must be selected."""
    return [_dump(row) for row in sorted(rows, key=lambda row: _email(row) or "")]


def _dump(row: AdditionalRecipient) -> dict[str, Any]:
    who: dict[str, Any] = {"user": _email(row)} if row.membership else {"lead_owner": True}
    return {**who, "triggers": list(row.triggers)} if row.triggers else who
