"""One line per announcement of the app below."""

from typing import Any

from django.dispatch import receiver

from accounts.models import Membership, User
from accounts.signals import membership_removed
from partners.services.deals import end_roles
from partners.services.leads import end_ownership


@receiver(membership_removed)
def on_membership_removed(membership: Membership, actor: User, **_kwargs: Any) -> None:
    end_roles(membership)
    end_ownership(membership, actor=actor)
