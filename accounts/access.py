"""Who may open a page at all."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from accounts.requests import MemberRequest

P = ParamSpec("P")


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
