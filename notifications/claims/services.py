"""Saying "I'm on it", and no more."""

from __future__ import annotations

from django.db import transaction

from accounts.audit import record_change
from accounts.models import Membership
from notifications.claims.selectors import among, holding, name_of
from notifications.eligibility import Matter
from notifications.facts.batch import lock_accounts
from notifications.inbox.services import mark_read_about
from notifications.models import Claim
from partners.models import Client, Deal, Lead


@transaction.atomic
def take(membership: Membership, matter: Matter, row: Lead | Client | Deal) -> Claim:
    """Let the member be on it, unless a colleague is; return who is. The first one wins, and has
    read what their inbox has about it."""
    lock_accounts({membership.account_id})
    place = membership.account_id, matter
    if claim := holding([membership.account_id], [matter]).get(place):
        return claim
    rows = Claim.objects.filter(among([matter]), account=membership.account_id)
    rows.delete()  # Of somebody who is not on it any more.
    claim = Claim.objects.create(
        account=membership.account, membership=membership, **{f"{matter.kind}_id": matter.id}
    )
    mark_read_about(membership, matter)
    _record(membership, "taken", row)
    return claim


@transaction.atomic
def release(membership: Membership, matter: Matter, row: Lead | Client | Deal) -> bool:
    """Let the member be on it no longer; return whether they were."""
    mine = Claim.objects.filter(among([matter]), membership=membership)
    was_on_it = bool(mine.delete()[0])
    if was_on_it:
        _record(membership, "released", row)
    return was_on_it


def _record(membership: Membership, what: str, row: Lead | Client | Deal) -> None:
    record_change(
        membership.account,
        actor=membership.user,
        action=f"claim.{what}",
        subject=name_of(row),
        old="",
        new="",
    )
