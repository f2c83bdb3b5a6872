"""The only door to a member's own notifications and to the account's settings."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.http import Http404

from accounts.models import Membership
from accounts.requests import AccountRequest
from notifications.models import Notification
from notifications.selectors import inbox


def load_partner_member(request: AccountRequest) -> Membership:
    """Return the acting member of an active partner account. Http404 for others (R2)."""
    membership = request.membership
    if membership is None or not membership.account.is_partner:
        raise Http404
    return membership


def load_partner_editor(request: AccountRequest) -> Membership:
    """Return the member who may change the partner settings; others get a 403 (R36)."""
    membership = load_partner_member(request)
    if not membership.may_edit_partner_settings:
        raise PermissionDenied
    return membership


def load_notification(membership: Membership, pk: int) -> Notification:
    """Return one of the member's own notifications. Http404 for anybody else's."""
    notification = inbox(membership).filter(pk=pk).first()
    if notification is None:
        raise Http404
    return notification
