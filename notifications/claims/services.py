"""Saying "I'm on it", and no more."""

from __future__ import annotations

from django.db import transaction

from accounts.audit import record_change
from accounts.models import Membership
from notifications.claims.selectors import among, holding, name_of
from notifications.eligibility import Matter
from notifications.facts.batch import lock_accounts
from notifications.inbox.services import mark_read_about, mark_unread_again
from notifications.models import Claim
from partners.models import Client, Deal, Lead


@transaction.atomic
def take(membership: Membership, matter: Matter, row: Lead | Client | Deal) -> tuple[Claim, bool]:
    """Let the member be on it, unless somebody is; return whose it is, and whether since now.

    The first one wins, and has read what their inbox has about it.
    """
    lock_accounts({membership.account_id})
    place = membership.account_id, matter
    if claim := holding([membership.account_id], [matter]).get(place):
        return claim, False
    rows = Claim.objects.filter(among([matter]), account=membership.account_id)
    rows.delete()  # Of somebody who is not on it any more.
    claim = Claim.objects.create(
        account=membership.account, membership=membership, **{f"{matter.kind}_id": matter.id}
    )
    mark_read_about(membership, matter, claim.claimed_at)
    _record(membership, "taken", row)
    return claim, True


@transaction.atomic
def release(
    membership: Membership, matter: Matter, row: Lead | Client | Deal, *, undo: bool = False
) -> bool:
    """Let the member be on it no longer; return whether they were. `undo`: as if they had never
    been: what was read with that is unread, and nobody has looked at it."""
    claim = Claim.objects.filter(among([matter]), membership=membership).first()
    if claim is None:
        return False
    claim.delete()
    if undo:
        mark_unread_again(membership, claim.claimed_at)
    _record(membership, "released", row)
    return True


def _record(membership: Membership, what: str, row: Lead | Client | Deal) -> None:
    record_change(
        membership.account,
        actor=membership.user,
        action=f"claim.{what}",
        subject=name_of(row),
        old="",
        new="",
    )
