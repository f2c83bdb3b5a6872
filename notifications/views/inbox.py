"""The bell and the inbox: a member's own notifications (R77)."""

from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.cache import get_conditional_response
from django.utils.http import quote_etag, url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.access import member_required
from accounts.requests import MemberRequest
from notifications.access import load_notification
from notifications.models import Kind
from notifications.selectors import (
    bell,
    inbox_page,
    newest,
    newest_id,
    place_of,
    wants_red_dot,
)
from notifications.services import mark_all_read, mark_read
from notifications.words import kind_label


@require_GET
def home(request: MemberRequest) -> HttpResponse:
    return redirect("notifications:inbox")


@member_required
@require_GET
def inbox(request: MemberRequest) -> HttpResponse:
    kind = request.GET.get("kind", "")
    kind = kind if kind in Kind.values else ""
    unread = request.GET.get("unread") == "1"
    context = {
        "inbox": inbox_page(
            request.membership, kind=kind, unread=unread, number=request.GET.get("page", "1")
        ),
        "kinds": [(value, kind_label(value), value == kind) for value in Kind.values],
        "unread": unread,
        "is_filtered": bool(kind or unread),
        "query": urlencode({k: v for k, v in (("kind", kind), ("unread", "1" * unread)) if v}),
    }
    return render(request, "notifications/inbox.html", context)


@member_required
@require_http_methods(["GET", "HEAD", "POST"])
def open_item(request: MemberRequest, pk: int) -> HttpResponse:
    """Lead to what it is about. Only a POST marks it as read: links are followed by
    browsers that fetch ahead and by scanners, too."""
    notification = load_notification(request.membership, pk)
    if request.method == "POST":
        mark_read(notification)
    return redirect(place_of(notification))


@member_required
@require_POST
def read_item(request: MemberRequest, pk: int) -> HttpResponse:
    mark_read(load_notification(request.membership, pk))
    return redirect(_back(request))


@member_required
@require_POST
def read_all(request: MemberRequest) -> HttpResponse:
    mark_all_read(request.membership)
    messages.success(request, _("Everything is marked as read."))
    return redirect(_back(request))


def _back(request: MemberRequest) -> str:
    asked = request.POST.get("next", "")
    safe = asked.startswith("/") and url_has_allowed_host_and_scheme(asked, allowed_hosts=None)
    return asked if safe else reverse("notifications:inbox")


@member_required
@require_GET
def unread(request: MemberRequest) -> HttpResponse:
    """What the bell asks every few seconds: cheap to answer when nothing is new."""
    count = bell(request.membership)
    body = {
        "count": count.unread,
        "badge": count.badge,
        "label": bell_label(count.unread, count.badge),
        "latest": newest_id(request.membership),
        "red_dot": wants_red_dot(request.membership),
    }
    etag = quote_etag("-".join(map(str, body.values())).encode().hex())
    fresh = JsonResponse(body)
    answer = get_conditional_response(request, etag=etag, response=fresh) or fresh
    answer.headers["ETag"] = etag
    answer.headers["Cache-Control"] = "private, no-cache"
    return answer


def bell_label(count: int, badge: str) -> str:
    if not count:
        return _("Notifications")
    return _("Notifications, %(count)s unread") % {"count": badge}


@member_required
@require_GET
def panel(request: MemberRequest) -> HttpResponse:
    items = newest(request.membership)
    answer = render(request, "notifications/_bell_panel.html", {"items": items})
    answer.headers["Cache-Control"] = "private, no-store"
    return answer
