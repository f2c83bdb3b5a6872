"""Activity: the event debugger of the vendor, the timeline of a partner, one event explained."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST, require_safe

from notifications import access, quarantine
from notifications.activities.pages import (
    ACCEPTED,
    QUARANTINED,
    REJECTED,
    Cursor,
    debugger,
    search_timeline,
    set_aside,
    timeline,
)
from notifications.activities.visible import activities_of
from notifications.again import MOST, PER_SECOND
from notifications.claims.selectors import on_activity
from notifications.explain.story import load_chains, load_rejections
from notifications.reasons import stale_hours
from notifications.views.looking import note_look
from notifications.words import duration_words
from partners.access import Viewer, load_object_viewer, viewer_required

if TYPE_CHECKING:
    from accounts.requests import AccountRequest
    from notifications.quarantine import LetGo

TABS = {
    ACCEPTED: gettext_lazy("All"),
    REJECTED: gettext_lazy("Rejected"),
    QUARANTINED: gettext_lazy("Set aside"),
}


@viewer_required
@require_safe
def activity(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    text = request.GET.get("q", "").strip().replace("\0", "")
    before = Cursor.read(request.GET.get("before", ""))
    if text:  # The link in messages about a client, who has no page.
        note_look(request, viewer.membership, activity__contact__email=text.lower())
    if viewer.account is None:
        return _debugger(request, viewer, text, before)
    found = search_timeline(activities_of(viewer.account), text, viewer.account)
    context = {
        "viewer": viewer,
        "timeline": timeline(found, viewer.account, before),
        "q": text,
        "before": before,
        "query": query_without_page(request),
    }
    return render(request, "notifications/activity_timeline.html", context)


def _debugger(
    request: HttpRequest, viewer: Viewer, text: str, before: Cursor | None
) -> HttpResponse:
    tab = request.GET.get("tab", ACCEPTED)
    tab = tab if tab in TABS else ACCEPTED
    may_evaluate = tab == QUARANTINED and access.may_evaluate_again(viewer)
    context = {
        "viewer": viewer,
        "page": debugger(tab, text, before),
        "tab": tab,
        "tabs": TABS.items(),
        "q": text,
        "before": before,
        "query": query_without_page(request),
        "may_evaluate": may_evaluate,
        "are_many": may_evaluate and quarantine.is_more_than_one_go(set_aside(text)),
        "most": MOST,
        "per_second": PER_SECOND,
        "stale_hours": stale_hours(),
    }
    return render(request, "notifications/activity.html", context)


@viewer_required
@require_POST
def evaluate_set_aside(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    if not access.may_evaluate_again(viewer):
        raise PermissionDenied
    text = request.POST.get("q", "").strip().replace("\0", "")
    actor = cast("AccountRequest", request).user
    let_go = quarantine.evaluate_again(set_aside(text), actor=actor, what=text)
    if let_go.count:
        messages.success(request, _tried_again(let_go))
    elif text:
        messages.info(request, _("Nothing of what you searched for is set aside any more."))
    else:
        messages.info(request, _("Nothing is set aside any more."))
    query = {"tab": QUARANTINED} | ({"q": text} if text else {})
    return redirect(f"{reverse('notifications:activity')}?{urlencode(query)}")


def _tried_again(let_go: LetGo) -> str:
    words = ngettext(
        "%(count)d event is tried again.", "%(count)d events are tried again.", let_go.count
    )
    sentences = [words % {"count": let_go.count}]
    if let_go.lasts:
        pace = {"per_second": PER_SECOND, "lasts": duration_words(let_go.lasts)}
        sentences.append(_("%(per_second)d a second; the last is due in %(lasts)s.") % pace)
    return " ".join([*sentences, _("What fails once more comes back here.")])


def query_without_page(request: HttpRequest) -> str:
    query = request.GET.copy()
    for key in ("before", "account"):
        query.pop(key, None)
    return query.urlencode()


@login_required
@require_safe
def explain(request: HttpRequest, message_id: str) -> HttpResponse:
    viewer = load_object_viewer(request)
    if not message_id.isprintable():
        raise Http404
    chains = load_chains(message_id, viewer.account, viewer.membership)
    rejections = load_rejections(message_id) if viewer.is_vendor else []
    if not chains and not rejections:
        raise Http404
    note_look(request, viewer.membership, activity__message_id=message_id)
    context = {
        "viewer": viewer,
        "message_id": message_id,
        "chains": chains,
        "rejections": rejections,
        "on_it": on_activity(viewer.membership, message_id),
    }
    return render(request, "notifications/explain.html", context)
