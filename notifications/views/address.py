"""The member's own address: confirm it anew, so that e-mail is sent there again (R83)."""

from __future__ import annotations

from allauth.account.internal.flows.email_verification import send_verification_email_to_address
from allauth.account.models import EmailAddress
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.access import member_required
from accounts.requests import MemberRequest
from notifications.models import Suppression


@member_required
@require_POST
def confirm_address(request: MemberRequest) -> HttpResponse:
    """Mail a link to the address; until it is opened, the address counts as unverified.

    An old page changes nothing of an address that is well.
    """
    email = request.user.email
    verified = EmailAddress.objects.filter(user=request.user, email=email, verified=True)
    if verified.exists() and not Suppression.objects.filter(address=email).exists():
        return redirect("notifications:preferences", "email")
    address, _new = EmailAddress.objects.update_or_create(
        user=request.user, email=email, defaults={"verified": False, "primary": True}
    )
    if not send_verification_email_to_address(request, address):
        words = _(
            "A link was sent a moment ago. Look in your mailbox, or try again in a few minutes."
        )
        messages.warning(request, words)
    return redirect("notifications:preferences", "email")
