"""The inbox: a member's own notifications (R77)."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.access import member_required
from accounts.requests import MemberRequest
from notifications.access import load_notification
from notifications.facts.triggers import load_triggers
from notifications.inbox.filters import SHOWS, Filters, filtered, page_of
from notifications.inbox.selectors import place_of
from notifications.inbox.services import mark_all_read, mark_read
from notifications.inbox.snooze import offers
from notifications.models import Kind
from notifications.views.answers import way_back
from notifications.when.waiting import waiting_messages
from notifications.words import kind_label


@require_GET
def home(request: MemberRequest) -> HttpResponse:
    return redirect("notifications:inbox")


@member_required
@require_GET
def inbox(request: MemberRequest) -> HttpResponse:
    filters = Filters.read(request.GET.dict())
    before = request.GET.get("before", "")
    context = {
        "page": page_of(filtered(request.membership, filters), before),
        "before": before,
        "filters": filters,
        "shows": SHOWS.items(),
        "kinds": [(value, kind_label(value)) for value in Kind.values],
        "triggers": [(trigger.key, trigger.label) for trigger, _on in load_triggers()],
        "offers": offers(timezone.localtime()),
        "waiting": waiting_messages(request.membership),
        "next": request.get_full_path(),
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
    return redirect(way_back(request))


@member_required
@require_POST
def read_all(request: MemberRequest) -> HttpResponse:
    mark_all_read(request.membership)
    messages.success(request, _("Everything is marked as read."))
    return redirect(way_back(request))
