"""What the page Settings → Partners → Communication shows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from allauth.account.models import EmailAddress
from django.db.models import Exists, OuterRef, Prefetch
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from accounts.models import Account, AuditEntry, Membership
from accounts.selectors import Change, who_changed
from notifications.channels import EMAIL
from notifications.facts.people import load_people
from notifications.facts.triggers import load_triggers
from notifications.models import CommunicationSettings, Decision, Delivery, Kind, Preference
from notifications.reasons import NOT_ITS_OWN
from notifications.text import one_line
from notifications.topics import CO_SELLING, LEAD_ACTIVITY, TOPICS
from notifications.words import reason_sentence

RECENT, HISTORY = 10, 10


def communication_of(account: Account) -> CommunicationSettings:
    """Return the account's row; without one, everything off and not stored. 1 query."""
    rows = CommunicationSettings.objects.select_related("recipient__user", "recipient__account")
    return rows.filter(account=account).first() or CommunicationSettings(account=account)


def possible_recipients(account: Account) -> list[Membership]:
    """Return active members with a verified e-mail, by name (R28). 1 query."""
    verified = EmailAddress.objects.filter(
        user=OuterRef("user"), email__iexact=OuterRef("user__email"), verified=True
    )
    members = Membership.objects.active().filter(Exists(verified), account=account)
    return sorted(
        members.select_related("user", "account"),
        key=lambda member: (member.user.display_name.casefold(), member.user.email),
    )


# --- Warnings -----------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Warning:
    """Why nothing reaches anybody although it is switched on. `tone`: warn or bad.
    `url` and `action`: the way out; as a rule, to choose somebody else."""

    tone: str
    title: str
    text: str
    action: str
    url: str = "#id_recipient"


def warning_about(communication: CommunicationSettings, reader: Membership) -> Warning | None:
    """Return what stands between a lead's action and an e-mail (R29, R33, R40). 0-2 queries."""
    if not communication.receive_lead_activity:
        return None
    recipient = communication.recipient
    if recipient is None:
        return Warning(
            tone="warn",
            title=_("No recipient chosen – nothing is sent."),
            text=_("Lead activity is recorded, but nobody is told until you choose somebody."),
            action=_("Choose a recipient"),
        )
    name = {"name": recipient.user.display_name}
    if not recipient.is_current:
        return Warning(
            tone="bad",
            title=_("Recipient is deactivated."),
            text=_("%(name)s can no longer sign in, so nothing is sent.") % name,
            action=_("Choose another recipient"),
        )
    return _warning_about_person(recipient, reader)


def _warning_about_person(recipient: Membership, reader: Membership) -> Warning | None:
    person = load_people([recipient])[recipient.pk]
    words = {"name": recipient.user.display_name, "email": recipient.user.email}
    has_it_off = not (person.switched_on(EMAIL, "enabled") and person.ticked(EMAIL, LEAD_ACTIVITY))
    if recipient.pk == reader.pk and has_it_off:
        return Warning(
            tone="warn",
            title=_("You are the recipient and have turned these e-mails off."),
            text=_("None reaches you until you turn them on again."),
            action=_("Turn them on again"),
            url=reverse("notifications:preferences", args=["email"]) + "#group-email-partners",
        )
    if not person.switched_on(EMAIL, "enabled"):
        return Warning(
            tone="warn",
            title=_("Recipient has turned e-mail off."),
            text=_("Nothing reaches %(name)s by e-mail until they turn it on again.") % words,
            action=_("Choose another recipient"),
        )
    if not person.ticked(EMAIL, LEAD_ACTIVITY):
        words["topic"] = str(TOPICS[LEAD_ACTIVITY].label)
        return Warning(
            tone="warn",
            title=_("Recipient does not want e-mail about lead activity."),
            text=_("%(name)s has unticked “%(topic)s” for e-mail.") % words,
            action=_("Choose another recipient"),
        )
    if person.suppressed:
        return Warning(
            tone="bad",
            title=_("Recipient's address does not accept e-mail."),
            text=_("Mail to %(email)s came back, so nothing more is sent there.") % words,
            action=_("Choose another recipient"),
        )
    return None


# --- Deal notifications ---------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class DealPeople:
    """How many people on the account's shared deals have co-selling ticked somewhere."""

    on: int
    total: int


def deal_people(account: Account) -> DealPeople:
    """1 query."""
    ticked = Preference.objects.filter(membership=OuterRef("pk"), key=CO_SELLING, is_on=True)
    people = (
        Membership.objects.active()
        .filter(
            account=account,
            deal_roles__removed_at=None,
            deal_roles__deal__archived_at=None,
            deal_roles__deal__shares__account=account,
        )
        .annotate(has_it_on=Exists(ticked))
        .values_list("pk", "has_it_on")
        .distinct()
    )
    on = [has_it_on for _pk, has_it_on in people]
    return DealPeople(on=sum(on), total=len(on))


# --- Recent notifications ------------------------------------------------------------------


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
    decisions = (
        Decision.objects.filter(account=account, kind__in=(Kind.LEAD, Kind.CLIENT))
        .exclude(reason__in=NOT_ITS_OWN)
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


_ON_ITS_WAY = frozenset({Delivery.State.PENDING, *Delivery.HELD})


def _outcome(decision: Decision) -> tuple[str, str]:
    if decision.outcome == Decision.Outcome.NO:
        return "no", _not_sent(decision.reason)
    deliveries = decision.notification.deliveries.all() if decision.notification else ()
    for email in deliveries:
        if email.state in _ON_ITS_WAY:
            return "held", _("On its way")
        if email.state == Delivery.State.UNKNOWN:
            return "held", _("Sent; whether it arrived is not known")
        if email.state == Delivery.State.DEAD:
            return "bad", _("Could not be delivered")
        if email.state != Delivery.State.DELIVERED:
            return "no", _not_sent(email.reason)
    return "good", _("Sent")


def _not_sent(reason: str) -> str:
    return _("Not sent: %(reason)s") % {"reason": reason_sentence(reason)}


# --- Change history --------------------------------------------------------------------------


def change_history(account: Account) -> list[Change]:
    """Return the last changes of the page's settings, newest first. 1 query."""
    entries = AuditEntry.objects.filter(account=account, action__startswith="communication.")
    return list(_changes(entries[:HISTORY]))


def _changes(entries: Iterable[AuditEntry]) -> Iterator[Change]:
    for entry in entries:
        yield Change(at=entry.at, who=who_changed(entry), what=_what(entry))


def _what(entry: AuditEntry) -> str:
    nobody = pgettext("recipient", "nobody")
    names = {"old": entry.old or nobody, "new": entry.new or nobody}
    on = entry.new == "on"
    if entry.action == "communication.receive_lead_activity":
        return _("Turned lead activity on") if on else _("Turned lead activity off")
    if entry.action == "communication.client_activity":
        return _("Turned client activity on") if on else _("Turned client activity off")
    if entry.action == "communication.test_email":
        return _("Asked for a test e-mail to %(new)s") % names
    return _("Changed the recipient: %(old)s → %(new)s") % names
