"""The last decisions about the account's leads and clients, in words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Prefetch
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from accounts.models import Account
from notifications.activities.outcomes import on_its_way, waits_for_an_hour
from notifications.channels import EMAIL
from notifications.facts.triggers import load_triggers
from notifications.models import Decision, Delivery, Kind
from notifications.reasons import NOT_ITS_OWN, Reason
from notifications.text import one_line
from notifications.when.waiting import wait_words
from notifications.words import reason_sentence

RECENT = 10


@dataclass(frozen=True, kw_only=True)
class Recent:
    """One decision in words. `state`: good, held, no or bad."""

    at: datetime
    who: str
    domain: str
    action: str | Promise
    recipient: str
    state: str
    outcome: str
    url: str


def recent_decisions(account: Account) -> list[Recent]:
    """Return the last decisions about the account's leads and clients. 3 queries."""
    emails = Delivery.objects.current().filter(channel=EMAIL).order_by("pk")
    emails = emails.select_related("carrier")
    decisions = (
        Decision.objects.filter(account=account, kind__in=(Kind.LEAD, Kind.CLIENT))
        .exclude(reason__in=(*NOT_ITS_OWN, Reason.TRIGGER_NOT_CHOSEN))
        .select_related("activity__contact", "lead", "client", "membership__user", "notification")
        .prefetch_related(Prefetch("notification__deliveries", queryset=emails))
        .order_by("-created_at", "-pk")
    )
    labels = {trigger.key: trigger.label for trigger, _on in load_triggers()}
    return [
        _recent(decision, labels.get(decision.trigger) or decision.trigger)
        for decision in decisions[:RECENT]
    ]


def _recent(decision: Decision, action: str | Promise) -> Recent:
    row = decision.lead or decision.client
    contact = decision.activity.contact
    name = (row and row.contact_name) or (contact and (contact.name or contact.email)) or ""
    recipient = decision.membership.user.display_name if decision.membership else ""
    state, outcome = _outcome(decision)
    return Recent(
        at=decision.occurred_at,
        who=one_line(name or pgettext("visitor", "Somebody")),
        domain=row.domain if row else "",
        action=action,
        recipient=recipient,
        state=state,
        outcome=outcome,
        url=reverse("notifications:explain", args=[decision.activity.message_id]),
    )


_ON_ITS_WAY = frozenset(Delivery.WAITING)


def _outcome(decision: Decision) -> tuple[str, str]:
    if decision.outcome == Decision.Outcome.NO:
        return "no", _not_sent(decision.sentence)
    deliveries = decision.notification.deliveries.all() if decision.notification else ()
    for email in deliveries:
        if email.state in _ON_ITS_WAY:
            return "held", waits_for_an_hour() if wait_words(email) else on_its_way()
        if email.state == Delivery.State.UNKNOWN:
            return "held", _("Sent; whether it arrived is not known")
        if email.state == Delivery.State.DEAD:
            return "bad", _("Could not be delivered")
        if email.state != Delivery.State.DELIVERED:
            return "no", _not_sent(reason_sentence(email.reason))
    return "good", _("Sent")


def _not_sent(sentence: str) -> str:
    return _("Not sent: %(reason)s") % {"reason": sentence}
