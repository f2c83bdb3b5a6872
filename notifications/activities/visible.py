"""Who may read which activities; the vendor reads all."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet

from accounts.models import Account, Membership
from notifications.models import Decision, Delivery, Kind, Notification
from notifications.reasons import NOT_ITS_OWN
from partners import selectors
from partners.models import Activity, CompanyContact, Deal, DealShare, Lead


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """Activities to page through. `candidates` is found fast and may hold too much;
    `exact` keeps, of a few of them, what the reader may see."""

    candidates: QuerySet[Activity]
    exact: Callable[[QuerySet[Activity]], QuerySet[Activity]]


def activities_of(account: Account) -> Timeline:
    """Return what the account may read: of its leads, clients and first shares."""
    return Timeline(
        candidates=Activity.objects.filter(contact__in=people_of(account)),
        exact=lambda activities: visible_among(activities, account),
    )


def people_of(account: Account) -> QuerySet[Any]:
    """Return the ids of those of whom the account may perhaps read something."""
    told = Notification.objects.filter(account=account).values("activity__contact")
    return union_of(
        [
            *selectors.people_of(account),
            _people_in(_co_sold(_first_shares(account))).values("contact"),
            told.exclude(activity__contact=None),
        ]
    )


def activities_of_lead(lead: Lead) -> Timeline:
    """Return what the people of the registration did while it was active."""
    people = union_of(selectors.people_of_lead(lead))
    return Timeline(
        candidates=Activity.objects.filter(contact__in=people),
        exact=lambda activities: selectors.of_lead_among(activities, lead),
    )


def sign_ups_in(deal: Deal, account: Account | None) -> Timeline:
    """Return the CRM sign-ups of the people of the deal's company, as far as the account
    may read them; it must be the deal's first partner."""
    deals = Deal.objects.filter(pk=deal.pk)
    people = _people_in(deals).values("contact")
    concerned = Decision.objects.filter(activity=OuterRef("pk"), kind=Kind.DEAL)
    return Timeline(
        candidates=Activity.objects.filter(Exists(concerned), contact__in=people),
        exact=lambda activities: (
            activities.filter(selectors.consented())
            if account is None
            else _any_of(
                _sign_ups_of(activities, _co_sold(deals), account),
                _told(activities.filter(decisions__deal=deal), account),
            )
        ),
    )


def visible_among(activities: QuerySet[Activity], account: Account | None) -> QuerySet[Activity]:
    """Return those of a few activities that the account may read; the vendor (None): all."""
    if account is None:
        return activities
    return _any_of(
        selectors.own_among(activities, account),
        _told(activities, account),
        _sign_ups_of(activities, _co_sold(_first_shares(account)), account),
    )


def visible_with_message_id(message_id: str, account: Account | None) -> QuerySet[Activity]:
    """Return the visible activities with this id; several sources may use the same one."""
    return visible_among(Activity.objects.filter(message_id=message_id), account)


def _any_of(*parts: QuerySet[Activity]) -> QuerySet[Activity]:
    ids = [part.order_by().values("pk") for part in parts]
    return Activity.objects.filter(pk__in=ids[0].union(*ids[1:]))


def _told(activities: QuerySet[Activity], account: Account) -> QuerySet[Activity]:
    """What was sent to the account stays readable: every mail has a link to it."""
    sent = Delivery.objects.filter(
        notification__activity=OuterRef("pk"), account=account, state=Delivery.State.DELIVERED
    )
    mine = activities.filter(notifications__account=account)
    return mine.filter(Exists(sent))


def union_of(parts: Sequence[QuerySet[Any]]) -> QuerySet[Any]:
    # A union, not an OR: each part can use its own index.
    return parts[0].union(*parts[1:])


def _first_shares(account: Account) -> QuerySet[Deal]:
    """Only the first partner hears of sign-ups (R48)."""
    first = DealShare.objects.filter(account=account, position=1)
    return Deal.objects.filter(shares__in=first)


def _co_sold(deals: QuerySet[Deal]) -> QuerySet[Deal]:
    """R41: only a company that a growth specialist owns is sold together."""
    specialists = Membership.objects.growth_specialists()
    return deals.filter(company__owner__in=specialists.values("user"))


def _people_in(deals: QuerySet[Deal]) -> QuerySet[CompanyContact]:
    return CompanyContact.objects.filter(
        unlinked=False, company__in=deals.order_by().values("company")
    )


def _sign_ups_of(
    activities: QuerySet[Activity], deals: QuerySet[Deal], account: Account
) -> QuerySet[Activity]:
    """Those that were decided about as the first partner's: not what happened before the
    deal was shared, under another first partner, or after it was archived."""
    decided = Decision.objects.filter(activity=OuterRef("pk"), kind=Kind.DEAL, account=account)
    return activities.filter(
        Exists(decided.exclude(reason__in=NOT_ITS_OWN)),
        selectors.consented(),
        contact__in=_people_in(deals).values("contact"),
    )
