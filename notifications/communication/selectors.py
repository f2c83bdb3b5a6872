"""The settings of the page, who can be chosen, and who hears of deals."""

from __future__ import annotations

from dataclasses import dataclass

from allauth.account.models import EmailAddress
from django.db.models import Exists, OuterRef

from accounts.models import Account, Membership
from notifications.channels import CHANNEL_KEYS
from notifications.facts.wishes import load_wishes
from notifications.models import CommunicationSettings
from notifications.topics import CO_SELLING


def communication_of(account: Account) -> CommunicationSettings:
    """Return the account's row; without one, everything off and not stored. 1 query."""
    rows = CommunicationSettings.objects.select_related(
        *("recipient__user", "recipient__account", "backup__user", "backup__account")
    )
    return rows.filter(account=account).first() or CommunicationSettings(account=account)


def possible_recipients(account: Account) -> list[Membership]:
    """Return active members with a verified e-mail, by name (R28). 1 query."""
    verified = EmailAddress.objects.filter(
        user=OuterRef("user"), email__iexact=OuterRef("user__email"), verified=True
    )
    members = Membership.objects.active().filter(Exists(verified), account=account)
    return sorted(
        members.select_related("user", "account"),
        key=lambda member: (member.user.display_name.casefold(), member.user.email),
    )


@dataclass(frozen=True, kw_only=True)
class DealPeople:
    """How many people on the account's shared deals have co-selling on somewhere."""

    on: int
    total: int


def deal_people(account: Account) -> DealPeople:
    """4 queries, and one more if there are profiles."""
    people = Membership.objects.active().filter(
        account=account,
        deal_roles__removed_at=None,
        deal_roles__deal__archived_at=None,
        deal_roles__deal__shares__account=account,
    )
    wishes = load_wishes(people.distinct()).values()
    on = sum(any(w.ticked(c, CO_SELLING) for c in CHANNEL_KEYS) for w in wishes)
    return DealPeople(on=on, total=len(wishes))
