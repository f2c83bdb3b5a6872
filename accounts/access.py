"""Who may open a page at all, and who may change an account's users."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from accounts.models import Invitation, Membership
from accounts.requests import MemberRequest

P = ParamSpec("P")
Row = TypeVar("Row", bound=Model)


def member_required(
    view: Callable[Concatenate[MemberRequest, P], HttpResponse],
) -> Callable[..., Any]:
    """Let through who acts for an account; tell others in words what they can do."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if getattr(request, "membership", None) is None:
            return render(request, "accounts/no_account.html", status=403)
        return view(cast("MemberRequest", request), *args, **kwargs)

    return login_required(guarded)


def require_admin(request: MemberRequest) -> Membership:
    """Return the acting member, an admin of the account. PermissionDenied for others."""
    if not request.membership.is_admin:
        raise PermissionDenied
    return request.membership


def load_managed_member(request: MemberRequest, pk: int) -> Membership:
    """Return a member whom the acting admin may change. Http404 for another account's."""
    members = Membership.objects.present().select_related("account", "user")
    return _managed(request, members, pk)


def load_managed_invitation(request: MemberRequest, pk: int) -> Invitation:
    """Return an open invitation of the acting admin's account. Http404 for others."""
    return _managed(request, Invitation.objects.open().select_related("account"), pk)


def _managed(request: MemberRequest, rows: QuerySet[Row], pk: int) -> Row:
    row = rows.filter(account=request.membership.account_id, pk=pk).first()
    if row is None:
        raise Http404
    require_admin(request)
    return row
