"""Who belongs to an account, and what they may do there. Every change is written down."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from accounts.audit import on_off, record_change
from accounts.models import Account, Invitation, Membership, User
from accounts.signals import membership_removed, memberships_deactivated


class LastAdminError(Exception):
    """Nobody would be left who can change the account's users."""


@transaction.atomic
def add_member(
    actor: User, account: Account, user: User, *, role: str, edit_partner_settings: bool
) -> Membership:
    """Make a user a member without an invitation; who was removed gets the old row back."""
    lock_account(account)
    member, _is_new = Membership.objects.update_or_create(
        account=account,
        user=user,
        defaults={
            "role": role,
            "edit_partner_settings": edit_partner_settings,
            "is_active": True,
            "removed_at": None,
        },
    )
    _write_down(actor, member, "added", new=role)
    return member


@transaction.atomic
def change_member(
    actor: User, member: Membership, *, role: str, edit_partner_settings: bool
) -> None:
    """Store the role and the permission. Raises LastAdminError."""
    row = _locked(member)
    if role != Membership.Role.ADMIN:
        _keep_an_admin(row)
    if row.role != role:
        _write_down(actor, row, "role", old=row.role, new=role)
    if row.edit_partner_settings != edit_partner_settings:
        old, new = (on_off(on) for on in (row.edit_partner_settings, edit_partner_settings))
        _write_down(actor, row, "edit_partner_settings", old=old, new=new)
    row.role, row.edit_partner_settings = role, edit_partner_settings
    row.save(update_fields=["role", "edit_partner_settings"])


@transaction.atomic
def deactivate_member(actor: User, member: Membership) -> None:
    """Close the account to the member; what they are chosen for is kept.

    Announces `memberships_deactivated`. Raises LastAdminError.
    """
    row = _locked(member)
    if not row.is_active:
        return
    _keep_an_admin(row)
    _close(row, removed=False)
    _write_down(actor, row, "deactivated")
    memberships_deactivated.send(sender=Membership, memberships=[row])


@transaction.atomic
def reactivate_member(actor: User, member: Membership) -> None:
    row = _locked(member)
    if row.is_active or row.removed_at:
        return
    row.is_active = True
    row.save(update_fields=["is_active"])
    _write_down(actor, row, "reactivated")


@transaction.atomic
def remove_member(actor: User, member: Membership) -> None:
    """End the membership; its row stays for history. Announces `membership_removed`.

    Raises LastAdminError.
    """
    row = _locked(member)
    if row.removed_at:
        return
    _keep_an_admin(row)
    _close(row, removed=True)
    _write_down(actor, row, "removed", old=row.role)
    membership_removed.send(sender=Membership, membership=row, actor=actor)


def lock_account(account: Account) -> None:
    """Hold the account until commit: two changes of its users at once queue up."""
    Account.objects.select_for_update(no_key=True).get(pk=account.pk)


def is_last_admin(member: Membership) -> bool:
    """Tell whether the account's only active admin is this one. 1 query."""
    if not (member.is_admin and member.is_current):
        return False
    admins = Membership.objects.active().filter(role=Membership.Role.ADMIN)
    return not admins.filter(account=member.account_id).exclude(pk=member.pk).exists()


def _locked(member: Membership) -> Membership:
    lock_account(member.account)
    return Membership.objects.select_related("account", "user").get(pk=member.pk)


def _keep_an_admin(member: Membership) -> None:
    if is_last_admin(member):
        raise LastAdminError


def _close(row: Membership, *, removed: bool) -> None:
    now = timezone.now()
    row.is_active = False
    row.removed_at = now if removed else None
    row.save(update_fields=["is_active", "removed_at"])
    # A link that is still in the mail must not open again what was just closed.
    open_ones = Invitation.objects.open().filter(account=row.account_id, email=row.user.email)
    open_ones.update(revoked_at=now)


def _write_down(
    actor: User, member: Membership, action: str, *, old: str = "", new: str = ""
) -> None:
    record_change(
        member.account,
        actor=actor,
        action=f"users.{action}",
        subject=member.user.name_and_email,
        old=old,
        new=new,
    )
