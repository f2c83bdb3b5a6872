"""One activity replayed: event → person → trigger → company → lead or deal → people.

Builds data; the page and the command render it. `account` None is the vendor's view; a
partner's view holds its own decisions only, and nothing that says there are others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Prefetch
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.models import Account, Membership
from notifications.activity_selectors import Outcome, outcome_of, visible_with_message_id
from notifications.chain_words import client_words, how_known, lead_words, owner_words
from notifications.decision_log import deliveries_of
from notifications.facts.triggers import load_matcher, load_triggers
from notifications.models import Attempt, Decision, Delivery, NotificationReason
from notifications.reasons import SENTENCES, Reason
from notifications.triggers import Match, TriggerType, page_path
from notifications.words import channel_label, kind_label, reason_sentence, repeat_words
from partners.domains import email_domain
from partners.models import (
    Activity,
    Client,
    CompanyContact,
    Deal,
    Lead,
    RejectedEvent,
)

EVENT, PERSON, TRIGGER, COMPANY, SUBJECT, PEOPLE = (
    "event",
    "person",
    "trigger",
    "company",
    "subject",
    "people",
)

# At which link of the chain each reason decides. What is missing decides about the people.
_DECIDES_AT = {
    Reason.STALE: EVENT,
    Reason.BOT: EVENT,
    Reason.NO_CONSENT: PERSON,
    Reason.INTERNAL: PERSON,
    Reason.TRIGGER_OFF: TRIGGER,
    Reason.NO_COMPANY: COMPANY,
    Reason.COMPANY_OWNER_NOT_GS: COMPANY,
    Reason.NO_COSOLD_DEAL: COMPANY,
    Reason.NO_REGISTRATION: SUBJECT,
    Reason.REGISTRATION_NOT_ACTIVE: SUBJECT,
    Reason.REGISTERED_LATER: SUBJECT,
    Reason.NOT_PARTNER: SUBJECT,
    Reason.NOT_SHARED: SUBJECT,
    Reason.NOT_FIRST_PARTNER: SUBJECT,
    Reason.COOLDOWN: SUBJECT,
    Reason.ALREADY_SIGNED_UP: SUBJECT,
}


@dataclass(frozen=True, kw_only=True)
class Fact:
    """A line of a card: words or a time, perhaps with a link."""

    label: str
    text: str = ""
    when: datetime | None = None
    url: str = ""


@dataclass(frozen=True, kw_only=True)
class Try:
    number: int
    at: datetime
    text: str


@dataclass(frozen=True, kw_only=True)
class Sending:
    """A message on one channel. `at`: when it was done with."""

    channel: str
    outcome: Outcome
    at: datetime | None
    tries: tuple[Try, ...]


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """Somebody who was considered. `is_viewer`: the reader of the page."""

    who: str
    email: str
    account: str
    kind: str
    subject: str
    told: bool
    reason: str
    sentence: str
    is_viewer: bool
    sendings: tuple[Sending, ...]


@dataclass(frozen=True, kw_only=True)
class Step:
    """A link of the chain. `findings` are the rules that stopped somebody here; `tells`:
    here somebody is told. Either decides."""

    key: str
    title: str
    facts: tuple[Fact, ...]
    findings: tuple[str, ...] = ()
    tells: bool = False
    reached: bool = True

    @property
    def decides(self) -> bool:
        return self.tells or bool(self.findings)


@dataclass(frozen=True, kw_only=True)
class Chain:
    """What happened to one activity. `answer` is for the reader: why did I,
    or did I not; empty if the outcome says it all."""

    message_id: str
    headline: str
    outcome: Outcome | None
    answer: str
    steps: tuple[Step, ...]
    candidates: tuple[Candidate, ...]


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
        answer = self._answer()
        return Chain(
            message_id=self._activity.message_id,
            headline=self._headline(),
            outcome=outcome,
            answer="" if outcome and outcome.text == answer else answer,
            steps=self._steps(),
            candidates=tuple(self._candidate(d) for d in self._decisions),
        )

    def _headline(self) -> str:
        contact = self._activity.contact
        who = str(contact) if contact else _("Somebody unknown")
        if self._match:
            return f"{who} {self._match.trigger.did}"
        return f"{who}: {self._activity.name or self._activity.type}"

    # --- The links ------------------------------------------------------------------

    def _steps(self) -> tuple[Step, ...]:
        drafts = (
            (EVENT, _("What happened"), self._event()),
            (PERSON, _("Who it was"), self._person()),
            (TRIGGER, _("Which action it is"), self._trigger()),
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
                reached=place <= furthest,
            )
            for place, (key, title, facts) in enumerate(drafts)
        )

    def _furthest(self, keys: list[str]) -> int:
        if self._activity.state != Activity.State.EVALUATED:
            return keys.index(TRIGGER)
        if self._match is None:
            return keys.index(TRIGGER)
        places = [keys.index(_DECIDES_AT.get(r, PEOPLE)) for r in self._reasons.values()]
        return max(places, default=len(keys))

    def _findings(self, key: str) -> Iterator[str]:
        if key == TRIGGER and self._match is None:
            yield _("This is not one of the actions that notify, so nobody is told.")
        stopped = [(d.kind, self._reasons[d.pk]) for d in self._decisions]
        several = len({d.kind for d in self._decisions}) > 1
        for kind, reason in dict.fromkeys(stopped):
            if reason != Reason.SENT and _DECIDES_AT.get(reason, PEOPLE) == key:
                sentence = str(SENTENCES[reason])
                yield f"{kind_label(kind)}: {sentence}" if several else sentence

    def _event(self) -> Iterator[Fact]:
        activity = self._activity
        yield Fact(label=_("Event"), text=f"{activity.type}: {activity.name or '–'}")
        if path := page_path(activity.payload):
            yield Fact(label=_("Page"), text=path)
        yield Fact(label=_("Happened"), when=activity.occurred_at)
        yield Fact(label=_("Arrived"), when=activity.received_at)
        if self._account is None:
            yield Fact(label=_("Source"), text=activity.source.name)
        yield self._looked_at()

    def _looked_at(self) -> Fact:
        activity, label = self._activity, _("Looked at")
        if activity.state == Activity.State.EVALUATED:
            return Fact(label=label, when=activity.evaluated_at)
        if activity.state == Activity.State.PENDING:
            return Fact(label=label, text=_("Not yet; it waits for a worker."))
        problem = activity.problem if self._account is None else ""
        return Fact(label=label, text=f"{_('Set aside after five failures')}. {problem}".strip())

    def _person(self) -> Iterator[Fact]:
        contact = self._activity.contact
        if contact is None:
            yield Fact(label=_("Person"), text=_("An unidentified visitor"))
            return
        if contact.name:
            yield Fact(label=_("Name"), text=contact.name)
        yield Fact(label=_("E-mail"), text=contact.email)
        yield Fact(label=_("Known because"), text=how_known(self._activity, contact.email))

    def _trigger(self) -> Iterator[Fact]:
        if self._match is None:
            yield Fact(label=_("Action"), text=_("No action of the list matches."))
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
        if contact and (domain := email_domain(contact.email)):
            yield Fact(label=_("Domain of the e-mail"), text=domain)

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
                url, label, words = _lead_url(row), _("Lead"), lead_words(row)
            else:
                url, label, words = "", _("Client"), client_words(row)
            yield Fact(label=label, text=self._of_whom(row, words), url=url)
        for deal in self._deals():
            yield Fact(
                label=_("Shared deal"), text=deal.name, url=reverse("partners:deal", args=[deal.pk])
            )

    def _of_whom(self, row: Lead | Client, words: str) -> str:
        return f"{row.account}: {words}" if self._account is None else words

    # --- People ---------------------------------------------------------------------------

    def _candidate(self, decision: Decision) -> Candidate:
        by_notification = {
            decision.notification_id or 0: list(decision.notification.deliveries.all())
            if decision.notification
            else []
        }
        member = decision.membership
        return Candidate(
            who=_who(decision),
            email=member.user.email if member else "",
            account=str(decision.account) if decision.account and self._account is None else "",
            kind=str(kind_label(decision.kind)),
            subject=_subject(decision),
            told=decision.outcome == Decision.Outcome.SEND,
            reason=decision.reason,
            sentence=str(SENTENCES[Reason(decision.reason)]),
            is_viewer=bool(self._reader and decision.membership_id == self._reader.pk),
            sendings=tuple(
                _sending(d, details=self._account is None)
                for d in deliveries_of(decision, by_notification)
            ),
        )

    # --- Why did I, or did I not ------------------------------------------------------------

    def _answer(self) -> str:
        if self._activity.state == Activity.State.PENDING:
            return _("This activity has not been looked at yet.")
        if self._match is None:
            return _("Nobody is told: this is not one of the actions that notify.")
        if self._reader is None or self._reader.is_vendor_side:
            return self._answer_for_vendor()
        own = [d for d in self._decisions if d.membership_id == self._reader.pk]
        if own:
            return _answer_for(own)
        return self._answer_for_others()

    def _answer_for_vendor(self) -> str:
        told = [d for d in self._decisions if d.outcome == Decision.Outcome.SEND]
        if told:
            names = ", ".join(dict.fromkeys(_who(d) for d in told))
            return _("Told: %(names)s.") % {"names": names}
        return " ".join(dict.fromkeys(str(SENTENCES[r]) for r in self._reasons.values()))

    def _answer_for_others(self) -> str:
        told = [d for d in self._decisions if d.outcome == Decision.Outcome.SEND]
        names = ", ".join(dict.fromkeys(_who(d) for d in told))
        if names:
            return _("You are not told about this; told in your account: %(names)s.") % {
                "names": names
            }
        account_wide = [d for d in self._decisions if d.membership_id is None] or self._decisions
        if account_wide:
            return str(SENTENCES[Reason(account_wide[0].reason)])
        return _("Nobody in your account is told about this.")


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
    deliveries = Delivery.objects.order_by("pk").prefetch_related(tries)
    reasons = NotificationReason.objects.select_related("deal__company").order_by("pk")
    decisions = activity.decisions.select_related(
        "account",
        "membership__user",
        "lead__account",
        "client__account",
        "deal__company",
        "notification",
    ).prefetch_related(
        Prefetch("notification__deliveries", queryset=deliveries),
        Prefetch("notification__reasons", queryset=reasons),
    )
    # Decisions about nobody (account None) are for the vendor's eyes only.
    return decisions.order_by("pk") if account is None else decisions.filter(account=account)


def _message_reasons(decision: Decision) -> Sequence[NotificationReason]:
    return list(decision.notification.reasons.all()) if decision.notification else []


def _answer_for(own: list[Decision]) -> str:
    told = [d for d in own if d.outcome == Decision.Outcome.SEND]
    if not told:
        return " ".join(dict.fromkeys(str(SENTENCES[Reason(d.reason)]) for d in own))
    subjects = ", ".join(dict.fromkeys(filter(None, (_subject(d) for d in told))))
    if all(d.kind == "deal" for d in told):
        return _("You are told because you are the owner or on the team of: %(names)s.") % {
            "names": subjects
        }
    return _("You are told because you are the chosen recipient for: %(names)s.") % {
        "names": subjects
    }


def _who(decision: Decision) -> str:
    if decision.membership:
        return decision.membership.user.display_name
    if decision.account:
        return _("Nobody at %(account)s") % {"account": decision.account}
    return _("Nobody")


def _subject(decision: Decision) -> str:
    row = decision.lead or decision.client
    if row:
        return row.company or row.domain
    return decision.deal.name if decision.deal else ""


def _lead_url(lead: Lead) -> str:
    return reverse("partners:lead", args=[lead.pk])


_STATES: dict[str, str] = {
    Delivery.State.DELIVERED: "good",
    Delivery.State.DEAD: "bad",
    Delivery.State.SUPPRESSED: "no",
    Delivery.State.CANCELLED: "no",
    Delivery.State.EXPIRED: "no",
}


def _sending(delivery: Delivery, *, details: bool) -> Sending:
    words = [delivery.get_state_display()]
    if delivery.reason and delivery.reason != Reason.SENT:
        words.append(reason_sentence(delivery.reason))
    return Sending(
        channel=str(channel_label(delivery.channel)),
        outcome=Outcome(state=_STATES.get(delivery.state, "held"), text=": ".join(words)),
        at=delivery.done_at,
        tries=tuple(
            Try(number=t.n, at=t.started_at, text=_try_words(t, details=details))
            for t in delivery.attempts.all()
        ),
    )


def _try_words(attempt: Attempt, *, details: bool) -> str:
    outcome = attempt.get_outcome_display() if attempt.outcome else _("no answer yet")
    # What servers answer, and the ids they give, are the operator's business.
    return f"{outcome}: {attempt.detail}" if details and attempt.detail else str(outcome)
