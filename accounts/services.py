from __future__ import annotations

from django.db import transaction

from accounts.models import User


@transaction.atomic
def save_profile(user: User, *, name: str, language: str, timezone: str) -> None:
    user.name, user.language, user.timezone = name, language, timezone
    user.save(update_fields=["name", "language", "timezone"])
