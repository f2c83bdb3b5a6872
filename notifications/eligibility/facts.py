"""What the rules are asked about, and how they answer: frozen, without a rule of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from notifications.reasons import Reason
from notifications.topics import CO_SELLING, LEAD_ACTIVITY, SWITCH_DEFAULTS, TOPICS

LEAD, CLIENT, DEAL = "lead", "client", "deal"


def topic_of(kind: str) -> str:
    """Return the topic of the Notifications page that a kind belongs to."""
    return CO_SELLING if kind == DEAL else LEAD_ACTIVITY


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
