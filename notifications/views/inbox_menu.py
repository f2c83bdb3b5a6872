"""The "…" menu of a notification (R76): each choice at once, and with a way back."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.access import member_required
from accounts.requests import MemberRequest
from notifications.access import load_notification
from notifications.inbox import services
from notifications.inbox.selectors import names_of, topics_of
from notifications.inbox.snooze import LABELS, Wait, snoozed_until
from notifications.models import Notification
from notifications.views.answers import answer


@member_required
@require_POST
def archive(request: MemberRequest, pk: int) -> HttpResponse:
    notification = load_notification(request.membership, pk)
    services.archive(notification)
    return answer(request, _("Archived."), _undo("bring_back", notification))


@member_required
@require_POST
def snooze(request: MemberRequest, pk: int) -> HttpResponse:
    notification = load_notification(request.membership, pk)
    wait = request.POST.get("wait", "")
    if wait not in LABELS:
        raise Http404
    until = snoozed_until(Wait(wait), timezone.localtime())
    services.snooze(notification, until)
    words = _("Snoozed. It comes back on %(when)s.") % {
        "when": date_format(until, "DATETIME_FORMAT")
    }
    return answer(request, words, _undo("bring_back", notification))


@member_required
@require_POST
def bring_back(request: MemberRequest, pk: int) -> HttpResponse:
    notification = load_notification(request.membership, pk)
    services.bring_back(notification, unread=request.GET.get("unread") == "1")
    return answer(request, _("It is back in the inbox."))


@member_required
@require_POST
def silence(request: MemberRequest, pk: int) -> HttpResponse:
    """Untick its topics on the Desktop tab; the e-mails of the topic go on."""
    notification = load_notification(request.membership, pk)
    names = names_of(topics_of(notification))
    ticked = services.silence(request.membership, topics_of(notification))
    if not ticked:
        if required := services.required(request.membership, topics_of(notification)):
            words = _("%(topics)s: your account's profile requires it, so it stays on.")
            return answer(request, words % {"topics": names_of(required)})
        return answer(request, _("%(topics)s: off already, only for you.") % {"topics": names})
    words = _("%(topics)s: off in bell and pop-ups, only for you.") % {"topics": names_of(ticked)}
    undo = _undo("show_again", notification, topics=",".join(ticked))
    return answer(request, words, undo)


@member_required
@require_POST
def show_again(request: MemberRequest, pk: int) -> HttpResponse:
    notification = load_notification(request.membership, pk)
    asked = request.GET.get("topics", "").split(",")
    topics = [topic for topic in topics_of(notification) if topic in asked]
    services.tick_again(request.membership, topics)
    return answer(request, _("%(topics)s: on again, only for you.") % {"topics": names_of(topics)})


def _undo(name: str, notification: Notification, **query: str) -> str:
    if name == "bring_back" and notification.read_at is None:
        query["unread"] = "1"
    url = reverse(f"notifications:{name}", args=[notification.pk])
    return f"{url}?{urlencode(query)}" if query else url
