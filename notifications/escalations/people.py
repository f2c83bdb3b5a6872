"""Whom the steps concern: asked for what is due, and by the page that switches it on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from django.db.models import Q, QuerySet

from accounts.models import Account, Membership
from notifications.eligibility import Step
from notifications.models import CommunicationSettings


def candidates(account_ids: Iterable[int]) -> QuerySet[Membership]:
    """Return everybody whom a step of one of these accounts may concern."""
    accounts = set(account_ids)
    backups = CommunicationSettings.objects.filter(account__in=accounts, backup__isnull=False)
    wanted = (
        Q(account__in=accounts, role=Membership.Role.ADMIN)
        | Q(pk__in=backups.values("backup"))
        | Q(
            account__kind=Account.Kind.VENDOR,
            account__is_active=True,
            role=Membership.Role.PARTNER_MANAGER,
        )
    )
    return (
        Membership.objects.active().filter(wanted).select_related("user", "account").order_by("pk")
    )


class StepMembers:
    """`members`: the candidates; `wishes`: by account."""

    def __init__(
        self, members: Iterable[Membership], wishes: Mapping[int, CommunicationSettings]
    ) -> None:
        self._wishes = wishes
        self._found: dict[tuple[Step, int], list[int]] = defaultdict(list)
        for member in members:
            if member.is_vendor_side:
                self._found[Step.MANAGERS, 0].append(member.pk)
            elif member.is_admin:
                self._found[Step.ADMINS, member.account_id].append(member.pk)

    def of(self, step: Step, account_id: int) -> list[int]:
        """Return the memberships that the step concerns in this account."""
        if step == Step.BACKUP:
            wishes = self._wishes.get(account_id)
            return [wishes.backup_id] if wishes and wishes.backup_id else []
        return self._found[step, 0 if step == Step.MANAGERS else account_id]
