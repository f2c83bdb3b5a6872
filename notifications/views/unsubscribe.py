"""One-click unsubscribe (RFC 8058): no sign-in, and a GET changes nothing."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from accounts.models import Membership
from notifications.channels import EMAIL
from notifications.forms import choice_label
from notifications.services import unsubscribe as turn_off
from notifications.unsubscribe import read_token


@csrf_exempt  # A mail program posts without a cookie; the token is the authority.
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    found = read_token(token)
    membership = _member(found[0]) if found else None
    if found is None or membership is None:
        return render(request, "notifications/unsubscribe_unknown.html", status=404)
    if request.method == "POST":
        turn_off(membership, found[1])
    context = {
        "topics": [choice_label(EMAIL, key) for key in found[1]],
        "account": membership.account,
        "done": request.method == "POST",
    }
    with translation.override(membership.user.language):
        return render(request, "notifications/unsubscribe.html", context)


def _member(pk: int) -> Membership | None:
    return Membership.objects.select_related("user", "account").filter(pk=pk).first()
