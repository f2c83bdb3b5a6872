"""Who changed the page's settings, in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from django.db.models import Q
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from accounts.models import Account, AuditEntry
from accounts.selectors import Change, who_changed
from notifications.additional.selectors import change_in_words, labels_of
from notifications.facts.triggers import load_triggers

HISTORY = 10


def change_history(account: Account) -> list[Change]:
    """Return the last changes of the page's settings, newest first. 2 queries."""
    which = Q(action__startswith="communication.") | Q(action="lead_owner")
    entries = AuditEntry.objects.filter(which, account=account)
    return list(_changes(entries[:HISTORY], labels_of(load_triggers())))


def _changes(
    entries: Iterable[AuditEntry], labels: Mapping[str, str | Promise]
) -> Iterator[Change]:
    for entry in entries:
        yield Change(at=entry.at, who=who_changed(entry), what=_what(entry, labels))


def _what(entry: AuditEntry, labels: Mapping[str, str | Promise]) -> str:
    if entry.action.startswith("communication.additional_"):
        return change_in_words(entry, labels)
    nobody = pgettext("recipient", "nobody")
    names = {"old": entry.old or nobody, "new": entry.new or nobody}
    on = entry.new == "on"
    if entry.action == "communication.receive_lead_activity":
        return _("Turned lead activity on") if on else _("Turned lead activity off")
    if entry.action == "communication.client_activity":
        return _("Turned client activity on") if on else _("Turned client activity off")
    if entry.action == "lead_owner":
        return _("Changed who looks after %(lead)s: %(old)s → %(new)s") % {
            **names,
            "lead": entry.subject,
        }
    if entry.action == "communication.backup":
        return _("Changed the backup: %(old)s → %(new)s") % names
    if entry.action == "communication.escalate_after":
        never = pgettext("escalation", "never")
        hours = {"old": entry.old or never, "new": entry.new or never}
        return _("Working hours until somebody else is told: %(old)s → %(new)s") % hours
    if entry.action == "communication.test_email":
        return _("Asked for a test e-mail to %(new)s") % names
    return _("Changed the recipient: %(old)s → %(new)s") % names
