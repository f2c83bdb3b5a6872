"""Kind 2: deal sign-up (R41-R60)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from notifications.channels import EMAIL
from notifications.eligibility.absence import deputy_for, is_missed
from notifications.eligibility.channels import (
    WITHHOLDING,
    channels_for,
    why_no_email,
)
from notifications.eligibility.events import why_nobody
from notifications.eligibility.facts import (
    DEAL,
    CompanyFacts,
    Event,
    Part,
    Person,
    Role,
    SharedDeal,
    Verdict,
)
from notifications.reasons import Reason
from notifications.topics import CO_SELLING

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
    verdicts: dict[int, Verdict] = {}
    on_it: list[tuple[Person, Verdict]] = []
    for member, found in answers.items():
        furthest = max((reason for reason, _, _ in found), key=_DEAL_CHAIN.index)
        at_furthest = [deal.id for reason, deal, _ in found if reason == furthest]
        person = found[0][2]
        verdicts[member] = _decide_person(person, furthest, tuple(dict.fromkeys(at_furthest)))
        if furthest == Reason.SENT:
            on_it.append((person, verdicts[member]))
    yield from (verdicts | _for_absent(on_it, deals)).values()


def _for_absent(on_it: list[tuple[Person, Verdict]], deals: list[SharedDeal]) -> dict[int, Verdict]:
    """Return what is told to the deputies of those who are away, instead of what would be said
    of them otherwise; not to who is on the deals as well."""
    deputies = {role.person.membership_id: role.deputy for deal in deals for role in deal.roles}
    told: dict[int, Verdict] = {}
    for person, verdict in on_it:
        deputy = deputy_for(person, deputies.get(person.membership_id), CO_SELLING)
        if deputy is None or any(deputy.membership_id == p.membership_id for p, _ in on_it):
            continue
        before = told.get(deputy.membership_id)
        absent = dict(before.absent_by_deal) if before else {}
        for deal_id in verdict.deal_ids:  # Of a deal of two people once, for the first.
            absent.setdefault(deal_id, person.membership_id)
        told[deputy.membership_id] = replace(
            _decide_person(deputy, Reason.SENT, tuple(absent)),
            part=Part.DEPUTY,
            absent_id=before.absent_id if before else person.membership_id,
            absent_by_deal=absent,
        )
    return told


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
    channels = channels_for(person, CO_SELLING)
    if is_missed(person, CO_SELLING):
        return replace(verdict, reason=Reason.AWAY, channels=channels, withheld=withheld)
    if channels:
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
