"""One line per announcement of the lower apps."""

from typing import Any

from django.dispatch import receiver

from notifications import erasure
from notifications.doorbell import EVALUATE, ring_after_commit
from partners.models import Contact
from partners.signals import activities_recorded, person_erased


@receiver(activities_recorded)
def on_activities_recorded(**_kwargs: Any) -> None:
    ring_after_commit(EVALUATE)


@receiver(person_erased)
def on_person_erased(email: str, contact: Contact | None, **_kwargs: Any) -> None:
    erasure.forget(email, contact)
