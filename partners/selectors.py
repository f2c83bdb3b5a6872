"""Whose lead somebody was when they did something, and the rows of the read-only pages.

Companies, contacts and activities belong to the vendor. What a partner may read is what
these queries return, and nothing else: `account` None stands for the vendor.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypeVar

from django.db.models import (
    Exists,
    OuterRef,
    Prefetch,
    Q,
    QuerySet,
    Subquery,
    Value,
)
from django.db.models.functions import Coalesce, Concat

from accounts.models import Account
from partners.models import (
    Activity,
    Client,
    Company,
    CompanyContact,
    Contact,
    Deal,
    DealMember,
    DealShare,
    Lead,
)

Registered = TypeVar("Registered", Lead, Client)

# --- Leads and deals ------------------------------------------------------------------


def leads_of(account: Account | None) -> QuerySet[Lead]:
    """Return the leads of the account, in its order; newest first for the vendor."""
    leads = Lead.objects.select_related("account")
    return leads.order_by("-pk") if account is None else leads.filter(account=account)


def search_registered(rows: QuerySet[Registered], text: str) -> QuerySet[Registered]:
    """Return the leads or clients whose domain, company or contact contains the text."""
    if not text:
        return rows
    return rows.alias(full_name=Concat("first_name", Value(" "), "last_name")).filter(
        Q(domain__icontains=text)
        | Q(company__icontains=text)
        | Q(full_name__icontains=text)
        | Q(email__icontains=text)
    )


def clients_of(account: Account | None) -> QuerySet[Client]:
    clients = Client.objects.order_by("pk")
    return clients if account is None else clients.filter(account=account)


def leads_with_status(leads: QuerySet[Lead], status: str, now: datetime) -> QuerySet[Lead]:
    """Return the leads that have the status now, with the expiry date applied."""
    ran_out = Q(status=Lead.Status.REGISTERED, expires_at__lte=now)
    if status == Lead.Status.EXPIRED:
        return leads.filter(Q(status=status) | ran_out)
    return leads.filter(Q(status=status) & ~ran_out) if status else leads


def deals_of(account: Account | None) -> QuerySet[Deal]:
    """Return the deals that are shared with the account; all of them for the vendor."""
    deals = Deal.objects.select_related("company__owner").order_by("name", "pk")
    if account is None:
        return deals
    return deals.filter(Exists(DealShare.objects.filter(deal=OuterRef("pk"), account=account)))


def search_deals(deals: QuerySet[Deal], text: str) -> QuerySet[Deal]:
    """Return the deals whose name or company contains the text."""
    if not text:
        return deals
    company = Q(company__name__icontains=text) | Q(company__domain__icontains=text)
    return deals.filter(Q(name__icontains=text) | company)


def people_of_deals(account: Account | None) -> tuple[Prefetch, Prefetch]:
    """Return what to prefetch: the partners in line, and the current owner and team.

    A partner sees its own place and its own people; who else is there is not its business.
    """
    shares = DealShare.objects.select_related("account").order_by("position")
    members = (
        DealMember.objects.filter(removed_at=None)
        .select_related("membership__user", "membership__account")
        .order_by("role", "membership__user__name")
    )
    if account is not None:
        shares = shares.filter(account=account)
        members = members.filter(membership__account=account)
    return Prefetch("shares", queryset=shares), Prefetch("members", queryset=members)


# --- Activities -----------------------------------------------------------------------


def people_of(account: Account) -> list[QuerySet[Any]]:
    """Return the ids of those who may be leads or clients of the account: who, not when.

    Several cheap queries to be united; `own_among` says exactly what the account may read.
    """
    leads = Lead.objects.filter(account=account)
    clients = Client.objects.filter(account=account)
    return [*matching(leads), *matching(clients)]


def own_among(activities: QuerySet[Activity], account: Account) -> QuerySet[Activity]:
    """Return those of the activities that are of the account's leads and clients.

    The active registration of a person belongs to one account; only without one, clients
    count (R6). What people did who deny consent stays with the vendor (R23). Asks three
    questions about each activity: give it few.
    """
    return _owned(activities).filter(
        Q(owner_id=account.pk) | Q(Q(owner_id=None), _is_client_of(account)), consented()
    )


def people_of_lead(lead: Lead) -> list[QuerySet[Any]]:
    """Return the ids of those who may belong to the registration, to be united."""
    return [
        Contact.objects.filter(email=lead.email).values("pk"),
        CompanyContact.objects.filter(unlinked=False, company__domain=lead.domain).values(
            "contact"
        ),
        Contact.objects.filter(domain=lead.domain).values("pk"),
    ]


def of_lead_among(activities: QuerySet[Activity], lead: Lead) -> QuerySet[Activity]:
    """Return those of the activities that belong to the registration while it was active."""
    return _owned(activities).filter(
        Q(owner_id=lead.account_id),
        consented(),
        occurred_at__gte=lead.registered_at,
        **({"occurred_at__lt": lead.expires_at} if lead.expires_at else {}),
    )


def people_in(companies: QuerySet[Company]) -> list[QuerySet[Any]]:
    """Return the ids of those who belong to one of the companies, to be united."""
    return [
        CompanyContact.objects.filter(unlinked=False, company__in=companies).values("contact"),
        Contact.objects.filter(domain__in=companies.order_by().values("domain")).values("pk"),
    ]


def consented() -> Q:
    return Q(consent_denied=False, contact__consent_denied=False)


def matching(rows: QuerySet[Any]) -> list[QuerySet[Any]]:
    """Return the ids of the contacts of these leads or clients, by the three ways of R17, to be
    united."""
    domains = rows.order_by().values("domain")
    emails = rows.exclude(email="").order_by().values("email")
    return [
        Contact.objects.filter(email__in=emails).values("pk"),
        CompanyContact.objects.filter(unlinked=False, company__domain__in=domains).values(
            "contact"
        ),
        Contact.objects.filter(domain__in=domains).values("pk"),
    ]


def _owned(activities: QuerySet[Activity]) -> QuerySet[Activity]:
    """Add `owner_id`: the account whose active lead the person was, in the order of R17."""
    return activities.alias(
        owner_id=Coalesce(
            Subquery(_by_email(_active_leads()).values("account")[:1]),
            Subquery(_by_company(_active_leads(outer=2))[:1]),
            Subquery(_by_domain(_active_leads()).values("account")[:1]),
        )
    )


def _active_leads(*, outer: int = 1) -> QuerySet[Lead]:
    when = _outer("occurred_at", outer)
    return Lead.objects.filter(
        Q(expires_at=None) | Q(expires_at__gt=when),
        status=Lead.Status.REGISTERED,
        registered_at__lte=when,
    ).order_by("registered_at", "pk")


def _outer(name: str, levels: int) -> OuterRef:
    return OuterRef(name) if levels == 1 else OuterRef(_outer(name, levels - 1))


def _by_email(rows: QuerySet[Any]) -> QuerySet[Any]:
    return rows.exclude(email="").filter(email=OuterRef("contact__email"))


def _by_domain(rows: QuerySet[Any]) -> QuerySet[Any]:
    return rows.filter(domain=OuterRef("contact__domain"))


def _by_company(leads: QuerySet[Lead]) -> QuerySet[Any]:
    registered = leads.filter(domain=OuterRef("company__domain")).values("account")[:1]
    return (
        CompanyContact.objects.filter(contact=OuterRef("contact"), unlinked=False)
        .annotate(registered_by=Subquery(registered))
        .exclude(registered_by=None)
        .order_by("company_id")
        .values("registered_by")
    )


def _is_client_of(account: Account) -> Q:
    clients = Client.objects.filter(
        Q(until=None) | Q(until__gt=OuterRef("occurred_at")),
        account=account,
        since__lte=OuterRef("occurred_at"),
    )
    companies = CompanyContact.objects.filter(contact=OuterRef(OuterRef("contact")), unlinked=False)
    return Q(
        Exists(_by_email(clients))
        | Exists(clients.filter(domain__in=companies.values("company__domain")))
        | Exists(_by_domain(clients))
    )
