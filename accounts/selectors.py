"""What the page Settings → Account → Users shows of the account's own rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from accounts.models import Account, AuditEntry, Invitation, Membership
from accounts.words import role_label

HISTORY = 10


def members_of(account: Account) -> list[Membership]:
    """Return who belongs to the account, deactivated or not, by name. 1 query."""
    members = Membership.objects.present().filter(account=account)
    return sorted(
        members.select_related("user", "account"),
        key=lambda member: (member.user.display_name.casefold(), member.user.email),
    )


def open_invitations(account: Account) -> list[Invitation]:
    """Return the invitations that wait, by address. 1 query."""
    rows = Invitation.objects.open().filter(account=account)
    return list(rows.select_related("invited_by").order_by("email"))


# --- Change history -----------------------------------------------------------------


def who_changed(entry: AuditEntry) -> str:
    """Return the person, or the command in words."""
    words = {"import_program": _("Data import"), "erase_person": _("Erasure of a person")}
    return entry.actor_name if entry.actor_id else words.get(entry.actor_name, entry.actor_name)


@dataclass(frozen=True, kw_only=True)
class Change:
    """A line of a settings page's history, in words."""

    at: datetime
    who: str
    what: str


def user_history(account: Account) -> list[Change]:
    """Return the last changes of the account's users, newest first. 1 query."""
    entries = AuditEntry.objects.filter(account=account, action__startswith="users.")
    return [
        Change(at=entry.at, who=who_changed(entry), what=_what(entry))
        for entry in entries[:HISTORY]
    ]


def _what(entry: AuditEntry) -> str:
    values = {
        "who": entry.subject or _("an erased person"),
        "old": _role(entry.old),
        "new": _role(entry.new),
    }
    action = entry.action.removeprefix("users.")
    if action == "edit_partner_settings":
        action = f"{action}_{entry.new}"
    return _sentences()[action] % values


def _role(key: str) -> str:
    return role_label(key) if key in Membership.Role.values else ""


def _sentences() -> dict[str, str]:
    return {
        "invited": _("Invited %(who)s. Role: %(new)s"),
        "invited_again": _("Invited %(who)s again. Role: %(new)s"),
        "invitation_revoked": _("Revoked the invitation of %(who)s"),
        "joined": _("%(who)s accepted the invitation. Role: %(new)s"),
        "added": _("Added %(who)s. Role: %(new)s"),
        "role": _("Changed the role of %(who)s: %(old)s → %(new)s"),
        "edit_partner_settings_on": _("Allowed %(who)s to edit partner settings"),
        "edit_partner_settings_off": _("No longer allowed %(who)s to edit partner settings"),
        "deactivated": _("Deactivated %(who)s"),
        "reactivated": _("Reactivated %(who)s"),
        "removed": _("Removed %(who)s. Role: %(old)s"),
    }
