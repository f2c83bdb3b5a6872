"""Forget a person (R104): who it was goes, that something happened stays."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db import models, transaction
from django.db.models import Q
from django.db.models.functions import Cast
from django.utils import timezone

from accounts.audit import forget_person, record_change
from accounts.mentions import mentions, perhaps_mentions
from accounts.models import User
from accounts.services.invitations import forget_invited
from partners.conflicts import repeated_after_conflict
from partners.erased import erased_address
from partners.models import Activity, Client, Contact, Identity, Lead, RejectedEvent
from partners.signals import person_erased

CHUNK = 500


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


@repeated_after_conflict
@transaction.atomic
def erase_person(
    email: str, *, actor: User | None, actor_name: str = "", now: datetime | None = None
) -> Erased:
    """Forget the person with this address, in lower case, known as a contact or not.

    The contact stays as an anonymous row that denies consent, so that counts stay right and
    nothing is sent about it. Announces `person_erased`. Audited without the address.
    """
    _hold_pending(email)
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
    forget_person(email)
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


def _hold_pending(email: str) -> None:
    """Activities before their contact, as evaluation takes them: else both wait for ever."""
    rows = Activity.objects.filter(contact__email=email, state=Activity.State.PENDING)
    list(rows.select_for_update(of=("self",), no_key=True).order_by("pk").values_list("pk"))


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
    texts = Activity.objects.annotate(text=Cast("payload", models.TextField()))
    ids = set(_mentioning(texts, email, "text", "message_id", "name"))
    if contact is not None:
        visits = contact.identities.filter(kind=Identity.Kind.ANONYMOUS).values("value")
        own = Q(contact=contact) | Q(contact=None, anonymous_id__in=visits)
        ids |= set(Activity.objects.filter(own).values_list("pk", flat=True))
    for chunk in _chunks(ids):
        concerned = Activity.objects.filter(pk__in=chunk)
        # Here it may stand behind anything: `demo-anna@…` of what Anna did is no other person.
        telling = concerned.filter(perhaps_mentions(email, "message_id"))
        for pk in list(telling.values_list("pk", flat=True)):
            Activity.objects.filter(pk=pk).update(message_id=f"erased-{pk}")
        concerned.update(
            payload={}, name="", anonymous_id="", user_id="", problem="", consent_denied=True
        )
    return len(ids)


def _scrub_rejected_events(email: str) -> int:
    fields = ("excerpt", "message", "message_id")
    ids = set(_mentioning(RejectedEvent.objects.all(), email, *fields))
    for chunk in _chunks(ids):
        RejectedEvent.objects.filter(pk__in=chunk).update(**dict.fromkeys(fields, ""))
    return len(ids)


def _mentioning(rows: models.QuerySet, email: str, *fields: str) -> list[int]:
    """Return the ids of the rows that mention the address; their texts are read one by one."""
    is_meant = mentions(email)
    candidates = rows.filter(perhaps_mentions(email, *fields)).values_list("pk", *fields)
    return [pk for pk, *texts in candidates.iterator(CHUNK) if any(map(is_meant, texts))]


def _chunks(ids: Collection[int]) -> Iterator[list[int]]:
    listed = sorted(ids)
    for start in range(0, len(listed), CHUNK):
        yield listed[start : start + CHUNK]


def _scrub_registrations(model: type[Lead] | type[Client], email: str) -> int:
    """The registration itself is the partner's and stays; its person goes."""
    rows: models.QuerySet = model.objects.filter(email__iexact=email)
    return rows.update(first_name="", last_name="", email="")
