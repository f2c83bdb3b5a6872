"""The bell of an open page: what it asks, and the permission to hear when to ask."""

from __future__ import annotations

import time
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.cache import get_conditional_response
from django.utils.http import quote_etag
from django.views.decorators.http import require_GET

from accounts.access import member_required
from accounts.requests import MemberRequest
from notifications.channels import DESKTOP
from notifications.inbox import selectors
from notifications.inbox.snooze import offers
from notifications.selectors import wishes_of
from notifications.stream.permits import Permit, make_token

MAX_ASKED = 20


@member_required
@require_GET
def unread(request: MemberRequest) -> HttpResponse:
    """What moved: cheap to answer when nothing did. `moves_at`: when by itself something will,
    in seconds since the epoch."""
    bell = selectors.bell(request.membership)
    ahead = (selectors.next_return(request.membership), bell.paused_until)
    moves_at = min(filter(None, ahead), default=None)
    wishes = wishes_of(request.membership)
    popup, red_dot = (wishes.switched_on(DESKTOP, part) for part in ("popup", "red_dot"))
    body = {
        "count": bell.unread,
        "badge": bell.badge,
        "label": bell.label,
        "unread": bell.unread_ids,
        "moves": bell.moves,
        "moves_at": moves_at.timestamp() if moves_at else None,
        "paused": bell.paused,
        "red_dot": red_dot,
        "popup": popup,
    }
    etag = quote_etag("-".join(map(str, body.values())).encode().hex())
    fresh = JsonResponse(body)
    answer = get_conditional_response(request, etag=etag, response=fresh) or fresh
    answer.headers["ETag"] = etag
    answer.headers["Cache-Control"] = "private, no-cache"
    return answer


@member_required
@require_GET
def panel(request: MemberRequest) -> HttpResponse:
    return _fragment(request, "_bell_panel", selectors.newest(request.membership))


@member_required
@require_GET
def popups(request: MemberRequest) -> HttpResponse:
    """Return the pop-ups of these notifications, as far as they are still unread."""
    asked = request.GET.get("ids", "").split(",")[:MAX_ASKED]
    ids = [int(pk) for pk in asked if pk.isascii() and pk.isdecimal() and len(pk) < 19]
    return _fragment(request, "_popups", selectors.popups(request.membership, ids))


def _fragment(request: MemberRequest, name: str, items: list[selectors.Item]) -> HttpResponse:
    context = {
        "items": items,
        "offers": offers(timezone.localtime()),
        "next": request.GET.get("next", ""),
    }
    answer = render(request, f"notifications/{name}.html", context)
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


@member_required
@require_GET
def stream(request: MemberRequest) -> HttpResponse:
    """Return where the page may listen, with a permit; an empty address: nowhere."""
    lasts = min(settings.STREAM_PERMIT.total_seconds(), request.session.get_expiry_age())
    origin = f"{request.scheme}://{request.get_host()}"
    token = make_token(Permit(request.membership.pk, origin, time.time() + lasts))
    url = f"{settings.STREAM_URL}/?{urlencode({'token': token})}" if settings.STREAM_URL else ""
    answer = JsonResponse({"url": url})
    answer.headers["Cache-Control"] = "private, no-store"
    return answer
