"""Settings → Account → Users. Here and not in accounts: it tells what a departure ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import (
    load_managed_invitation,
    load_managed_member,
    member_required,
    require_admin,
)
from accounts.forms import InviteForm, MemberForm
from accounts.models import Invitation, Membership, User
from accounts.requests import MemberRequest
from accounts.selectors import members_of, open_invitations, user_history
from accounts.services import invitations, members
from accounts.services.invitations import AlreadyMemberError, TooManyInvitationsError
from accounts.services.members import LastAdminError
from notifications.channels.base import DeliveryError
from notifications.communication.selectors import communication_of
from notifications.invitation_mail import send_invitation
from notifications.leaving import consequences
from notifications.text import one_line
from notifications.when.colleagues import away_words


@member_required
@require_http_methods(["GET", "HEAD", "POST"])
def users(request: MemberRequest) -> HttpResponse:
    account = request.membership.account
    if request.method != "POST":
        return _page(request, InviteForm(account=account))
    require_admin(request)
    form = InviteForm(request.POST, account=account)
    if form.is_valid() and (invitation := _invite(request, form)):
        _send(request, invitation)
        return redirect("notifications:users")
    return _page(request, form, status=422)


def _page(request: MemberRequest, form: InviteForm, status: int = 200) -> HttpResponse:
    account = request.membership.account
    of_account = members_of(account)
    away = away_words(of_account)
    context = {
        "form": form,
        "may_change": request.membership.is_admin,
        "members": [(member, away.get(member.pk, "")) for member in of_account],
        "invitations": open_invitations(account),
        "recipient_id": communication_of(account).recipient_id if account.is_partner else None,
        "history": user_history(account),
    }
    return render(request, "settings/users.html", context, status=status)


# --- Invitations ----------------------------------------------------------------------


def _invite(request: MemberRequest, form: InviteForm) -> Invitation | None:
    account = request.membership.account
    try:
        return invitations.invite(request.user, account, **form.cleaned_data)
    except AlreadyMemberError:
        words = _("%(email)s is a member of %(account)s already.")
        values = {"email": form.cleaned_data["email"], "account": account.name}
        form.add_error("email", words % values)
    except TooManyInvitationsError:
        form.add_error(None, _too_many())
    return None


def _too_many() -> str:
    limit = settings.INVITATIONS_PER_DAY
    words = ngettext(
        "%(limit)d invitation was sent within 24 hours; that is the limit. Try again tomorrow.",
        "%(limit)d invitations were sent within 24 hours; that is the limit. Try again tomorrow.",
        limit,
    )
    return words % {"limit": limit}


def _send(request: MemberRequest, invitation: Invitation) -> None:
    """Send the letter; the invitation is stored already and stays, whatever happens."""
    values = {"email": invitation.email}
    try:
        send_invitation(invitation)
    except DeliveryError as error:
        words = _(
            "The invitation of %(email)s is kept, but the e-mail could not be sent: %(detail)s "
            "Use “Send again” later."
        )
        detail = one_line(error.detail).rstrip(".") + "."
        messages.error(request, words % {**values, "detail": detail})
    else:
        messages.success(request, _("Invitation sent to %(email)s.") % values)


@member_required
@require_POST
def send_again(request: MemberRequest, pk: int) -> HttpResponse:
    old = load_managed_invitation(request, pk)
    try:
        renewed = invitations.invite(request.user, old.account, email=old.email, role=old.role)
    except AlreadyMemberError:
        messages.info(request, _("%(email)s is a member by now.") % {"email": old.email})
    except TooManyInvitationsError:
        messages.error(request, _too_many())
    else:
        _send(request, renewed)
    return redirect("notifications:users")


@member_required
@require_POST
def revoke(request: MemberRequest, pk: int) -> HttpResponse:
    invitation = load_managed_invitation(request, pk)
    invitations.revoke(request.user, invitation)
    words = _("Invitation of %(email)s revoked: its link opens nothing any more.")
    messages.success(request, words % {"email": invitation.email})
    return redirect("notifications:users")


# --- Members --------------------------------------------------------------------------


@member_required
@require_http_methods(["GET", "HEAD", "POST"])
def member(request: MemberRequest, pk: int) -> HttpResponse:
    row = load_managed_member(request, pk)
    form = MemberForm(request.POST or None, instance=load_managed_member(request, pk))
    if request.method == "POST" and form.is_valid():
        try:
            members.change_member(request.user, row, **form.changes())
        except LastAdminError:
            form.add_error("role", _last_admin(row))
        else:
            messages.success(request, _("%(name)s is saved.") % {"name": row.user.display_name})
            return redirect("notifications:users")
    context = {"member": row, "form": form, "last_admin": _last_admin_note(row)}
    status = 422 if form.errors else 200
    return render(request, "settings/user.html", context, status=status)


def _last_admin(row: Membership) -> str:
    words = _(
        "%(name)s is the only active admin of %(account)s. Make somebody else an admin first."
    )
    return words % {"name": row.user.display_name, "account": row.account.name}


def _last_admin_note(row: Membership) -> str:
    return _last_admin(row) if members.is_last_admin(row) else ""


@member_required
@require_http_methods(["GET", "HEAD", "POST"])
def deactivate(request: MemberRequest, pk: int) -> HttpResponse:
    row = load_managed_member(request, pk)
    words = _("%(name)s is deactivated.")
    return _confirmed(request, row, members.deactivate_member, words, removal=False)


@member_required
@require_http_methods(["GET", "HEAD", "POST"])
def remove(request: MemberRequest, pk: int) -> HttpResponse:
    row = load_managed_member(request, pk)
    words = _("%(name)s is removed.")
    return _confirmed(request, row, members.remove_member, words, removal=True)


def _confirmed(
    request: MemberRequest,
    row: Membership,
    act: Callable[[User, Membership], None],
    words: str,
    *,
    removal: bool,
) -> HttpResponse:
    """Ask on a page of its own, with what follows; do it when that page is sent."""
    if request.method != "POST":
        return render(request, "settings/user_leaves.html", _asked(request, row, removal))
    try:
        act(request.user, row)
    except LastAdminError:
        messages.error(request, _last_admin(row))
        return redirect("notifications:user", row.pk)
    messages.success(request, words % {"name": row.user.display_name})
    if row.user_id == request.user.pk:
        return redirect("notifications:home")
    return redirect("notifications:users")


def _asked(request: MemberRequest, row: Membership, removal: bool) -> dict[str, Any]:
    return {
        "member": row,
        "removal": removal,
        "is_self": row.user_id == request.user.pk,
        "consequences": consequences(row, removal=removal),
        "last_admin": _last_admin_note(row),
    }


@member_required
@require_POST
def reactivate(request: MemberRequest, pk: int) -> HttpResponse:
    row = load_managed_member(request, pk)
    members.reactivate_member(request.user, row)
    messages.success(request, _("%(name)s is active again.") % {"name": row.user.display_name})
    return redirect("notifications:users")
