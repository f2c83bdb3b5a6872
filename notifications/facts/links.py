"""The companies of the people, and who owns them (R41)."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Q

from accounts.models import Membership
from partners.models import (
    Company,
    CompanyContact,
    Contact,
)


@dataclass(frozen=True, slots=True)
class Link:
    company_id: int
    domain: str
    owner_is_growth_specialist: bool


def link_new_contacts(
    contacts: Mapping[int | None, Contact],
) -> dict[int, list[Link]]:
    """Return the companies of each contact; link whoever has none by e-mail domain (R41).

    An explicit unlink is kept: that contact is not linked to that company again.
    """
    rows = CompanyContact.objects.filter(contact__among=list(contacts)).select_related("company")
    linked: dict[int, list[int]] = defaultdict(list)
    unlinked: set[tuple[int, int]] = set()
    for row in rows:
        if row.unlinked:
            unlinked.add((row.contact_id, row.company_id))
        else:
            linked[row.contact_id].append(row.company_id)
    domains = {c.pk: c.domain for c in contacts.values() if c.pk not in linked}
    specialist = Membership.objects.growth_specialists().filter(user=OuterRef("owner"))
    companies = {
        company.pk: company
        for company in Company.objects.filter(
            Q(pk__among={pk for pks in linked.values() for pk in pks})
            | Q(domain__among={domain for domain in domains.values() if domain})
        ).annotate(owner_is_growth_specialist=Exists(specialist))
    }
    by_domain = {company.domain: company.pk for company in companies.values()}
    new = []
    for contact_id, domain in domains.items():
        company_id = by_domain.get(domain)
        if company_id is not None and (contact_id, company_id) not in unlinked:
            new.append(CompanyContact(contact_id=contact_id, company_id=company_id))
            linked[contact_id].append(company_id)
    if new:
        CompanyContact.objects.bulk_create(new, ignore_conflicts=True)
    return {
        contact_id: [
            Link(pk, companies[pk].domain, companies[pk].owner_is_growth_specialist)
            for pk in sorted(pks)
        ]
        for contact_id, pks in linked.items()
    }
