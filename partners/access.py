"""The only door to leads, deals and activities for a request."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import TypeVar

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from accounts.models import Account, Membership
from partners import selectors
from partners.models import Deal, Lead

Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True, kw_only=True)
class Viewer:
    """With whose eyes somebody looks. `account` None: the vendor's, who see everything."""

    membership: Membership | None
    account: Account | None

    @property
    def is_vendor(self) -> bool:
        return self.account is None

    @property
    def is_admin(self) -> bool:
        """An operator, who has no place of their own, or an admin of the account or the vendor."""
        return self.membership is None or self.membership.is_admin


def load_viewer(request: HttpRequest) -> Viewer:
    """Return the viewer of a page of leads, deals or activity.

    Raises PermissionDenied for a user without a place in the vendor or in an active
    partner account. A link for an account that is not the user's never gets here.
    """
    membership: Membership | None = getattr(request, "membership", None)
    if membership is None:
        return _without_membership(request)
    if membership.is_vendor_side:
        return Viewer(membership=membership, account=None)
    if membership.account.is_partner:
        return Viewer(membership=membership, account=membership.account)
    raise PermissionDenied


def _without_membership(request: HttpRequest) -> Viewer:
    # An operator mends what nobody else can see.
    if request.user.is_staff:
        return Viewer(membership=None, account=None)
    raise PermissionDenied


def viewer_required(
    view: Callable[[HttpRequest, Viewer], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Give the view its viewer; tell those who may see nothing what they can do."""

    @wraps(view)
    def guarded(request: HttpRequest) -> HttpResponse:
        try:
            viewer = load_viewer(request)
        except PermissionDenied:
            known = getattr(request, "membership", None) is not None
            template = "partners/not_a_partner.html" if known else "accounts/no_account.html"
            return render(request, template, status=403)
        return view(request, viewer)

    return login_required(guarded)


def load_object_viewer(request: HttpRequest) -> Viewer:
    """Return the viewer of one object: whoever may see none at all gets a 404."""
    try:
        return load_viewer(request)
    except PermissionDenied:
        raise Http404 from None


def load_lead(request: HttpRequest, pk: int) -> tuple[Viewer, Lead]:
    """Return the viewer and the lead. Raises Http404 for another account's."""
    viewer = load_object_viewer(request)
    leads = selectors.leads_of(viewer.account).select_related("account", "owner__user")
    return viewer, _one(leads, pk)


def load_deal(request: HttpRequest, pk: int) -> tuple[Viewer, Deal]:
    """Return the viewer and the deal. Raises Http404 if it is not shared with the account."""
    viewer = load_object_viewer(request)
    return viewer, _one(selectors.deals_of(viewer.account), pk)


def _one(rows: QuerySet[Row], pk: int) -> Row:
    row = rows.filter(pk=pk).first()
    if row is None:
        raise Http404
    return row
