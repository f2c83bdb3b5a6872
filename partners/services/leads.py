"""Who of a partner's people looks after a lead. Every change is written down."""

from __future__ import annotations

from django.db import transaction

from accounts.audit import record_change
from accounts.models import Membership, User
from partners.models import Lead


def record_owner(
    lead: Lead, before: Membership | None, *, actor: User | None, actor_name: str = ""
) -> None:
    """Write down that the lead has another owner than `before`; nothing, if it has not."""
    if before == lead.owner:
        return
    record_change(
        lead.account,
        actor=actor,
        actor_name=actor_name,
        action="lead_owner",
        subject=lead.domain,
        old=_name(before),
        new=_name(lead.owner),
    )


@transaction.atomic
def end_ownership(member: Membership, *, actor: User | None) -> None:
    """Leave a person's leads without an owner: they left the account. One entry for all."""
    owned = Lead.objects.filter(owner=member).order_by("domain")
    domains = list(owned.values_list("domain", flat=True))
    if domains:
        owned.update(owner=None)
        record_change(
            member.account,
            actor=actor,
            action="lead_owner",
            subject=", ".join(domains),
            old=_name(member),
            new="",
        )


def _name(member: Membership | None) -> str:
    return member.user.name_and_email if member else ""
