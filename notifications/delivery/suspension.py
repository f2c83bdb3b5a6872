"""An address that gets no e-mail any more, who hears of it, and how it is freed (R83)."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from accounts.audit import record_change
from accounts.models import Membership, User
from notifications.delivery.telling import tell
from notifications.models import Notification, Suppression
from notifications.notices import admins_of


@transaction.atomic
def suspend(address: str, cause: str, detail: str) -> None:
    """Send nothing to a user's address, and tell the admins of their accounts, once.

    `cause`: bounce, complaint or asked. A later report does not change why.
    """
    if not User.objects.filter(email=address).exists():
        return
    row, is_new = Suppression.objects.get_or_create(
        address=address, defaults={"cause": cause, "detail": detail}
    )
    if is_new:
        for member in Membership.objects.active().filter(user__email=address):
            _tell_admins(member, row)


@transaction.atomic
def free(address: str, *, actor: User) -> bool:
    """Let e-mail through again, and write down who did it. False: it was not suspended."""
    row = Suppression.objects.filter(address=address).first()
    if row is None:
        return False
    row.delete()
    record_change(
        None, actor=actor, action="addresses.freed", subject=address, old=row.cause, new=""
    )
    return True


def _tell_admins(member: Membership, row: Suppression) -> None:
    """Tell them about the last message that was meant for the member; without one, nobody."""
    last = Notification.objects.filter(membership=member).order_by("-pk").first()
    if last is None:
        return
    reasons = list(last.reasons.all())
    for admin in admins_of({member.account_id}):
        tell(
            admin,
            last,
            reasons,
            dedupe_key=f"suspended:{row.pk}:{member.pk}",
            now=timezone.now(),
            suspended=member,
            suspended_because=row.cause,
        )
