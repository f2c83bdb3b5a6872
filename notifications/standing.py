"""Who would be told if something happened now, and if nobody, why not.

The same rules as for a real activity, asked about an imagined one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.models import Account, Membership
from notifications.eligibility import (
    Chosen,
    CompanyFacts,
    Event,
    Person,
    Role,
    SharedDeal,
    Verdict,
    decide_deal_sign_up,
    decide_lead_activity,
    is_beside,
)
from notifications.facts.deals import as_shared_deal, load_shares
from notifications.facts.people import EmailCounts, deputies_of, load_people
from notifications.facts.registrations import as_chosen, as_registration, load_communication
from notifications.reasons import Reason
from notifications.words import channel_label, reason_sentence
from partners.models import Deal, DealMember, Lead


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Whether somebody is told, in words. `url` and `action`: what to do about it."""

    told: bool
    text: str
    who: str = ""
    url: str = ""
    action: str = ""


def lead_standing(lead: Lead, reader: Membership | None, now: datetime) -> Standing:
    """Return who is told about the lead's next action. About 15 queries."""
    wishes = load_communication([lead.account_id]).get(lead.account_id)
    chosen = as_chosen(wishes, lead)
    rows = Membership.objects.filter(pk__in=chosen.members).select_related("user", "account")
    members = {member.pk: member for member in rows}
    members |= {member.pk: member for member in deputies_of(members.values(), now)}
    people = _people(members.values(), now)
    recipient = people.get(chosen.recipient or 0)
    away = recipient.away if recipient else None
    others = {pk for pk in people if any(other.membership_id == pk for other in chosen.others)}
    registration = replace(
        as_registration(lead, wishes),
        recipient=recipient,
        deputy=people.get(away.deputy or 0) if away else None,
        backup=people.get(chosen.backup or 0),
        # Of the action that each hears of, whichever that is.
        others=tuple(replace(other, triggers=frozenset()) for other in chosen.others),
        people={pk: people[pk] for pk in sorted(others)},
    )
    event = Event(contact_id=None, occurred_at=now, trigger="")
    verdicts = decide_lead_activity(event, [registration], now)
    words = [_lead_words(lead, v, members.get(v.membership_id or 0), reader) for v in verdicts]
    told = [standing for standing in words if standing.told]
    texts = [standing.text for standing in words]
    if any(v.send and _of_some(chosen, v) for v in verdicts):
        texts.append(_("Additional recipients hear only of the actions chosen for them."))
    return replace((told or words)[0], text=" ".join(texts))


def _of_some(chosen: Chosen, verdict: Verdict) -> bool:
    """Whether the verdict is of somebody who hears of some actions only."""
    own = [other for other in chosen.others if other.membership_id == verdict.membership_id]
    return is_beside(verdict.part) and all(other.triggers for other in own)


def _people(members: Iterable[Membership], now: datetime) -> dict[int, Person]:
    members = list(members)
    counts = EmailCounts(members, now)
    return {
        pk: replace(person, capped_topics=counts.capped_topics(pk))
        for pk, person in load_people(members).items()
    }


def _lead_words(
    lead: Lead, verdict: Verdict, recipient: Membership | None, reader: Membership | None
) -> Standing:
    who = recipient.user.display_name if recipient and verdict.membership_id else ""
    url, action = _way_out(lead, verdict, reader)
    channels = _channels(verdict.channels)
    if verdict.send:
        text = _("%(name)s is told (%(channels)s).") % {"name": who, "channels": channels}
        return Standing(told=True, text=text, who=who, url=url, action=action)
    text = _why_not(verdict.reason)
    if channels:
        text = _("No e-mail: %(why)s %(name)s still gets: %(channels)s.") % {
            "why": text,
            "name": who,
            "channels": channels,
        }
    return Standing(told=False, text=text, who=who, url=url, action=action)


def _why_not(reason: Reason) -> str:
    if reason == Reason.REGISTRATION_NOT_ACTIVE:
        return _("The registration is not active.")
    if reason == Reason.REGISTERED_LATER:
        return _("The registration has not begun yet.")
    return reason_sentence(reason)


_SETTINGS_CURE = frozenset(
    {
        Reason.SENT,
        Reason.ACCOUNT_TOGGLE_OFF,
        Reason.NO_RECIPIENT,
        Reason.RECIPIENT_INACTIVE,
        Reason.EMAIL_OFF,
        Reason.TOPIC_OFF,
        Reason.SUPPRESSED_ADDRESS,
    }
)


def _way_out(lead: Lead, verdict: Verdict, reader: Membership | None) -> tuple[str, str]:
    if reader is None or reader.account_id != lead.account_id:
        return "", ""
    if not reader.may_edit_partner_settings:
        return "", ""
    if verdict.reason in _SETTINGS_CURE:
        return reverse("notifications:communication"), _("Change who is told")
    return "", ""


def _channels(keys: Iterable[str]) -> str:
    return ", ".join(channel_label(key) for key in sorted(keys, reverse=True))


# --- Deals ------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Place:
    """A partner's place in line. `notified`: its people hear of sign-ups."""

    position: int
    account: Account
    notified: bool


@dataclass(frozen=True, kw_only=True)
class TeamMember:
    member: Membership
    roles: str
    standing: Standing


@dataclass(frozen=True, kw_only=True)
class DealStanding:
    """A deal as the reader may see it. `nobody`: why no partner is notified, or empty."""

    places: tuple[Place, ...]
    team: tuple[TeamMember, ...]
    nobody: str

    @property
    def is_first_vacant(self) -> bool:
        return bool(self.places) and self.places[0].position != 1


def places_of(deal: Deal) -> tuple[Place, ...]:
    """Return the partners in line. Needs `shares` prefetched with their accounts."""
    return tuple(
        Place(
            position=share.position,
            account=share.account,
            notified=share.is_first and share.account.is_partner and deal.archived_at is None,
        )
        for share in deal.shares.all()
    )


def deal_standing(deal: Deal, account: Account | None, now: datetime) -> DealStanding:
    """Return who hears of the next sign-up. Needs `with_people`. About 7 queries."""
    on_deal = list(deal.members.all())
    members = {row.membership_id: row.membership for row in on_deal}
    members |= {member.pk: member for member in deputies_of(members.values(), now)}
    verdicts = _deal_verdicts(deal, on_deal, load_people(members.values()), now)
    by_member = {v.membership_id: v for v in verdicts if v.membership_id}
    general = next((v for v in verdicts if v.account_id is None), None)
    places = places_of(deal)
    return DealStanding(
        places=places,
        team=(*_team(on_deal, by_member), *_deputies(by_member, members)),
        nobody=_nobody(deal, places, general) if account is None else "",
    )


def _deal_verdicts(
    deal: Deal, on_deal: Iterable[DealMember], people: Mapping[int, Person], now: datetime
) -> list[Verdict]:
    shared: SharedDeal = replace(
        as_shared_deal(deal.pk, load_shares([deal.pk])[deal.pk]),
        roles=tuple(_role(row, people) for row in on_deal),
    )
    company = CompanyFacts(
        owner_is_growth_specialist=_owned_by_specialist(deal),
        deals=() if deal.archived_at else (shared,),
    )
    event = Event(contact_id=None, occurred_at=now, trigger="", deal_eligible=True)
    return decide_deal_sign_up(event, [company])


def _role(row: DealMember, people: Mapping[int, Person]) -> Role:
    person = people[row.membership_id]
    deputy = people.get(person.away.deputy or 0) if person.away else None
    return Role(person=person, deputy=deputy, since=row.added_at)


def _owned_by_specialist(deal: Deal) -> bool:
    specialists = Membership.objects.growth_specialists()
    return specialists.filter(user=deal.company.owner_id).exists()


def _team(members: Iterable[DealMember], by_member: dict[int, Verdict]) -> Iterable[TeamMember]:
    roles: dict[int, list[DealMember]] = {}
    for member in members:
        roles.setdefault(member.membership_id, []).append(member)
    for membership_id, held in roles.items():
        yield TeamMember(
            member=held[0].membership,
            roles=", ".join(member.get_role_display() for member in held),
            standing=_member_words(held[0].membership, by_member.get(membership_id)),
        )


def _deputies(
    by_member: Mapping[int, Verdict], members: Mapping[int, Membership]
) -> Iterable[TeamMember]:
    """Those who are told instead of somebody who is away."""
    for membership_id, verdict in by_member.items():
        absent = members.get(verdict.absent_id or 0)
        if absent:
            member = members[membership_id]
            yield TeamMember(
                member=member,
                roles=_("Deputy of %(name)s") % {"name": absent.user.display_name},
                standing=_member_words(member, verdict),
            )


def _member_words(membership: Membership, verdict: Verdict | None) -> Standing:
    if membership.is_vendor_side:
        return Standing(told=False, text=_("The vendor's people see the deal here."))
    if verdict is None:
        return Standing(told=False, text=_("Not told at the moment."))
    if verdict.send and verdict.channels:
        return Standing(told=True, text=_channels(verdict.channels))
    return Standing(told=False, text=reason_sentence(verdict.reason))


def _nobody(deal: Deal, places: tuple[Place, ...], general: Verdict | None) -> str:
    if deal.archived_at:
        return _("The deal is archived.")
    if not places:
        return _("The deal is not shared with a partner.")
    if places[0].position != 1:
        return _(
            "The first place is vacant: the first partner was removed, and nobody moves up "
            "automatically."
        )
    if not places[0].account.is_partner:
        return _("%(account)s, the first in line, is not an active partner.") % {
            "account": places[0].account
        }
    return reason_sentence(general.reason) if general else ""
