"""What a person says about themselves, and the address that is theirs."""

from __future__ import annotations

from allauth.account.models import EmailAddress
from django.db import transaction

from accounts.models import User


@transaction.atomic
def save_profile(user: User, *, name: str, language: str, timezone: str) -> None:
    user.name, user.language, user.timezone = name, language, timezone
    user.save(update_fields=["name", "language", "timezone"])


@transaction.atomic
def verify_address(user: User) -> None:
    """Make the user's e-mail the one verified address: an operator or a mailed link says so."""
    EmailAddress.objects.filter(user=user).exclude(email__iexact=user.email).delete()
    EmailAddress.objects.filter(email__iexact=user.email).exclude(user=user).delete()
    EmailAddress.objects.update_or_create(
        user=user, email=user.email, defaults={"verified": True, "primary": True}
    )
