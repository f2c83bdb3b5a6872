"""Which actions notify: the catalogue in plain words."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from notifications.trigger_selectors import trigger_lines
from partners.access import Viewer, viewer_required


@viewer_required
@require_safe
def triggers(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    context = {"viewer": viewer, "lines": trigger_lines()}
    return render(request, "notifications/triggers.html", context)
