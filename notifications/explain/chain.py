"""The chain as data: what a page or a command renders."""

from dataclasses import dataclass
from datetime import datetime

from notifications.activities.outcomes import Outcome
from notifications.reasons import Reason

EVENT, PERSON, TRIGGER, COMPANY, SUBJECT, PEOPLE = (
    "event",
    "person",
    "trigger",
    "company",
    "subject",
    "people",
)

# At which link of the chain each reason decides. What is missing decides about the people.
DECIDES_AT = {
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
    """A message on one channel. `at`: when it was done with. `waits_for_member`: for an hour that
    its member has chosen, who can send it now."""

    channel: str
    outcome: Outcome
    at: datetime | None
    waits_for_member: bool
    tries: tuple[Try, ...]


@dataclass(frozen=True, kw_only=True)
class Off:
    """What somebody has not on. `topic`: its name; empty: the whole channel. `url`: where the
    reader changes it; empty: it is somebody else's."""

    topic: str
    url: str


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """Somebody who was considered. `is_viewer`: the reader of the page; `told_as`: as what,
    if not as the recipient; `off`: what that person has not on, if it was that."""

    who: str
    email: str
    account: str
    kind: str
    subject: str
    told: bool
    reason: str
    sentence: str
    told_as: str
    off: Off | None
    is_viewer: bool
    sendings: tuple[Sending, ...]


@dataclass(frozen=True, kw_only=True)
class Step:
    """A link of the chain. `findings` are the rules that stopped somebody here; `tells`:
    here somebody is told. Either decides; `kinds`: about what, if not about everything."""

    key: str
    title: str
    facts: tuple[Fact, ...]
    findings: tuple[str, ...] = ()
    tells: bool = False
    kinds: str = ""
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

    @property
    def off(self) -> Off | None:
        """Return what the reader has not on and was therefore not told."""
        own = (c.off for c in self.candidates if c.is_viewer)
        return next(filter(None, own), None)
