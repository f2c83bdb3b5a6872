"""Who is told about an activity, and if not, why not: the rules, and nothing else.

Pure: frozen facts in, verdicts out. No database, no clock, no settings. The order of the
checks is the order of the requirements; the first that fails is the reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from notifications.channels import DESKTOP, EMAIL, ENDPOINT_CHANNELS
from notifications.reasons import Reason
from notifications.topics import CO_SELLING, LEAD_ACTIVITY, SWITCH_DEFAULTS, TOPICS

LEAD, CLIENT, DEAL = "lead", "client", "deal"


def topic_of(kind: str) -> str:
    """Return the topic of the Notifications page that a kind belongs to."""
    return CO_SELLING if kind == DEAL else LEAD_ACTIVITY


# --- Facts --------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """What happened. `contact_id` None: an unidentified visitor. Times are aware UTC."""

    contact_id: int | None
    occurred_at: datetime
    trigger: str
    trigger_enabled: bool = True
    page_view: bool = False
    deal_eligible: bool = False
    consent_denied: bool = False
    internal: bool = False
    robot: bool = False
    stale: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    """A member who may be told. `choices` holds only what differs from the default."""

    membership_id: int
    account_id: int
    active: bool = True
    vendor_side: bool = False
    choices: Mapping[tuple[str, str], bool] = field(default_factory=dict)
    suppressed: bool = False
    # The keys of the endpoints that take messages, by channel.
    endpoints: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    # Topics whose daily limit of e-mails this member has reached (R71).
    capped_topics: frozenset[str] = frozenset()

    def switched_on(self, channel: str, switch: str) -> bool:
        return self.choices.get((channel, switch), SWITCH_DEFAULTS[channel, switch])

    def ticked(self, channel: str, topic: str) -> bool:
        default = channel in TOPICS[topic].default_channels
        return self.choices.get((channel, topic), default)


@dataclass(frozen=True, kw_only=True, slots=True)
class Registration:
    """A lead or a client relation of one account, and what that account wants to hear."""

    kind: str
    id: int
    account_id: int
    is_partner: bool = True
    registered: bool = True
    since: datetime
    until: datetime | None = None
    receives: bool = False
    recipient: Person | None = None
    # This action of this lead or client was reported within the cooldown (R81).
    cooling: bool = False
    # This person's sign-up was reported to this account before (R59).
    signed_up_before: bool = False

    def active_at(self, when: datetime) -> bool:
        return self.registered and (self.until is None or when < self.until)


@dataclass(frozen=True, kw_only=True, slots=True)
class Role:
    """A person's place on a deal. `since` None: as long as the deal; `until` None: still."""

    person: Person
    since: datetime | None = None
    until: datetime | None = None

    def held_at(self, when: datetime) -> bool:
        return (self.since is None or self.since <= when) and not self.left_before(when)

    def left_before(self, when: datetime) -> bool:
        return self.until is not None and self.until <= when


@dataclass(frozen=True, kw_only=True, slots=True)
class SharedDeal:
    """A live deal. `positions`: account → place in the line; 1 is the first partner."""

    id: int
    positions: Mapping[int, int] = field(default_factory=dict)
    partner_ids: frozenset[int] = frozenset()
    roles: tuple[Role, ...] = ()
    # Members of the first partner who ticked the topic but have no role on the deal.
    bystanders: tuple[Person, ...] = ()
    signed_up_before: bool = False

    @property
    def first_account_id(self) -> int | None:
        return next((a for a, position in self.positions.items() if position == 1), None)


@dataclass(frozen=True, kw_only=True, slots=True)
class CompanyFacts:
    owner_is_growth_specialist: bool
    deals: tuple[SharedDeal, ...] = ()


# --- Verdicts -------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """One candidate's answer. Account and member are None while nobody was known.

    `channels` get a message. `withheld` channels would have, but for a limit or a
    suppressed address; they are recorded with their reason.
    """

    kind: str
    reason: Reason
    account_id: int | None = None
    membership_id: int | None = None
    registration_id: int | None = None
    deal_ids: tuple[int, ...] = ()
    channels: frozenset[str] = frozenset()
    withheld: Mapping[str, Reason] = field(default_factory=dict)

    @property
    def send(self) -> bool:
        return self.reason == Reason.SENT

    @property
    def reaches_nobody(self) -> bool:
        """R33, R55: somebody should have been told, and there is nobody who can be."""
        if self.kind == DEAL:
            return self.reason == Reason.NO_RECIPIENT
        return self.reason == Reason.RECIPIENT_INACTIVE


# --- What stops an event before anyone is known ----------------------------------


def why_nobody(event: Event) -> Reason | None:
    """R20-R23, in the order in which they are met; None if the event may notify."""
    if event.consent_denied:
        return Reason.NO_CONSENT
    if event.internal:
        return Reason.INTERNAL
    if event.robot and event.page_view:
        return Reason.BOT
    return Reason.STALE if event.stale else None


# --- Kind 1: lead and client activity (R12-R40) -----------------------------------


def decide_lead_activity(
    event: Event, registrations: Iterable[Registration], now: datetime
) -> list[Verdict]:
    """Return the verdicts of kind 1. `registrations` in order of match (R17).

    The one active registration is told; without one, every account with a current
    client relation; without those, each account that matched learns why not.
    """
    if reason := why_nobody(event):
        return [Verdict(kind=LEAD, reason=reason)]
    candidates = _whose(event, list(registrations), now)
    if not candidates:
        return [Verdict(kind=LEAD, reason=Reason.NO_REGISTRATION)]
    return [_decide_registration(event, candidate, now) for candidate in candidates]


def _whose(event: Event, registrations: list[Registration], now: datetime) -> list[Registration]:
    leads = [r for r in registrations if r.kind == LEAD]
    clients = [r for r in registrations if r.kind == CLIENT]
    for lead in leads:
        if why_not_registered(lead, event.occurred_at, now) is None:
            return [lead]
    current = [c for c in clients if why_not_registered(c, event.occurred_at, now) is None]
    return _one_per_account(current or leads or clients)


def _one_per_account(registrations: Iterable[Registration]) -> list[Registration]:
    first: dict[int, Registration] = {}
    for registration in registrations:
        first.setdefault(registration.account_id, registration)
    return list(first.values())


def why_not_registered(
    registration: Registration, occurred_at: datetime, now: datetime
) -> Reason | None:
    """R12-R15: active when it happened and still now, and registered before it."""
    if not (registration.active_at(occurred_at) and registration.active_at(now)):
        return Reason.REGISTRATION_NOT_ACTIVE
    return Reason.REGISTERED_LATER if registration.since > occurred_at else None


def _decide_registration(event: Event, registration: Registration, now: datetime) -> Verdict:
    account = Verdict(
        kind=registration.kind,
        reason=Reason.SENT,
        account_id=registration.account_id,
        registration_id=registration.id,
    )
    reason = why_not_account(event, registration, now)
    if reason:
        return replace(account, reason=reason)
    recipient = registration.recipient
    if recipient is None:
        return replace(account, reason=Reason.NO_RECIPIENT)
    verdict = replace(account, membership_id=recipient.membership_id)
    if not recipient.active:
        return replace(verdict, reason=Reason.RECIPIENT_INACTIVE)
    return _decide_recipient(verdict, registration, recipient)


def why_not_account(event: Event, registration: Registration, now: datetime) -> Reason | None:
    if not registration.is_partner:
        return Reason.NOT_PARTNER
    if reason := why_not_registered(registration, event.occurred_at, now):
        return reason
    if not event.trigger_enabled:
        return Reason.TRIGGER_OFF
    return None if registration.receives else Reason.ACCOUNT_TOGGLE_OFF


def _decide_recipient(verdict: Verdict, registration: Registration, recipient: Person) -> Verdict:
    """E-mail decides (R10); other channels are extras that follow their own ticks."""
    quiet = None
    if registration.signed_up_before:
        quiet = Reason.ALREADY_SIGNED_UP
    elif registration.cooling:
        quiet = Reason.COOLDOWN
    email = why_no_email(recipient, LEAD_ACTIVITY)
    if quiet:
        unasked = email if email in (Reason.EMAIL_OFF, Reason.TOPIC_OFF) else None
        return replace(verdict, reason=unasked or quiet)
    extras = channels_beside_email(recipient, LEAD_ACTIVITY)
    if email is None:
        return replace(verdict, channels=extras | {EMAIL})
    withheld = {EMAIL: email} if email in WITHHOLDING else {}
    return replace(verdict, reason=email, channels=extras, withheld=withheld)


def settles_alone(kind: str) -> str | None:
    """Return the one channel whose outcome is the kind's answer (R10), or None: any."""
    return None if kind == DEAL else EMAIL


# --- One person, one topic, one channel --------------------------------------------

WITHHOLDING = frozenset({Reason.DAILY_CAP, Reason.SUPPRESSED_ADDRESS})
# What speaks against one channel only.
OF_A_CHANNEL = WITHHOLDING | {Reason.EMAIL_OFF, Reason.TOPIC_OFF}


def why_no_email(person: Person, topic: str) -> Reason | None:
    """The master switch, the topic, the daily limit, the address; None: e-mail may go."""
    if not person.switched_on(EMAIL, "enabled"):
        return Reason.EMAIL_OFF
    if not person.ticked(EMAIL, topic):
        return Reason.TOPIC_OFF
    if topic in person.capped_topics:
        return Reason.DAILY_CAP
    return Reason.SUPPRESSED_ADDRESS if person.suppressed else None


def why_not_beside_email(person: Person, channel: str, topic: str) -> Reason | None:
    """The channel's switch and the topic; then somewhere to send to. None: it may go."""
    switch = "bell" if channel == DESKTOP else "enabled"
    if not (person.switched_on(channel, switch) and person.ticked(channel, topic)):
        return Reason.TOPIC_OFF
    has_place = channel not in ENDPOINT_CHANNELS or person.endpoints.get(channel)
    return None if has_place else Reason.SUPPRESSED_ADDRESS


def channels_beside_email(person: Person, topic: str) -> frozenset[str]:
    channels = (DESKTOP, *ENDPOINT_CHANNELS)
    return frozenset(c for c in channels if why_not_beside_email(person, c, topic) is None)


def channels_for(person: Person, topic: str) -> frozenset[str]:
    """Return the channels on which the person wants, and can get, a topic."""
    email = frozenset({EMAIL} if why_no_email(person, topic) is None else ())
    return email | channels_beside_email(person, topic)


def why_no_word_about_an_endpoint(person: Person, channel: str) -> Reason | None:
    """Whoever added an endpoint hears that it is given up, whatever topics are ticked."""
    if channel == EMAIL:
        if not person.switched_on(EMAIL, "enabled"):
            return Reason.EMAIL_OFF
        return Reason.SUPPRESSED_ADDRESS if person.suppressed else None
    return None if channel == DESKTOP else Reason.TOPIC_OFF


def channels_about_an_endpoint(person: Person) -> frozenset[str]:
    channels = (EMAIL, DESKTOP)
    return frozenset(c for c in channels if why_no_word_about_an_endpoint(person, c) is None)


# --- Kind 2: deal sign-up (R41-R60) -------------------------------------------------

# How far a candidate came. With several deals, the one that came furthest answers.
_DEAL_CHAIN = (
    Reason.NOT_SHARED,
    Reason.NOT_FIRST_PARTNER,
    Reason.NOT_PARTNER,
    Reason.NOT_OWNER_OR_TEAM,
    Reason.NO_LONGER_MEMBER,
    Reason.USER_INACTIVE,
    Reason.ALREADY_SIGNED_UP,
    Reason.SENT,
)


def decide_deal_sign_up(event: Event, companies: Iterable[CompanyFacts]) -> list[Verdict]:
    """Return the verdicts of kind 2 for the companies of the person who signed up.

    The owner and the deal must belong to the same company (R44). Raises nothing.
    """
    companies = list(companies)
    owned = [c for c in companies if c.owner_is_growth_specialist]
    deals = [deal for company in owned for deal in company.deals]
    reason = why_nobody(event)
    if reason is None and not event.trigger_enabled:
        reason = Reason.TRIGGER_OFF
    elif reason is None and not companies:
        reason = Reason.NO_COMPANY
    elif reason is None and not owned:
        reason = Reason.COMPANY_OWNER_NOT_GS
    elif reason is None and not deals:
        reason = Reason.NO_COSOLD_DEAL
    if reason:
        return [Verdict(kind=DEAL, reason=reason)]
    verdicts = list(_decide_people(event, deals))
    return verdicts + list(_nobody_left(event, deals, verdicts))


def _decide_people(event: Event, deals: list[SharedDeal]) -> Iterator[Verdict]:
    answers: dict[int, list[tuple[Reason, SharedDeal, Person]]] = {}
    for deal in deals:
        for person, reason in _answers(event, deal):
            answers.setdefault(person.membership_id, []).append((reason, deal, person))
    for found in answers.values():
        furthest = max((reason for reason, _, _ in found), key=_DEAL_CHAIN.index)
        at_furthest = [deal.id for reason, deal, _ in found if reason == furthest]
        yield _decide_person(found[0][2], furthest, tuple(dict.fromkeys(at_furthest)))


def _answers(event: Event, deal: SharedDeal) -> Iterator[tuple[Person, Reason]]:
    held: dict[int, list[Role]] = {}
    for role in deal.roles:
        # R54: the vendor's own people have their own view.
        if not role.person.vendor_side and not role.left_before(event.occurred_at):
            held.setdefault(role.person.membership_id, []).append(role)
    for roles in held.values():
        yield roles[0].person, _why_not_on_deal(event, deal, roles)
    for person in deal.bystanders:
        if person.membership_id not in held:
            yield person, Reason.NOT_OWNER_OR_TEAM


def _why_not_on_deal(event: Event, deal: SharedDeal, roles: list[Role]) -> Reason:
    """R57: on the deal when it happened and still, be it in another role."""
    person = roles[0].person
    if reason := why_not_first_partner(deal, person.account_id):
        return reason
    if not any(role.held_at(event.occurred_at) for role in roles):
        return Reason.NOT_OWNER_OR_TEAM
    if all(role.until is not None for role in roles):
        return Reason.NO_LONGER_MEMBER
    if not person.active:
        return Reason.USER_INACTIVE
    return Reason.ALREADY_SIGNED_UP if deal.signed_up_before else Reason.SENT


def why_not_first_partner(deal: SharedDeal, account_id: int) -> Reason | None:
    """R45, R48: the deal is shared with the account, first of all, and it is a partner."""
    position = deal.positions.get(account_id)
    if position is None:
        return Reason.NOT_SHARED
    if position != 1:
        return Reason.NOT_FIRST_PARTNER
    return None if account_id in deal.partner_ids else Reason.NOT_PARTNER


def _decide_person(person: Person, reason: Reason, deal_ids: tuple[int, ...]) -> Verdict:
    verdict = Verdict(
        kind=DEAL,
        reason=reason,
        account_id=person.account_id,
        membership_id=person.membership_id,
        deal_ids=deal_ids,
    )
    if reason != Reason.SENT:
        return verdict
    email = why_no_email(person, CO_SELLING)
    withheld = {EMAIL: email} if email in WITHHOLDING else {}
    if channels := channels_for(person, CO_SELLING):
        return replace(verdict, channels=channels, withheld=withheld)
    # R52 before R67: with no tick at all, the master switch is not what stops it.
    unticked = not person.ticked(EMAIL, CO_SELLING)
    return replace(
        verdict,
        reason=Reason.TOPIC_OFF if unticked else email or Reason.TOPIC_OFF,
        withheld=withheld,
    )


def _nobody_left(
    event: Event, deals: list[SharedDeal], verdicts: list[Verdict]
) -> Iterator[Verdict]:
    """R55: say so when the first partner of a deal has nobody there who could be told."""
    firsts = {deal.id: deal.first_account_id for deal in deals}
    able: set[int | None] = set()
    nobody: dict[int, list[int]] = {}
    for deal in deals:
        account_id = firsts[deal.id]
        there = [
            role.person
            for role in deal.roles
            if role.person.account_id == account_id and not role.left_before(event.occurred_at)
        ]
        if any(person.active for person in there):
            able.add(account_id)
        elif account_id is not None and (there or not any(_answers(event, deal))):
            nobody.setdefault(account_id, []).append(deal.id)
    for account_id, deal_ids in nobody.items():
        if account_id not in able:
            yield Verdict(
                kind=DEAL,
                reason=Reason.NO_RECIPIENT,
                account_id=account_id,
                deal_ids=tuple(deal_ids),
            )
    if not verdicts and not any(firsts.values()):
        yield Verdict(kind=DEAL, reason=Reason.NOT_SHARED)
