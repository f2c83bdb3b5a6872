"""Who may open a page at all."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]


def member_required(view: View[P]) -> View[P]:
    """Let through who acts for an account; tell others in words what they can do."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if request.membership is None:
            return render(request, "accounts/no_account.html", status=403)
        return view(request, *args, **kwargs)

    return login_required(guarded)
