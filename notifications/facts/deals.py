"""The shared deals of the companies, and who signed up before (R41-R59)."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from notifications.eligibility import (
    CompanyFacts,
    SharedDeal,
)
from notifications.facts.links import Link
from notifications.models import (
    DealSignUp,
)
from partners.models import (
    Activity,
    Deal,
    DealMember,
    DealShare,
)


@dataclass(kw_only=True)
class DealRows:
    deal: Deal
    shares: list[DealShare] = field(default_factory=list)
    members: list[DealMember] = field(default_factory=list)

    @property
    def positions(self) -> dict[int, int]:
        return {share.account_id: share.position for share in self.shares}


def load_deals(links: Mapping[int, list[Link]]) -> list[DealRows]:
    """Return the live deals of the companies with shares and people. 3 queries."""
    company_ids = {
        link.company_id
        for found in links.values()
        for link in found
        if link.owner_is_growth_specialist
    }
    live = Deal.objects.filter(company__in=company_ids, archived_at=None).order_by("pk")
    rows = {deal.pk: DealRows(deal=deal) for deal in live}
    for deal_id, shares in load_shares(rows).items():
        rows[deal_id].shares = shares
    for member in DealMember.objects.filter(deal__in=rows).order_by("pk"):
        rows[member.deal_id].members.append(member)
    return list(rows.values())


def load_shares(deal_ids: Iterable[int]) -> defaultdict[int, list[DealShare]]:
    """Return the line of partners of each deal, with their accounts. 1 query, if any deal."""
    found: defaultdict[int, list[DealShare]] = defaultdict(list)
    for share in DealShare.objects.filter(deal__in=set(deal_ids)).select_related("account"):
        found[share.deal_id].append(share)
    return found


def as_shared_deal(deal_id: int, shares: Iterable[DealShare]) -> SharedDeal:
    """Return the deal's line of partners as a fact. `account` must be selected."""
    shares = list(shares)
    return SharedDeal(
        id=deal_id,
        positions={share.account_id: share.position for share in shares},
        partner_ids=frozenset(s.account_id for s in shares if s.account.is_partner),
    )


class SignUps:
    """The first sign-up of each contact that concerned a deal (R59)."""

    def __init__(self, deals: Iterable[DealRows], links: Mapping[int, list[Link]]) -> None:
        self._shared = {rows.deal.pk for rows in deals if rows.shares}
        known = DealSignUp.objects.filter(deal__in=self._shared, contact__among=list(links))
        self._first = {
            (deal_id, contact_id): activity_id
            for deal_id, contact_id, activity_id in known.values_list(
                "deal_id", "contact_id", "activity_id"
            )
        }
        self.new: list[DealSignUp] = []

    def before(self, deal_id: int, activity: Activity) -> bool:
        first = self._first.get((deal_id, activity.contact_id or 0))
        return first is not None and first != activity.pk

    def add(self, companies: Iterable[CompanyFacts], activity: Activity) -> None:
        """Remember a sign-up that concerned these companies' shared deals."""
        contact_id = activity.contact_id
        for company in companies:
            for deal in company.deals if company.owner_is_growth_specialist else ():
                key = (deal.id, contact_id or 0)
                if contact_id and deal.id in self._shared and key not in self._first:
                    self._first[key] = activity.pk
                    self.new.append(
                        DealSignUp(deal_id=deal.id, contact_id=contact_id, activity=activity)
                    )
