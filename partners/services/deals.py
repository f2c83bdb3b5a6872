"""Who sells a shared deal together: the line of partners, the owner and the team."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.audit import record_change
from accounts.models import Account, Membership, User
from partners.models import Deal, DealMember, DealShare

FIRST_PARTNER = "deal_first_partner"


class AlreadyShared(Exception):
    """The partner stands in the line already, at `position`."""

    def __init__(self, position: int) -> None:
        super().__init__(position)
        self.position = position


class NotShared(Exception):
    """The deal is not shared with this partner."""


# --- The line of partners -----------------------------------------------------------


@transaction.atomic
def share_deal(
    deal: Deal, account: Account, *, actor: User | None = None, now: datetime | None = None
) -> DealShare:
    """Put the partner at the end of the line; in an empty line that is the first place.

    Whoever was removed and comes back starts at the end again (R51). Raises AlreadyShared.
    """
    line = _lock(deal)
    for share in line:
        if share.account_id == account.pk:
            raise AlreadyShared(share.position)
    last = max((share.position for share in line), default=0)
    share = DealShare.objects.create(
        deal=deal, account=account, position=last + 1, added_at=now or timezone.now()
    )
    if share.is_first:
        _record_first(deal, None, account, actor)
    return share


@transaction.atomic
def remove_share(deal: Deal, account: Account, *, actor: User | None = None) -> None:
    """Take the partner out of the line; the places of the others stay (R50).

    The next one becomes first only if settings.PROMOTE_ON_REMOVAL says so. Raises NotShared.
    """
    line = _lock(deal)
    gone = _share_of(line, account)
    left = [share for share in line if share is not gone]
    DealShare.objects.filter(pk=gone.pk).delete()
    promoted = left[0] if left and gone.is_first and settings.PROMOTE_ON_REMOVAL else None
    if promoted:
        DealShare.objects.filter(pk=promoted.pk).update(position=1)
    if gone.is_first:
        _record_first(deal, account, promoted.account if promoted else None, actor)


@transaction.atomic
def promote_partner(deal: Deal, account: Account, *, actor: User | None) -> None:
    """Make the partner the first, who is notified from now on; the others keep their order.

    Audited. Raises NotShared.
    """
    line = _lock(deal)
    chosen = _share_of(line, account)
    if not chosen.is_first:
        others = [share.account for share in line if share is not chosen]
        replace_line(deal, [account, *others], actor=actor)


@transaction.atomic
def replace_line(
    deal: Deal,
    accounts: Sequence[Account | None],
    *,
    actor: User | None,
    actor_name: str = "",
    now: datetime | None = None,
) -> None:
    """Make `accounts` the line, at the places 1 to n; None keeps its place free.

    Who stays keeps the time of joining. A change of the first partner is audited.
    """
    line = _lock(deal)
    added_at = {share.account_id: share.added_at for share in line}
    # All at once: one by one, two would stand at the same place for a moment.
    DealShare.objects.filter(deal=deal).delete()
    DealShare.objects.bulk_create(
        DealShare(
            deal=deal,
            account=account,
            position=position,
            added_at=added_at.get(account.pk) or now or timezone.now(),
        )
        for position, account in enumerate(accounts, start=1)
        if account is not None
    )
    old = next((share.account for share in line if share.is_first), None)
    new = accounts[0] if accounts else None
    if old != new:
        _record_first(deal, old, new, actor, actor_name)


def _lock(deal: Deal) -> list[DealShare]:
    """Hold the deal until commit and return its line: two changes at once queue up."""
    Deal.objects.select_for_update().get(pk=deal.pk)
    return list(deal.shares.select_related("account").order_by("position"))


def _share_of(line: Iterable[DealShare], account: Account) -> DealShare:
    for share in line:
        if share.account_id == account.pk:
            return share
    raise NotShared


def _record_first(
    deal: Deal,
    old: Account | None,
    new: Account | None,
    actor: User | None,
    actor_name: str = "",
) -> None:
    # No account: one partner must not read in its log who the other one is.
    record_change(
        None,
        actor=actor,
        actor_name=actor_name,
        action=FIRST_PARTNER,
        old=f"{deal}: {old}" if old else "",
        new=f"{deal}: {new}" if new else "",
    )


# --- Owner and team -----------------------------------------------------------------


@transaction.atomic
def set_owner(deal: Deal, member: Membership | None, *, now: datetime | None = None) -> None:
    """Make `member` the owner; None: nobody. The former owner's row stays, with its end."""
    _replace(deal, DealMember.Role.OWNER, [member] if member else [], now or timezone.now())


@transaction.atomic
def edit_team(
    deal: Deal,
    members: Collection[Membership],
    *,
    of_account: Account | None = None,
    now: datetime | None = None,
) -> None:
    """Make `members` the team. Rows of who leaves stay, with their end (R57, R101).

    With `of_account` only that side's people change (R99); `members` are its own.
    """
    if of_account and any(member.account_id != of_account.pk for member in members):
        raise ValueError("A member of another account")
    _replace(deal, DealMember.Role.TEAM, members, now or timezone.now(), of_account)


def add_to_team(deal: Deal, member: Membership, *, now: datetime | None = None) -> None:
    """Add one person; whoever is on the team already stays as they are."""
    current = Membership.objects.filter(
        deal_roles__deal=deal, deal_roles__role=DealMember.Role.TEAM, deal_roles__removed_at=None
    )
    edit_team(deal, [*current, member], now=now)


def end_role(row: DealMember, *, now: datetime | None = None) -> None:
    """Take one person off the deal. The row stays, with its end (R57)."""
    DealMember.objects.filter(pk=row.pk, removed_at=None).update(removed_at=now or timezone.now())


def end_roles(member: Membership, *, now: datetime | None = None) -> None:
    """Take a person who left the account off all deals. The rows stay, with their end."""
    current = DealMember.objects.filter(membership=member, removed_at=None)
    current.update(removed_at=now or timezone.now())


def _replace(
    deal: Deal,
    role: str,
    members: Collection[Membership],
    now: datetime,
    of_account: Account | None = None,
) -> None:
    Deal.objects.select_for_update().get(pk=deal.pk)
    current = deal.members.filter(role=role, removed_at=None)
    if of_account:
        current = current.filter(membership__account=of_account)
    wanted = {member.pk for member in members}
    current.exclude(membership__in=wanted).update(removed_at=now)
    known = set(current.values_list("membership", flat=True))
    DealMember.objects.bulk_create(
        DealMember(deal=deal, membership_id=pk, role=role, added_at=now)
        for pk in sorted(wanted - known)
    )
