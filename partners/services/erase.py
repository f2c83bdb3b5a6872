"""Forget a person (R104): who it was goes, that something happened stays."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import models, transaction
from django.db.models import Q
from django.db.models.functions import Cast
from django.utils import timezone

from accounts.audit import record_change
from accounts.models import User
from accounts.services.invitations import forget_invited
from partners.erased import erased_address
from partners.models import Activity, Client, Contact, Identity, Lead, RejectedEvent
from partners.signals import person_erased


@dataclass(frozen=True, kw_only=True)
class Erased:
    """How many rows spoke of the person."""

    contacts: int
    activities: int
    rejected_events: int
    leads: int
    clients: int

    def __str__(self) -> str:
        counts = vars(self).items()
        return ", ".join(f"{name.replace('_', ' ')}: {count}" for name, count in counts)


@transaction.atomic
def erase_person(
    email: str, *, actor: User | None, actor_name: str = "", now: datetime | None = None
) -> Erased:
    """Forget the person with this address, in lower case, known as a contact or not.

    The contact stays as an anonymous row that denies consent, so that counts stay right and
    nothing is sent about it. Announces `person_erased`. Audited without the address.
    """
    contact = Contact.objects.select_for_update().filter(email=email).first()
    activities = _scrub_activities(contact, email)
    erased = Erased(
        contacts=int(contact is not None),
        activities=activities,
        rejected_events=_scrub_rejected_events(email),
        leads=_scrub_registrations(Lead, email),
        clients=_scrub_registrations(Client, email),
    )
    if contact is not None:
        _anonymise(contact, email, now or timezone.now())
    forget_invited(email)
    person_erased.send(sender=Contact, email=email, contact=contact)
    record_change(
        None,
        actor=actor,
        actor_name=actor_name,
        action="person_erased",
        old="",
        new=str(erased),
    )
    return erased


def _anonymise(contact: Contact, email: str, now: datetime) -> None:
    contact.identities.all().delete()
    contact.companycontact_set.all().delete()
    address = erased_address(email)
    if Contact.objects.filter(email=address).exists():  # Came back, and is erased again.
        address = address.replace("@", f"-{contact.pk}@")
    contact.email, contact.name = address, ""
    contact.consent_denied, contact.erased_at = True, now
    contact.save(update_fields=["email", "domain", "name", "consent_denied", "erased_at"])


def _scrub_activities(contact: Contact | None, email: str) -> int:
    """Empty what the person did, also before they were known, and who else mentions them."""
    mentions = Activity.objects.annotate(text=Cast("payload", models.TextField())).filter(
        Q(text__icontains=email) | Q(message_id__icontains=email) | Q(name__icontains=email)
    )
    concerned = Q(pk__in=mentions.values("pk"))
    if contact is not None:
        visits = contact.identities.filter(kind=Identity.Kind.ANONYMOUS).values("value")
        concerned |= Q(contact=contact) | Q(contact=None, anonymous_id__in=visits)
    ids = list(Activity.objects.filter(concerned).values_list("pk", flat=True))
    telling = Activity.objects.filter(pk__in=ids, message_id__icontains=email)
    for activity in telling.only("pk"):
        activity.message_id = f"erased-{activity.pk}"
        activity.save(update_fields=["message_id"])
    for start in range(0, len(ids), 500):
        Activity.objects.filter(pk__in=ids[start : start + 500]).update(
            payload={}, name="", anonymous_id="", user_id="", problem="", consent_denied=True
        )
    return len(ids)


def _scrub_rejected_events(email: str) -> int:
    mentions = RejectedEvent.objects.filter(
        Q(excerpt__icontains=email) | Q(message__icontains=email) | Q(message_id__icontains=email)
    )
    return mentions.update(excerpt="", message="", message_id="")


def _scrub_registrations(model: type[Lead] | type[Client], email: str) -> int:
    """The registration itself is the partner's and stays; its person goes."""
    rows: models.QuerySet = model.objects.filter(email__iexact=email)
    return rows.update(first_name="", last_name="", email="")
