"""One activity replayed, link by link, for the reader's account."""

from collections.abc import Iterable, Iterator, Sequence

from django.db.models import Prefetch, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from accounts.models import Account, Membership
from accounts.templatetags.moments import due
from notifications.activities.outcomes import outcome_of
from notifications.activities.visible import visible_with_message_id
from notifications.activities.words import what_was_done
from notifications.endpoints.names import endpoint_names
from notifications.explain.answers import answer_for
from notifications.explain.chain import (
    COMPANY,
    DECIDES_AT,
    EVENT,
    PEOPLE,
    PERSON,
    SUBJECT,
    TRIGGER,
    Candidate,
    Chain,
    Fact,
    Step,
)
from notifications.explain.people import candidate
from notifications.explain.words import client_words, how_known, lead_words, owner_words
from notifications.facts.triggers import load_matcher, load_triggers
from notifications.models import Attempt, Decision, Delivery, MailReport, NotificationReason
from notifications.reasons import OF_THE_EVENT, Reason
from notifications.triggers import Match, TriggerType, page_path
from notifications.words import kind_label, repeat_words
from partners.models import (
    Activity,
    Client,
    CompanyContact,
    Deal,
    Lead,
    RejectedEvent,
)


def load_chains(
    message_id: str, account: Account | None, reader: Membership | None = None
) -> list[Chain]:
    """Return the chains of the visible activities with this id, oldest first.

    Empty: there is none, or none that the account may see. About 12 queries for each.
    """
    activities = visible_with_message_id(message_id, account).select_related("contact", "source")
    return [_Story(activity, account, reader).tell() for activity in activities.order_by("pk")]


def load_rejections(message_id: str) -> list[RejectedEvent]:
    """Return the refused events with this id, for the vendor's eyes only."""
    rejected = RejectedEvent.objects.filter(message_id=message_id).select_related("source")
    return list(rejected.order_by("-received_at", "-pk")[:20])


class _Story:
    def __init__(
        self, activity: Activity, account: Account | None, reader: Membership | None
    ) -> None:
        self._activity = activity
        self._account = account
        self._reader = reader
        self._match = _match_of(activity)
        self._decisions = list(_decisions(activity, account))
        self._reasons = {d.pk: Reason(d.reason) for d in self._decisions}

    def tell(self) -> Chain:
        outcome = outcome_of(self._activity, self._account)
        answer = answer_for(self._activity, self._match, self._decisions, self._reader)
        return Chain(
            message_id=self._activity.message_id,
            headline=self._headline(),
            outcome=outcome,
            answer="" if outcome and outcome.text == answer else answer,
            steps=self._steps(),
            candidates=self._candidates(),
        )

    def _candidates(self) -> tuple[Candidate, ...]:
        messages = {d.notification for d in self._decisions if d.notification}
        names = endpoint_names(row for message in messages for row in message.deliveries.all())
        return tuple(
            candidate(d, self._account, self._reader, names, self._decisions)
            for d in self._decisions
        )

    def _headline(self) -> str:
        contact = self._activity.contact
        who = str(contact) if contact else _("Somebody unknown")
        if self._match:
            return f"{who} {self._match.trigger.did}"
        return f"{who}: {what_was_done(self._activity)}"

    # --- The links ------------------------------------------------------------------

    def _steps(self) -> tuple[Step, ...]:
        drafts = (
            (EVENT, _("What happened"), self._event()),
            (PERSON, _("Who it was"), self._person()),
            (TRIGGER, _("Which action it was"), self._trigger()),
            (COMPANY, _("The company"), self._companies()),
            (SUBJECT, _("Whose lead, client or deal"), self._subjects()),
            (PEOPLE, _("Who is told"), ()),
        )
        furthest = self._furthest([key for key, _title, _facts in drafts])
        return tuple(
            Step(
                key=key,
                title=title,
                facts=tuple(facts),
                findings=tuple(self._findings(key)),
                tells=key == PEOPLE and Reason.SENT in self._reasons.values(),
                kinds=", ".join(self._kinds(key)),
                # Whoever is listed was considered, even if the rule that decided is above.
                reached=place <= furthest or (key == PEOPLE and bool(self._decisions)),
            )
            for place, (key, title, facts) in enumerate(drafts)
        )

    def _furthest(self, keys: list[str]) -> int:
        if self._activity.state != Activity.State.EVALUATED:
            return keys.index(TRIGGER)
        if self._match is None:
            return keys.index(TRIGGER)
        places = [keys.index(_decides_at(r)) for r in self._reasons.values()]
        return max(places, default=len(keys))

    def _findings(self, key: str) -> Iterator[str]:
        if key == TRIGGER and self._match is None:
            yield _("This is not one of the actions that notify, so nobody is told.")
        stopped = [(d.kind, self._reasons[d.pk], d.sentence) for d in self._decisions]
        several = self._are_several
        for kind, reason, sentence in dict.fromkeys(stopped):
            if reason != Reason.SENT and _decides_at(reason) == key:
                yield f"{kind_label(kind)}: {sentence}" if several else sentence

    @property
    def _are_several(self) -> bool:
        return len({d.kind for d in self._decisions}) > 1

    def _kinds(self, key: str) -> Iterable[str]:
        """Return about what it is decided here; nothing: there is but one kind."""
        here = [d.kind for d in self._decisions if _decides_at(self._reasons[d.pk]) == key]
        return dict.fromkeys(map(kind_label, here)) if self._are_several else ()

    def _event(self) -> Iterator[Fact]:
        activity = self._activity
        yield Fact(label=_("Event"), text=self._event_words())
        if path := page_path(activity.payload):
            yield Fact(label=_("Page"), text=path)
        yield Fact(label=_("Happened"), when=activity.occurred_at)
        yield Fact(label=_("Arrived"), when=activity.received_at)
        if self._account is None:
            yield Fact(label=_("Source"), text=activity.source.name)
        yield self._looked_at()

    def _event_words(self) -> str:
        activity = self._activity
        if self._account is None:
            return f"{activity.type}: {activity.name or '–'}"
        return activity.name if activity.type == "track" else what_was_done(activity)

    def _looked_at(self) -> Fact:
        activity, label = self._activity, _("Looked at")
        if activity.state == Activity.State.EVALUATED:
            return Fact(label=label, when=activity.evaluated_at)
        if activity.state == Activity.State.PENDING:
            return Fact(label=label, text=_not_yet(activity))
        problem = activity.problem if self._account is None else ""
        return Fact(label=label, text=f"{_('Set aside after it failed')}. {problem}".strip())

    def _person(self) -> Iterator[Fact]:
        contact = self._activity.contact
        if contact is None:
            yield Fact(label=_("Person"), text=_("An unidentified visitor"))
            return
        if contact.name:
            yield Fact(label=pgettext("person", "Name"), text=contact.name)
        yield Fact(label=_("E-mail"), text=contact.email)
        yield Fact(label=_("Known because"), text=how_known(self._activity, contact.email))

    def _trigger(self) -> Iterator[Fact]:
        if self._match is None:
            yield Fact(label=_("Action"), text=_("It is none of the actions that notify."))
            return
        trigger = self._match.trigger
        yield Fact(
            label=_("Action"), text=str(trigger.label), url=reverse("notifications:triggers")
        )
        yield Fact(label=_("Notifies"), text=_("Switched on") if self._match.enabled else _("Off"))
        yield Fact(label=_("If repeated"), text=repeat_words(trigger.repeat))

    def _companies(self) -> Iterator[Fact]:
        contact = self._activity.contact
        links = CompanyContact.objects.filter(contact=contact, unlinked=False)
        domains = {row.domain for row in self._registrations()} | {
            deal.company.domain for deal in self._deals()
        }
        for link in links.select_related("company__owner").order_by("company_id"):
            if self._account is None:
                yield Fact(label=link.company.name, text=owner_words(link))
            elif link.company.domain in domains:
                yield Fact(label=_("Company"), text=link.company.name)
        if contact and contact.domain:
            yield Fact(label=_("Domain of the e-mail"), text=contact.domain)

    # --- Leads, clients, deals ----------------------------------------------------------

    def _registrations(self) -> list[Lead | Client]:
        rows = [d.lead or d.client for d in self._decisions]
        return list({(type(r), r.pk): r for r in rows if r}.values())

    def _deals(self) -> list[Deal]:
        deals = [d.deal for d in self._decisions if d.deal]
        deals += [r.deal for d in self._decisions for r in _message_reasons(d) if r.deal]
        return list({deal.pk: deal for deal in deals}.values())

    def _subjects(self) -> Iterator[Fact]:
        for row in self._registrations():
            if isinstance(row, Lead):
                url, label, words = (
                    reverse("partners:lead", args=[row.pk]),
                    _("Lead"),
                    lead_words(row),
                )
            else:
                url, label, words = "", _("Client"), client_words(row)
            yield Fact(label=label, text=self._of_whom(row, words), url=url)
        for deal in self._deals():
            yield Fact(
                label=_("Shared deal"), text=deal.name, url=reverse("partners:deal", args=[deal.pk])
            )

    def _of_whom(self, row: Lead | Client, words: str) -> str:
        return f"{row.account}: {words}" if self._account is None else words


def _decides_at(reason: Reason) -> str:
    return DECIDES_AT.get(reason, PEOPLE)


def _match_of(activity: Activity) -> Match | None:
    """Return the trigger that the decisions name; before there are any, what matches now."""
    if activity.state != Activity.State.EVALUATED:
        return load_matcher().match(
            type=activity.type, name=activity.name, payload=activity.payload
        )
    decided = activity.decisions.values_list("trigger", "reason")
    keys = {key for key, _reason in decided}
    if not keys:
        return None
    key = keys.pop()
    known = {trigger.key: trigger for trigger, _on in load_triggers()}
    return Match(
        trigger=known.get(key, TriggerType(key=key, label=key, did=key)),
        enabled=all(reason != Reason.TRIGGER_OFF for _key, reason in decided),
    )


def _decisions(activity: Activity, account: Account | None) -> Iterable[Decision]:
    tries = Prefetch("attempts", queryset=Attempt.objects.order_by("n"))
    reports = Prefetch("reports", queryset=MailReport.objects.order_by("at"))
    deliveries = Delivery.objects.select_related("carrier").order_by("pk")
    deliveries = deliveries.prefetch_related(tries, reports)
    reasons = NotificationReason.objects.select_related("deal__company").order_by("pk")
    decisions = activity.decisions.select_related(
        "account",
        "membership__user",
        "absent__user",
        "lead__account",
        "client__account",
        "deal__company",
        "notification",
    ).prefetch_related(
        Prefetch("notification__deliveries", queryset=deliveries),
        Prefetch("notification__reasons", queryset=reasons),
        "membership__paces",
    )
    if account is None:
        return decisions.order_by("pk")
    # Other decisions about nobody (account None) are for the vendor's eyes only, and so are the
    # deals of others, even if one of the account's people stands on their team (R45).
    readable = Q(account=account) | Q(account=None, reason__in=OF_THE_EVENT)
    return decisions.filter(readable).exclude(reason=Reason.NOT_SHARED).order_by("pk")


def _message_reasons(decision: Decision) -> Sequence[NotificationReason]:
    return list(decision.notification.reasons.all()) if decision.notification else []


def _not_yet(activity: Activity) -> str:
    if activity.not_before and activity.not_before > timezone.now():
        return _("Not yet; it waits until %(until)s.") % {"until": due(activity.not_before)}
    return _("Not yet; it waits for a worker.")
