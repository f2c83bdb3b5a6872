"""The page behind the link of an invitation. Opening it changes nothing: scanners do it too."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import override
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.forms import NewPersonForm
from accounts.models import Invitation, Membership, User
from accounts.requests import AccountRequest
from accounts.services.invitations import (
    KnownPersonError,
    Unusable,
    UnusableInvitationError,
    join,
    open_invitation,
    sign_up,
)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def accept(request: AccountRequest, token: str) -> HttpResponse:
    response = _answer(request, token)
    # The path is a key: a refused answer must not put it into the log.
    response._has_been_logged = True  # type: ignore[attr-defined]
    return response


def _answer(request: AccountRequest, token: str) -> HttpResponse:
    try:
        invitation = open_invitation(token)
        if request.user.is_authenticated:
            return _for_signed_in(request, invitation)
        with override(invitation.language):  # The language of the letter.
            return _for_anonymous(request, invitation)
    except UnusableInvitationError as error:
        status = 404 if error.why is Unusable.UNKNOWN else 410
        context = {"why": error.why, "invitation": error.invitation}
        return render(request, "accounts/invitation_unusable.html", context, status=status)


def _for_signed_in(request: AccountRequest, invitation: Invitation) -> HttpResponse:
    if request.user.email != invitation.email:
        return _page(request, "somebody_else", invitation, status=403)
    if request.method != "POST":
        return _page(request, "join", invitation)
    return _welcome(request, join(invitation, request.user))


def _for_anonymous(request: AccountRequest, invitation: Invitation) -> HttpResponse:
    if User.objects.filter(email=invitation.email).exists():
        return _page(request, "log_in", invitation)
    form = NewPersonForm(request.POST or None, invitation=invitation)
    if request.method != "POST":
        return _page(request, "new_person", invitation, form)
    if not form.is_valid():
        return _page(request, "new_person", invitation, form, status=422)
    try:
        member = sign_up(invitation, **form.cleaned_data)
    except KnownPersonError:
        return redirect(request.path)
    login(request, member.user)
    return _welcome(request, member)


def _page(
    request: AccountRequest,
    state: str,
    invitation: Invitation,
    form: NewPersonForm | None = None,
    status: int = 200,
) -> HttpResponse:
    context = {"invitation": invitation, "form": form}
    return render(request, f"accounts/invitation_{state}.html", context, status=status)


def _welcome(request: AccountRequest, member: Membership) -> HttpResponse:
    words = _("You are a member of %(account)s now.")
    messages.success(request, words % {"account": member.account.name})
    return redirect(f"{settings.LOGIN_REDIRECT_URL}?account={member.account.slug}")
