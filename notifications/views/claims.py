"""The page with the one button "I am on it", where the link in an e-mail leads."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.access import member_required
from accounts.requests import MemberRequest
from notifications.access import load_claimable
from notifications.claims import selectors
from notifications.claims.services import release, take
from notifications.eligibility import DEAL, LEAD, Matter
from notifications.views.answers import answer


@member_required
@require_http_methods(["GET", "HEAD", "POST"])
def on_it(request: MemberRequest, kind: str, pk: int) -> HttpResponse:
    matter = Matter(kind, pk)
    membership, row = load_claimable(request, matter)
    if request.method != "POST":
        lines = selectors.on_it(membership, row)
        context = {"on": lines[0], "lines": lines, "place": _place(matter), "next": request.path}
        return render(request, "notifications/on_it.html", context)
    name = {"name": selectors.name_of(row)}
    # The way back of the words above comes with its address alone.
    undo = "release" in request.GET
    if undo or request.POST.get("release"):
        release(membership, matter, row, undo=undo)
        return answer(request, _("%(name)s: you are not on it any more.") % name)
    claim, is_new = take(membership, matter, row)
    if claim.membership_id == membership.pk:
        words = _("%(name)s: you are on it. Your colleagues can see that.") % name
        return answer(request, words, undo=f"{request.path}?release=1" if is_new else "")
    who = claim.membership.user.display_name
    return answer(request, _("%(name)s: %(who)s is on it already.") % {**name, "who": who})


def _place(matter: Matter) -> str:
    pages = {LEAD: "partners:lead", DEAL: "partners:deal"}
    page = pages.get(matter.kind)
    return reverse(page, args=[matter.id]) if page else ""
