"""Who was told, as many tests ask in the end."""

from __future__ import annotations

from django.core import mail

from notifications.models import Decision


def mailed() -> list[str]:
    """Return who got an e-mail, in the order of sending: the part before the @."""
    return [message.to[0].partition("@")[0] for message in mail.outbox]


def decided() -> set[tuple[str, str, str]]:
    """Return of whom it was decided, as what, and the reason."""
    return set(Decision.objects.values_list("membership__user__name", "part", "reason"))
