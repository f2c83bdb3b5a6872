"""A team of people who are told one after the other, for tests of escalation."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core import mail
from django.db.models import F

from notifications.drain import drain
from notifications.models import Decision, Escalation, EscalationStep, Notification
from partners.models import Activity
from tests.factories import make_account, make_member
from tests.northstar import Northstar
from tests.notifications.told import mailed


class Team(Northstar):
    """Ala, the recipient; Bo, the backup; Eve, another admin; Pat, the vendor's manager."""

    def __init__(self) -> None:
        super().__init__()
        self.bo = make_member(self.account, "bo@northstar.example", name="Bo")
        self.eve = make_member(self.account, "eve@northstar.example", role="admin")
        vendor = make_account("northwind", kind="vendor")
        self.pat = make_member(vendor, "pat@northwind.example", role="partner_manager")
        make_member(vendor, "gosia@northwind.example", role="growth_specialist")
        self.settings.backup = self.bo
        self.settings.escalate_after = 2
        self.settings.save()


def happens(team: Northstar, **fields: Any) -> Activity:
    activity = team.happens(**fields)
    work_on()
    return activity


def work_on() -> None:
    drain(patience_seconds=0)


def time_passes(**span: float) -> None:
    """Let everything be so much older than it is; a fortnight, if not said."""
    passed = timedelta(**(span or {"days": 14}))
    Notification.objects.update(created_at=F("created_at") - passed)
    Escalation.objects.update(began_at=F("began_at") - passed)
    Escalation.objects.filter(ended="").update(due_at=F("due_at") - passed)
    EscalationStep.objects.update(at=F("at") - passed)


def newly_mailed() -> list[str]:
    """Return who got an e-mail since this was asked last."""
    names = mailed()
    mail.outbox.clear()
    return names


def escalated() -> list[tuple[str, str]]:
    """Return who was asked, in turn, and what was decided."""
    decisions = Decision.objects.filter(part="escalation").order_by("pk")
    return list(decisions.values_list("membership__user__name", "reason"))


def ended() -> list[str]:
    return list(Escalation.objects.order_by("pk").values_list("ended", flat=True))
