"""One line per announcement of the app below."""

from typing import Any

from django.dispatch import receiver

from accounts.models import Membership
from accounts.signals import membership_removed
from partners.services.deals import end_roles


@receiver(membership_removed)
def on_membership_removed(membership: Membership, **_kwargs: Any) -> None:
    end_roles(membership)
