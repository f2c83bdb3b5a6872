"""Deliveries: the log of what was sent to whom, and sending again."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_safe

from accounts.requests import AccountRequest
from notifications import delivery_log
from notifications.access import load_delivery_to_repeat, require_repeater
from notifications.again import PER_SECOND
from notifications.delivery.replay import (
    NotSentAgainError,
    preview,
    replay,
    replay_range,
)
from notifications.views.activity import query_without_page
from notifications.words import duration_words
from partners.access import Viewer, viewer_required

if TYPE_CHECKING:
    from notifications.delivery_log import Reader
    from notifications.models import DeliveryQuerySet

TABS = {
    delivery_log.ALL: gettext_lazy("All"),
    delivery_log.WAITING: gettext_lazy("Waiting"),
    delivery_log.FAILED: gettext_lazy("Failed"),
    delivery_log.NOT_SENT: gettext_lazy("Not sent"),
    delivery_log.UNKNOWN: gettext_lazy("Unknown outcome"),
}


@viewer_required
@require_safe
def deliveries(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    reader = delivery_log.reader_of(viewer)
    tab, text = _filter(request.GET)
    before = delivery_log.read_cursor(request.GET.get("before", ""))
    page = delivery_log.delivery_page(reader, delivery_log.search(reader, tab, text), before)
    context = {
        "reader": reader,
        "page": page,
        "tab": tab,
        "tabs": TABS.items(),
        "q": text,
        "is_endpoint": text and not page.rows and delivery_log.is_endpoint(reader, text),
        "before": before,
        "query": query_without_page(request),
        "late_since": delivery_log.late_since(reader),
        "may_repeat_all": tab in delivery_log.REPEATABLE_TABS
        and any(row.may_repeat for row in page.rows),
    }
    return render(request, "notifications/deliveries.html", context)


def _filter(values: QueryDict) -> tuple[str, str]:
    tab = values.get("tab", delivery_log.ALL)
    text = values.get("q", "").strip().replace("\0", "")
    return (tab if tab in TABS else delivery_log.ALL), text


# --- Sending again ----------------------------------------------------------------------


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def again(request: AccountRequest, pk: int) -> HttpResponse:
    """Ask on a page of its own, with what follows; do it when that page is sent."""
    reader, row = load_delivery_to_repeat(request, pk)
    if row.may_repeat and request.method != "POST":
        return render(request, "notifications/delivery_again.html", {"row": row, "reader": reader})
    try:
        if not row.may_repeat:
            raise NotSentAgainError
        replay(row.delivery, actor=request.user)
    except NotSentAgainError as error:
        messages.error(request, error.words)
    else:
        who = row.delivery.notification.membership.user.display_name
        messages.success(request, _("It is on its way again to %(name)s.") % {"name": who})
    return redirect("notifications:deliveries")


@viewer_required
@require_http_methods(["GET", "HEAD", "POST"])
def all_again(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    reader = require_repeater(viewer)
    values = request.POST if request.method == "POST" else request.GET
    tab, text = _filter(values)
    tab = tab if tab in delivery_log.REPEATABLE_TABS else delivery_log.FAILED
    rows = delivery_log.repeatable_for(reader, delivery_log.search(reader, tab, text))
    if request.method == "POST":
        _repeat(cast("AccountRequest", request), reader, rows, f"{tab} {text}".strip())
        return redirect(f"{reverse('notifications:deliveries')}?tab={delivery_log.WAITING}")
    found = preview(rows)
    context = {
        "preview": found,
        "lasts": duration_words(found.lasts) if found else "",
        "tab": tab,
        "label": TABS[tab],
        "q": text,
        "reader": reader,
        "per_second": PER_SECOND,
    }
    return render(request, "notifications/deliveries_again.html", context)


def _repeat(request: AccountRequest, reader: Reader, rows: DeliveryQuerySet, what: str) -> None:
    """Send again what the preview showed, and nothing that failed since."""
    until = delivery_log.read_cursor(request.POST.get("until", "")) or 0
    count = replay_range(
        rows.filter(pk__lte=until), actor=request.user, account=reader.account, what=what
    )
    words = ngettext(
        "%(count)d message is sent again.", "%(count)d messages are sent again.", count
    )
    if count:
        messages.success(request, words % {"count": count})
    else:
        messages.info(request, _("Nothing is sent again: it has been already, or a limit holds."))
