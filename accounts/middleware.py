"""Which account a request acts for, and its language and time zone."""

from __future__ import annotations

import zoneinfo
from collections.abc import Callable

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone, translation

from accounts.models import Membership
from accounts.requests import AccountRequest

SESSION_KEY = "account"


class AccountContextMiddleware:
    """Set `request.membership`: the member as whom a signed-in user acts, or None.

    `?account=<slug>` (links in mails) switches; for an account that is not the user's the
    answer is a page that offers the ones that are. 1 query.
    """

    def __init__(self, get_response: Callable[[AccountRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: AccountRequest) -> HttpResponse:
        request.membership = None
        request.memberships = []
        if not request.user.is_authenticated:
            return self._get_response(request)
        request.memberships = list(
            Membership.objects.filter(user=request.user, is_active=True)
            .select_related("account", "user")
            .order_by("account__kind", "account__name")
        )
        request.membership = _choose(request)
        # Read now: after a log-out the request's user is nobody.
        language, zone = request.user.language, zoneinfo.ZoneInfo(request.user.timezone)
        with timezone.override(zone), translation.override(language):
            request.LANGUAGE_CODE = translation.get_language()
            response = self._respond(request)
            response.headers["Content-Language"] = language
            return response

    def _respond(self, request: AccountRequest) -> HttpResponse:
        asked = request.GET.get("account")
        memberships: list[Membership] = getattr(request, "memberships", [])
        if asked and asked not in {m.account.slug for m in memberships}:
            return render(request, "accounts/other_account.html", {"asked": asked}, status=404)
        return self._get_response(request)


def _choose(request: AccountRequest) -> Membership | None:
    by_slug = {m.account.slug: m for m in request.memberships}
    asked = request.GET.get("account")
    if asked in by_slug:
        request.session[SESSION_KEY] = asked
    chosen = by_slug.get(request.session.get(SESSION_KEY, ""))
    return chosen or next(iter(request.memberships), None)
