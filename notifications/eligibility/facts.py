"""What the rules are asked about, and how they answer: frozen, without a rule of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from notifications.eligibility.wishes import Wishes
from notifications.reasons import Reason
from notifications.topics import CO_SELLING, ESCALATION, LEAD_ACTIVITY

LEAD, CLIENT, DEAL = "lead", "client", "deal"


class Part(StrEnum):
    """As what somebody is told of a lead, client or deal. RECIPIENT: first-hand."""

    RECIPIENT = ""
    BACKUP = "backup"
    ADDITIONAL = "additional"
    OWNER = "owner"  # Looks after the lead.
    DEPUTY = "deputy"
    ESCALATION = "escalation"


def topic_of(kind: str, part: str = Part.RECIPIENT) -> str:
    """Return the topic of the Notifications page that a kind, told as that, belongs to."""
    if part == Part.ESCALATION:
        return ESCALATION
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
class Place:
    """An endpoint that takes messages: an app or a device. `topics_off`: not sent there."""

    key: str
    kind: str = ""
    topics_off: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True, slots=True)
class Away:
    """A member is away today. `until`: the last day; `deputy`: who is told meanwhile."""

    until: date
    deputy: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Person(Wishes):
    """A member who may be told, with their wishes."""

    membership_id: int
    account_id: int
    active: bool = True
    vendor_side: bool = False
    suppressed: bool = False
    # Nobody has shown yet that the address is this person's.
    verified: bool = True
    # The endpoints that are switched on, by channel.
    places: Mapping[str, tuple[Place, ...]] = field(default_factory=dict)
    # Topics whose daily limit of e-mails this member has reached (R71).
    capped_topics: frozenset[str] = frozenset()
    away: Away | None = None

    @property
    def takes_mail(self) -> bool:
        return self.verified and not self.suppressed


@dataclass(frozen=True, kw_only=True, slots=True)
class Listed:
    """Somebody whom an account has told beside the recipient (R38): as what, and of which
    actions; none named: of all."""

    membership_id: int
    part: Part = Part.ADDITIONAL
    triggers: frozenset[str] = frozenset()

    def hears_of(self, trigger: str) -> bool:
        return not self.triggers or trigger in self.triggers


@dataclass(frozen=True, kw_only=True, slots=True)
class Chosen:
    """The members whom an account has chosen to hear of one of its leads or clients."""

    recipient: int | None = None
    backup: int | None = None
    others: tuple[Listed, ...] = ()

    @property
    def members(self) -> set[int]:
        others = {other.membership_id for other in self.others}
        return others | {member for member in (self.recipient, self.backup) if member}


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
    backup: Person | None = None
    # The recipient's, while they are away.
    deputy: Person | None = None
    # Who is told beside them, and who that is.
    others: tuple[Listed, ...] = ()
    people: Mapping[int, Person] = field(default_factory=dict)
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
    deputy: Person | None = None
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
    part: Part = Part.RECIPIENT
    # For whom, who is away (DEPUTY); by deal, of several deals.
    absent_id: int | None = None
    absent_by_deal: Mapping[int, int] = field(default_factory=dict)
    # For so many working hours nobody has looked (ESCALATION).
    unseen_hours: int = 0
    # Somebody else of the account is told instead.
    covered: bool = False

    @property
    def send(self) -> bool:
        return self.reason == Reason.SENT

    @property
    def reaches_nobody(self) -> bool:
        """R33, R55: somebody should have been told, and there is nobody who can be."""
        if self.kind == DEAL:
            return self.reason == Reason.NO_RECIPIENT
        return self.reason == Reason.RECIPIENT_INACTIVE and not self.covered
