"""Kind 1: lead and client activity (R12-R40)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime

from notifications.channels import EMAIL
from notifications.eligibility.absence import deputy_for
from notifications.eligibility.channels import (
    WITHHOLDING,
    channels_beside_email,
    is_reached,
    why_no_email,
)
from notifications.eligibility.events import why_nobody
from notifications.eligibility.facts import (
    CLIENT,
    DEAL,
    LEAD,
    Chosen,
    Event,
    Listed,
    Part,
    Person,
    Registration,
    Verdict,
)
from notifications.reasons import Reason
from notifications.topics import LEAD_ACTIVITY

# Told beside the recipient (R38), in nobody's stead.
_BESIDE = frozenset({Part.ADDITIONAL, Part.OWNER})


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
    return [
        verdict
        for candidate in candidates
        for verdict in _decide_registration(event, candidate, now)
    ]


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


def _decide_registration(
    event: Event, registration: Registration, now: datetime
) -> Iterable[Verdict]:
    account = Verdict(
        kind=registration.kind,
        reason=Reason.SENT,
        account_id=registration.account_id,
        registration_id=registration.id,
    )
    if reason := why_not_account(event, registration, now):
        return [replace(account, reason=reason)]
    recipient = registration.recipient
    deputy = deputy_for(recipient, registration.deputy, LEAD_ACTIVITY)
    backup = _backup_of(registration, deputy)
    instead = []
    if deputy and recipient:
        stands_in = _decide_person(account, registration, deputy, Part.DEPUTY)
        instead.append(replace(stands_in, absent_id=recipient.membership_id))
    if backup:
        instead.append(_decide_person(account, registration, backup, Part.BACKUP))
    if recipient is None:
        first = replace(account, reason=Reason.NO_RECIPIENT)
    else:
        first = _decide_person(account, registration, recipient, Part.RECIPIENT)
    others = list(_others(event, registration, recipient, backup, deputy))
    beside = [person for listed, person in others if listed.hears_of(event.trigger)]
    told = [backup, deputy, *beside]
    return [
        replace(first, covered=any(map(_is_told, told))),
        *instead,
        *(_decide_other(account, event, registration, *other) for other in others),
    ]


def _backup_of(registration: Registration, deputy: Person | None) -> Person | None:
    """Return who stands in for the recipient or, while they are away, for their deputy."""
    recipient = registration.recipient
    backup = stand_in(deputy or recipient, registration.backup)
    is_absent = backup and recipient and backup.membership_id == recipient.membership_id
    return None if is_absent else backup


def _is_told(person: Person | None) -> bool:
    return person is not None and person.active and is_reached(person, LEAD_ACTIVITY)


def _others(
    event: Event, registration: Registration, *told: Person | None
) -> Iterator[tuple[Listed, Person]]:
    """Yield who is told beside the recipient, each once; not who is told as that, or instead."""
    known = {person.membership_id for person in told if person}
    for membership_id, person in registration.people.items():
        listed = listed_as(registration.others, membership_id, event.trigger)
        if listed and membership_id not in known:
            yield listed, person


def listed_as(others: Iterable[Listed], membership_id: int, trigger: str) -> Listed | None:
    """Return the line of the list by which a member hears of an action; if by none, the first."""
    own = [other for other in others if other.membership_id == membership_id]
    return next((other for other in own if other.hears_of(trigger)), own[0] if own else None)


def _decide_other(
    account: Verdict, event: Event, registration: Registration, listed: Listed, person: Person
) -> Verdict:
    if listed.hears_of(event.trigger):
        return _decide_person(account, registration, person, listed.part)
    return replace(
        account,
        membership_id=person.membership_id,
        part=listed.part,
        reason=Reason.TRIGGER_NOT_CHOSEN,
    )


def why_not_account(event: Event, registration: Registration, now: datetime) -> Reason | None:
    if not registration.is_partner:
        return Reason.NOT_PARTNER
    if reason := why_not_registered(registration, event.occurred_at, now):
        return reason
    if not event.trigger_enabled:
        return Reason.TRIGGER_OFF
    return None if registration.receives else Reason.ACCOUNT_TOGGLE_OFF


def stand_in(recipient: Person | None, backup: Person | None) -> Person | None:
    """R40: the backup, if the recipient cannot be told; None: nobody has to stand in."""
    if recipient is None:
        return backup
    if backup is None or backup.membership_id == recipient.membership_id:
        return None
    return None if _is_told(recipient) else backup


def part_now(
    chosen: Chosen,
    membership_id: int,
    part: Part,
    trigger: str,
    *,
    recipient_was_asked: bool,
    absent_id: int | None = None,
) -> Part | None:
    """Return as what a member is told who was decided to be told as `part`; None: as nothing.
    `absent_id`: for whom a deputy is told.

    A backup who was asked to stand in is told, though the recipient may be back; but not
    instead of a recipient who was chosen since, and is asked first.
    """
    if membership_id == chosen.recipient:
        return Part.RECIPIENT
    if part == Part.DEPUTY and absent_id == chosen.recipient:
        return Part.DEPUTY
    stands_in = part == Part.BACKUP and membership_id == chosen.backup
    if stands_in and (chosen.recipient is None or recipient_was_asked):
        return Part.BACKUP
    listed = listed_as(chosen.others, membership_id, trigger)
    return listed.part if listed and listed.hears_of(trigger) else None


def why_not_chosen(chosen: Chosen, membership_id: int, part: Part) -> Reason:
    """Return why somebody who was to be told as `part` is told as nothing any more."""
    if is_beside(part):
        is_listed = any(other.membership_id == membership_id for other in chosen.others)
        return Reason.TRIGGER_NOT_CHOSEN if is_listed else Reason.NO_LONGER_RECIPIENT
    nobody = chosen.recipient is None and chosen.backup is None
    return Reason.NO_RECIPIENT if nobody else Reason.RECIPIENT_CHANGED


def is_beside(part: str) -> bool:
    """Whether somebody is told beside the recipient, whoever that is."""
    return part in _BESIDE


def _decide_person(
    account: Verdict, registration: Registration, person: Person, part: Part
) -> Verdict:
    verdict = replace(account, membership_id=person.membership_id, part=part)
    if not person.active:
        return replace(verdict, reason=why_inactive(part))
    return _decide_channels(verdict, registration, person)


def why_inactive(part: Part) -> Reason:
    return Reason.RECIPIENT_INACTIVE if part == Part.RECIPIENT else Reason.USER_INACTIVE


def _decide_channels(verdict: Verdict, registration: Registration, recipient: Person) -> Verdict:
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


def settles_alone(kind: str, part: str = Part.RECIPIENT) -> str | None:
    """Return the one channel whose outcome is the kind's answer (R10), or None: any."""
    return None if kind == DEAL or part == Part.ESCALATION else EMAIL
