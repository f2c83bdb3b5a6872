"""Kind 1: lead and client activity (R12-R40)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from notifications.channels import EMAIL
from notifications.eligibility.channels import (
    WITHHOLDING,
    channels_beside_email,
    why_no_email,
)
from notifications.eligibility.events import why_nobody
from notifications.eligibility.facts import (
    CLIENT,
    DEAL,
    LEAD,
    Event,
    Person,
    Registration,
    Verdict,
)
from notifications.reasons import Reason
from notifications.topics import LEAD_ACTIVITY


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
