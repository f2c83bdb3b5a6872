"""Right before the send: has somebody looked meanwhile, and is it still this reader's?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from accounts.models import Membership
from notifications.claims.selectors import among, holding, matter_of
from notifications.eligibility import Matter, Part, why_not_escalated
from notifications.escalations.facts import is_looked
from notifications.models import CommunicationSettings, NotificationReason
from notifications.reasons import Reason


class EscalationChecks:
    """2 queries, and none if no reason is an escalation."""

    def __init__(
        self,
        reasons: Iterable[NotificationReason],
        activities: Mapping[int, int],
        communication: Mapping[int, CommunicationSettings],
    ) -> None:
        """`activities`: by notification."""
        escalated = [reason for reason in reasons if reason.part == Part.ESCALATION]
        matters = {matter for reason in escalated if (matter := matter_of(reason))}
        self._communication = communication
        self._claims = set(holding(communication, matters)) if matters else set()
        self._looked = self._load_looked(matters, activities) if matters else set()

    def _load_looked(
        self, matters: set[Matter], activities: Mapping[int, int]
    ) -> set[tuple[int, Matter]]:
        told = NotificationReason.objects.filter(
            among(matters),
            notification__activity__in=set(activities.values()),
            notification__notice="",
        ).select_related("notification")
        return {
            (reason.notification.activity_id, matter)
            for reason in told
            if is_looked(reason.notification) and (matter := matter_of(reason))
        }

    def why_not(
        self, reason: NotificationReason, reader: Membership, account_id: int, activity_id: int
    ) -> Reason | None:
        """`account_id`: whose lead, client or deal it is."""
        matter = matter_of(reason)
        assert matter is not None
        wishes = self._communication.get(account_id)
        return why_not_escalated(
            is_asked=_is_asked(reader, account_id, wishes.backup_id if wishes else None),
            active=reader.is_current,
            is_over=(account_id, matter) in self._claims or (activity_id, matter) in self._looked,
        )


def _is_asked(reader: Membership, account_id: int, backup_id: int | None) -> bool:
    if reader.is_vendor_side:
        return reader.role == Membership.Role.PARTNER_MANAGER
    return reader.pk == backup_id or (reader.account_id == account_id and reader.is_admin)
