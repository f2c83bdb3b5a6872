"""One line per announcement of the lower apps."""

from typing import Any

from django.dispatch import receiver

from accounts.models import Membership, User
from accounts.signals import membership_removed
from notifications import erasure
from notifications.doorbell import EVALUATE, ring_after_commit
from notifications.endpoints.services import forget_all
from notifications.leaving import drop_recipient
from partners.models import Contact
from partners.signals import activities_recorded, person_erased


@receiver(activities_recorded)
def on_activities_recorded(**_kwargs: Any) -> None:
    ring_after_commit(EVALUATE)


@receiver(person_erased)
def on_person_erased(email: str, contact: Contact | None, **_kwargs: Any) -> None:
    erasure.forget(email, contact)


@receiver(membership_removed)
def on_membership_removed(membership: Membership, actor: User, **_kwargs: Any) -> None:
    drop_recipient(membership, actor=actor)
    forget_all(membership.endpoints.select_related("membership"))
