"""When a member is away in a program file, and who is told meanwhile."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from accounts.models import Account, Membership
from notifications.models import Absence
from notifications.program.entries import AwayEntry, Program
from notifications.program.reading import Node
from notifications.program.rows import fetch, write
from notifications.program.summary import Change, Summary


def read_away(node: Node) -> AwayEntry | None:
    """Return what the file says; None: nothing that can be used."""
    node.allow("from", "until", "deputy")
    begins, ends = node.day("from"), node.day("until")
    for key in ("from", "until"):
        if key not in node:
            node.refuse(key, "is missing.")
    if begins and ends and ends < begins:
        node.refuse("until", "lies before the first day.")
    if begins is None or ends is None:
        return None
    return AwayEntry(
        place=node.place, begins=begins, ends=ends, deputy=node.email("deputy") or None
    )


def import_absences(program: Program, accounts: Mapping[str, Account], summary: Summary) -> None:
    """Store them once everybody is there: a deputy may stand further below in the file."""
    named = [
        (accounts[account.slug], entry)
        for account in program.accounts
        for entry in account.users
        if entry.names_away
    ]
    members = Membership.objects.select_related("user", "absence")
    account_ids = [account.pk for account, _entry in named]
    by_email = {(m.account_id, m.user.email): m for m in fetch(members, "account_id", account_ids)}
    for account, entry in named:
        member = by_email[account.pk, entry.email]
        stored, away = getattr(member, "absence", None), entry.away
        if away:
            deputy = by_email[account.pk, away.deputy] if away.deputy else None
            values = {"begins": away.begins, "ends": away.ends, "deputy": deputy}
            summary.add("absences", write(stored, Absence(membership=member), values)[1])
        elif stored:
            stored.delete()
            summary.add("absences", Change.UPDATED)


def dump_away(member: Membership) -> dict[str, Any] | None:
    """`absence__deputy__user` should be selected."""
    absence = getattr(member, "absence", None)
    if absence is None:
        return None
    document = {"from": absence.begins.isoformat(), "until": absence.ends.isoformat()}
    if absence.deputy:
        document["deputy"] = absence.deputy.user.email
    return document
