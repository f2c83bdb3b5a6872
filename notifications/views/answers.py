"""What a click answers: words, perhaps a way back, and the page to go on with.

A script that sends `X-Fragment` gets the words alone; everybody else the page they were on.
"""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from accounts.requests import MemberRequest


def answer(
    request: MemberRequest, words: str, undo: str = "", *, otherwise: str = ""
) -> HttpResponse:
    """Say it. `undo`: the address that takes it back, shown as a button by _messages.html.
    `otherwise`: the page to go on with if none was asked for; the inbox."""
    messages.success(request, words, extra_tags=undo)
    page = way_back(request, otherwise)
    if request.headers.get("X-Fragment"):
        return render(request, "_messages.html", {"next": page})
    return redirect(page)


def way_back(request: MemberRequest, otherwise: str = "") -> str:
    asked = request.POST.get("next", "")
    safe = asked.startswith("/") and url_has_allowed_host_and_scheme(asked, allowed_hosts=None)
    return asked if safe else otherwise or reverse("notifications:inbox")
