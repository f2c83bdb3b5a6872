"""Which activities a text means: a message id, an e-mail, or a name that contains it."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet

from accounts.models import Account
from notifications.activities.visible import people_of, union_of
from partners import selectors
from partners.models import Activity, Client, Company, Contact, Deal, Lead

# Of so many leads, clients, deals, companies and people with the text in their name.
MOST_NAMED = 500


def is_about(text: str, account: Account | None) -> Q:
    """Return the condition of activities; by names only the account's own, of the vendor's
    people (None) all. What the text is is asked first: then each index serves. 2-8 queries.

    It may hold too much for an account: what it may read is asked of what is found.
    """
    is_message = Activity.objects.filter(message_id=text).exists()
    person = Contact.objects.filter(email=text.lower()).values_list("pk", flat=True).first()
    if person:
        return Q(message_id=text) | Q(contact=person) if is_message else Q(contact=person)
    people = _people_named(text, account)
    if not is_message:
        return Q(contact__in=people)
    # Whoever sends it chooses it: it may be a name as well, and hides nobody then.
    return Q(message_id=text) | Q(contact__in=people) if people.exists() else Q(message_id=text)


def _people_named(text: str, account: Account | None) -> QuerySet[Any]:
    """Return the ids of those who bear the name, or belong to what bears it."""
    of_domain = Contact.objects.filter(domain=text.lower()).values("pk")
    parts: list[QuerySet[Any]] = [_contacts_named(text, account), of_domain]
    if leads := _few(selectors.search_registered(selectors.leads_of(account), text)):
        parts += selectors.matching(Lead.objects.filter(pk__in=leads))
    if clients := _few(selectors.search_registered(selectors.clients_of(account), text)):
        parts += selectors.matching(Client.objects.filter(pk__in=clients))
    if companies := _companies_named(text, account):
        parts += selectors.people_in(Company.objects.filter(pk__in=companies))
    return union_of(parts)


def _contacts_named(text: str, account: Account | None) -> QuerySet[Any]:
    people = Contact.objects.filter(name__icontains=text)
    if account is not None:  # Few: only their names are compared.
        people = people.filter(pk__in=people_of(account))
    return Contact.objects.filter(pk__in=_few(people)).values("pk")


def _companies_named(text: str, account: Account | None) -> set[int]:
    """A partner sees a company's name with a deal alone."""
    deals = selectors.search_deals(selectors.deals_of(account), text).order_by("pk")
    found = set(Deal.objects.filter(pk__in=_few(deals)).values_list("company", flat=True))
    if account is None:
        names = Q(name__icontains=text) | Q(domain__icontains=text)
        found.update(_few(Company.objects.filter(names)))
    return found


def _few(rows: QuerySet[Any]) -> list[int]:
    return list(rows.order_by("pk").values_list("pk", flat=True)[:MOST_NAMED])
