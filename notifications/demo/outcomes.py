"""What became of the latest events of the pretend website, person by person."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Prefetch
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from accounts.models import Membership
from notifications.channels import DESKTOP, EMAIL
from notifications.facts.triggers import load_deeds
from notifications.models import Decision, Delivery, Kind
from notifications.reasons import SENTENCES, Reason
from notifications.triggers import page_path
from notifications.when.waiting import wait_words
from notifications.words import channel_label, told_in_chat
from partners.models import Activity, Source

SHOWN = 8


@dataclass(frozen=True, kw_only=True)
class Way:
    """One channel of a message. `mail` is the id under which the mailbox has it."""

    label: str
    state: str
    sentence: str | Promise
    mail: str


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One candidate. `state`: told, on its way, or not told with the reason's sentence."""

    rule: str
    who: str
    account: str
    state: str
    sentence: str | Promise
    ways: tuple[Way, ...]


@dataclass(frozen=True, kw_only=True)
class EventRow:
    pk: int
    message_id: str
    at: datetime
    who: str
    did: str | Promise
    waiting: bool
    outcomes: tuple[Outcome, ...]


def latest_events(source: Source, since: datetime) -> list[EventRow]:
    """Return the events since then, newest first, at most eight. 4 queries."""
    deliveries = Delivery.objects.current().select_related("carrier").order_by("-channel")
    decisions = Decision.objects.select_related(
        "membership__user", "account", "notification"
    ).prefetch_related(Prefetch("notification__deliveries", deliveries))
    activities = (
        Activity.objects.filter(source=source, received_at__gte=since, type__in=("page", "track"))
        .select_related("contact")
        .prefetch_related(Prefetch("decisions", decisions))
        .order_by("-pk")[:SHOWN]
    )
    deeds = load_deeds()
    return [_event_row(activity, deeds) for activity in activities]


def _event_row(activity: Activity, deeds: Mapping[str, str | Promise]) -> EventRow:
    decisions = list(activity.decisions.all())
    return EventRow(
        pk=activity.pk,
        message_id=activity.message_id,
        at=activity.occurred_at,
        who=str(activity.contact) if activity.contact else _("An unknown visitor"),
        did=_did(activity, decisions, deeds),
        waiting=activity.state == Activity.State.PENDING,
        outcomes=tuple(_without_repeats(_outcome(d) for d in sorted(decisions, key=_place))),
    )


def _did(
    activity: Activity, decisions: list[Decision], deeds: Mapping[str, str | Promise]
) -> str | Promise:
    if decisions:
        return deeds.get(decisions[0].trigger, decisions[0].trigger)
    if activity.type == "page":
        path = page_path(activity.payload)
        if path == "/":
            return _("looked at the home page")
        return _("looked at %(page)s") % {"page": path or activity.name}
    return _("did “%(event)s”") % {"event": activity.name}


def _without_repeats(outcomes: Iterable[Outcome]) -> Iterable[Outcome]:
    """Both rules may know the same person and give the same answer, in one message."""
    seen = set()
    for outcome in outcomes:
        key = (outcome.who, outcome.account, outcome.sentence, outcome.ways)
        if key not in seen:
            seen.add(key)
            yield outcome


def _place(decision: Decision) -> tuple[bool, bool, int]:
    """Who was told first, then who was not, then what stopped before anybody was known."""
    return decision.outcome == Decision.Outcome.NO, decision.membership_id is None, decision.pk


def _outcome(decision: Decision) -> Outcome:
    deliveries = list(decision.notification.deliveries.all()) if decision.notification else []
    member = decision.membership
    return Outcome(
        rule=_rule(decision.kind),
        who=member.user.display_name if member else "",
        account=decision.account.name if decision.account else "",
        state=_state(decision, deliveries),
        sentence=SENTENCES[Reason(decision.reason)],
        ways=tuple(_way(delivery, decision.membership) for delivery in deliveries),
    )


def _rule(kind: str) -> str:
    names = {Kind.LEAD: _("As a lead"), Kind.CLIENT: _("As a customer")}
    return names.get(Kind(kind), _("As a shared deal"))


def _state(decision: Decision, deliveries: list[Delivery]) -> str:
    if decision.outcome == Decision.Outcome.NO:
        return "no"
    done = any(delivery.state == Delivery.State.DELIVERED for delivery in deliveries)
    return "told" if done else "waiting"


def _way(delivery: Delivery, member: Membership | None) -> Way:
    delivered = delivery.state == Delivery.State.DELIVERED
    final = delivery.state in Delivery.FINAL
    is_mail = delivery.channel == EMAIL
    sentence: str | Promise = ""
    if delivery.detail == Delivery.TOLD_IN_CHAT:
        sentence = told_in_chat()
    elif final and not delivered:
        reason = delivery.reason
        sentence = SENTENCES[Reason(reason)] if reason else _("It could not be sent.")
    elif member:  # Whoever watches the website may be nobody: the hour is that of who is told.
        with timezone.override(member.user.timezone):
            sentence = wait_words(delivery)
    return Way(
        label=_("Bell") if delivery.channel == DESKTOP else channel_label(delivery.channel),
        state="told" if delivered else "no" if final else "waiting",
        sentence=sentence,
        mail=str(delivery.public_id) if is_mail and delivered else "",
    )
