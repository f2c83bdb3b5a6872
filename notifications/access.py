"""The only door to own notifications and endpoints, deliveries, the account's settings."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.http import Http404

from accounts.models import Membership
from accounts.requests import AccountRequest
from notifications.claims.selectors import find, told_of
from notifications.delivery_log import Reader, Row, load_row, reader_of
from notifications.eligibility import Matter
from notifications.inbox.selectors import received
from notifications.models import AdditionalRecipient, Endpoint, Notification, Profile
from notifications.selectors import topic_groups
from partners.access import Viewer, load_object_viewer
from partners.models import Client, Deal, Lead


def load_partner_member(request: AccountRequest) -> Membership:
    """Return the acting member of an active partner account. Http404 for others (R2)."""
    membership = request.membership
    if membership is None or not membership.account.is_partner:
        raise Http404
    return membership


def load_told_member(request: AccountRequest) -> Membership:
    """Return the acting member, if there is anything that they can be told. Http404 for others:
    of the vendor only partner managers are told."""
    membership = request.membership
    if membership is None or not topic_groups(membership):
        raise Http404
    return membership


def load_partner_editor(request: AccountRequest) -> Membership:
    """Return the member who may change the partner settings; others get a 403 (R36)."""
    membership = load_partner_member(request)
    if not membership.may_edit_partner_settings:
        raise PermissionDenied
    return membership


def load_additional(request: AccountRequest, pk: int) -> tuple[Membership, AdditionalRecipient]:
    """Return who may change an additional recipient of the account, and that one. Http404 for
    another account's, 403 for members who only read."""
    account = load_partner_member(request).account
    rows = AdditionalRecipient.objects.select_related("communication__account", "membership__user")
    entry = rows.filter(communication__account=account, pk=pk).first()
    if entry is None:
        raise Http404
    return load_partner_editor(request), entry


def load_profile(request: AccountRequest, pk: int) -> Profile:
    """Return a profile of the acting member's account. Http404 for another account's."""
    membership = load_partner_member(request)
    rows = Profile.objects.select_related("account").prefetch_related("cells")
    profile = rows.filter(account=membership.account_id, pk=pk).first()
    if profile is None:
        raise Http404
    return profile


def load_notification(membership: Membership, pk: int) -> Notification:
    """Return one of the member's own notifications. Http404 for anybody else's."""
    notification = received(membership).filter(pk=pk).first()
    if notification is None:
        raise Http404
    return notification


def load_claimable(
    request: AccountRequest, matter: Matter
) -> tuple[Membership, Lead | Client | Deal]:
    """Return who wants to be on the lead, client or deal, and its row. Http404 for another
    account's, PermissionDenied for who was never told of it."""
    membership = load_partner_member(request)
    row = find(membership.account, matter)
    if row is None:
        raise Http404
    if matter not in told_of(membership, [matter]):
        raise PermissionDenied
    return membership, row


def load_endpoint(membership: Membership, pk: int) -> Endpoint:
    """Return one of the member's own endpoints. Http404 for anybody else's."""
    rows = Endpoint.objects.select_related("membership__user", "membership__account")
    endpoint = rows.filter(membership=membership, pk=pk).first()
    if endpoint is None:
        raise Http404
    return endpoint


def load_app(membership: Membership, pk: int) -> Endpoint:
    """Return one of the member's own apps. Http404 for a device and anybody else's."""
    endpoint = load_endpoint(membership, pk)
    if not endpoint.kind:
        raise Http404
    return endpoint


def load_webhook(membership: Membership, pk: int) -> Endpoint:
    """Return one of the member's own endpoints that signs. Http404 for others."""
    endpoint = load_endpoint(membership, pk)
    if not endpoint.is_signed:
        raise Http404
    return endpoint


def load_device(membership: Membership, pk: int) -> Endpoint:
    """Return one of the member's own browsers. Http404 for others."""
    endpoint = load_endpoint(membership, pk)
    if not endpoint.is_device:
        raise Http404
    return endpoint


def load_delivery_to_repeat(request: AccountRequest, pk: int) -> tuple[Reader, Row]:
    """Return a delivery and who reads it. Http404 for whose it is not, 403 for readers only."""
    viewer = load_object_viewer(request)
    row = load_row(reader_of(viewer), pk)
    if row is None:
        raise Http404
    return require_repeater(viewer), row


def require_repeater(viewer: Viewer) -> Reader:
    """Return the reader of the log, who may send again. PermissionDenied for others."""
    reader = reader_of(viewer)
    if not reader.repeats:
        raise PermissionDenied
    return reader


def may_evaluate_again(viewer: Viewer) -> bool:
    """Whether the viewer may let go what was set aside: an operator or the vendor's admin."""
    return viewer.is_vendor and viewer.is_admin
