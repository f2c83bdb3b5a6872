"""Inviting people to an account, and what becomes of an invitation."""

from __future__ import annotations

import enum
from datetime import timedelta

from django.conf import settings
from django.core import signing
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.audit import record_change
from accounts.models import Account, AuditEntry, Invitation, Membership, User, new_nonce
from accounts.services.members import lock_account
from accounts.services.profile import verify_address

_SALT = "accounts.invitation"
_SENDING = ("users.invited", "users.invited_again")


class AlreadyMemberError(Exception):
    """The address belongs to an active member of the account."""


class TooManyInvitationsError(Exception):
    """The account has sent as many in a day as it may."""


class KnownPersonError(Exception):
    """Somebody signs in with this address already: they join, they do not sign up."""


class Unusable(enum.StrEnum):
    UNKNOWN = "unknown"
    ACCEPTED = "accepted"
    REVOKED = "revoked"
    RENEWED = "renewed"
    EXPIRED = "expired"


class UnusableInvitationError(Exception):
    """The link opens nothing. `invitation` None: we never made it, or it is forgotten."""

    def __init__(self, why: Unusable, invitation: Invitation | None = None) -> None:
        super().__init__(why)
        self.why = why
        self.invitation = invitation


# --- By an admin --------------------------------------------------------------------


@transaction.atomic
def invite(actor: User, account: Account, *, email: str, role: str) -> Invitation:
    """Return the open invitation of `email` (lower case), new or renewed; older links end.

    The caller mails it once this is committed. Raises AlreadyMemberError,
    TooManyInvitationsError.
    """
    lock_account(account)
    members = Membership.objects.filter(account=account, is_active=True)
    if members.filter(user__email=email).exists():
        raise AlreadyMemberError
    _check_limit(account)
    known = User.objects.filter(email=email).first()
    open_ones = Invitation.objects.open()
    invitation, is_new = open_ones.update_or_create(
        account=account,
        email=email,
        defaults={
            "role": role,
            "language": (known or actor).language,
            "invited_by": actor,
            "nonce": new_nonce(),
            "expires_at": timezone.now() + settings.INVITATION_VALID,
            "sent_at": None,
        },
    )
    _write_down(actor, invitation, "invited" if is_new else "invited_again", new=role)
    return invitation


def _check_limit(account: Account) -> None:
    since = timezone.now() - timedelta(days=1)
    sent = AuditEntry.objects.filter(account=account, action__in=_SENDING, at__gt=since)
    if sent.count() >= settings.INVITATIONS_PER_DAY:
        raise TooManyInvitationsError


def mark_sent(invitation: Invitation) -> None:
    """Note that a mail server took this link. A link renewed meanwhile has its own mail."""
    same = Invitation.objects.filter(pk=invitation.pk, nonce=invitation.nonce)
    same.update(sent_at=timezone.now())


@transaction.atomic
def revoke(actor: User, invitation: Invitation) -> None:
    lock_account(invitation.account)
    open_ones = Invitation.objects.open().filter(pk=invitation.pk)
    if open_ones.update(revoked_at=timezone.now()):
        _write_down(actor, invitation, "invitation_revoked")


def forget_invited(email: str) -> None:
    """Erase an address that was invited (R104)."""
    Invitation.objects.filter(email=email).delete()


# --- By the invited person -----------------------------------------------------------


def make_token(invitation: Invitation) -> str:
    """Return the link's secret: nothing that is stored can be turned into it."""
    return signing.dumps([invitation.pk, invitation.nonce], salt=_SALT)


def open_invitation(token: str) -> Invitation:
    """Return the invitation that the link opens. 0-1 queries. Raises UnusableInvitationError."""
    try:
        pk, nonce = signing.loads(token, salt=_SALT)
    except (signing.BadSignature, ValueError):
        raise UnusableInvitationError(Unusable.UNKNOWN) from None
    return _usable(pk, nonce)


def _usable(pk: int, nonce: str) -> Invitation:
    rows = Invitation.objects.select_related("account", "invited_by")
    invitation = rows.filter(pk=pk).first()
    if invitation is None:
        raise UnusableInvitationError(Unusable.REVOKED)
    if why := _why_unusable(invitation, nonce):
        raise UnusableInvitationError(why, invitation)
    return invitation


def _why_unusable(invitation: Invitation, nonce: str) -> Unusable | None:
    if invitation.accepted_at:
        return Unusable.ACCEPTED
    if invitation.revoked_at:
        return Unusable.REVOKED
    if invitation.nonce != nonce:
        return Unusable.RENEWED
    return Unusable.EXPIRED if invitation.is_over else None


@transaction.atomic
def sign_up(invitation: Invitation, *, name: str, password: str) -> Membership:
    """Make the invited person a user and a member.

    Language and zone are those of who invited. Raises KnownPersonError,
    UnusableInvitationError.
    """
    invitation = _locked(invitation)
    inviter = invitation.invited_by
    zone = {"timezone": inviter.timezone} if inviter else {}
    try:
        with transaction.atomic():
            user = User.objects.create_user(
                invitation.email, password, name=name, language=invitation.language, **zone
            )
    except IntegrityError:
        raise KnownPersonError from None
    return _accept(invitation, user)


@transaction.atomic
def join(invitation: Invitation, user: User) -> Membership:
    """Make the user, whose address was invited, a member. Raises UnusableInvitationError."""
    if user.email != invitation.email:
        raise ValueError("Somebody else was invited")
    return _accept(_locked(invitation), user)


def _locked(invitation: Invitation) -> Invitation:
    lock_account(invitation.account)
    return _usable(invitation.pk, invitation.nonce)


def _accept(invitation: Invitation, user: User) -> Membership:
    verify_address(user)
    member, is_new = Membership.objects.get_or_create(
        account=invitation.account, user=user, defaults={"role": invitation.role}
    )
    if is_new or not member.is_active:  # An active member keeps the role they have.
        member.role, member.is_active, member.removed_at = invitation.role, True, None
        member.save(update_fields=["role", "is_active", "removed_at"])
        record_change(
            invitation.account,
            actor=user,
            action="users.joined",
            subject=user.name_and_email,
            old="",
            new=invitation.role,
        )
    invitation.accepted_at = timezone.now()
    invitation.save(update_fields=["accepted_at"])
    return member


def _write_down(actor: User, invitation: Invitation, action: str, *, new: str = "") -> None:
    record_change(
        invitation.account,
        actor=actor,
        action=f"users.{action}",
        subject=invitation.email,
        old="",
        new=new,
    )
