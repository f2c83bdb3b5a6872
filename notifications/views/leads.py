"""Leads: the list, and one lead with who is told and what its people did."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.paginator import Page, Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from notifications.activities.pages import Cursor, timeline
from notifications.activities.visible import activities_of_lead
from notifications.claims.selectors import on_it, on_leads
from notifications.selectors import last_actions
from notifications.standing import lead_standing
from notifications.views.looking import note_look
from notifications.when.waiting import OF_A_LEAD, snooze_of, span_choices
from partners.access import Viewer, load_lead, viewer_required
from partners.models import Lead
from partners.selectors import leads_of, leads_with_status, search_registered

LEADS_PER_PAGE = 25


@viewer_required
@require_safe
def leads(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    text = request.GET.get("q", "").strip().replace("\0", "")
    status = request.GET.get("status", "")
    if status not in Lead.Status:
        status = ""
    found = search_registered(leads_of(viewer.account), text)
    found = leads_with_status(found, status, timezone.now())
    page = Paginator(found, LEADS_PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "viewer": viewer,
        "page": page,
        "rows": _rows(page, viewer),
        "q": text,
        "status": status,
        "statuses": Lead.Status.choices,
        "query": _query(request),
    }
    return render(request, "partners/leads.html", context)


def _rows(page: Page[Lead], viewer: Viewer) -> list[dict[str, Any]]:
    leads, now = page.object_list, timezone.now()
    last, on = last_actions(leads), on_leads(viewer.membership, leads)
    return [
        {"lead": lead, "last": last.get(lead.pk), "on": on.get(lead.pk), **status_of(lead, now)}
        for lead in leads
    ]


def status_of(lead: Lead, now: datetime) -> dict[str, str]:
    status = lead.status_at(now)
    return {"status": status, "label": str(Lead.Status(status).label), "tone": _TONES[status]}


_TONES: dict[str, str] = {
    Lead.Status.REGISTERED: "good",
    Lead.Status.PENDING: "held",
    Lead.Status.UNAVAILABLE: "no",
    Lead.Status.INVALID: "bad",
    Lead.Status.EXPIRED: "no",
}


def _query(request: HttpRequest) -> str:
    query = request.GET.copy()
    for key in ("page", "account"):
        query.pop(key, None)
    return query.urlencode()


@login_required
@require_safe
def lead(request: HttpRequest, pk: int) -> HttpResponse:
    viewer, found = load_lead(request, pk)
    before = Cursor.read(request.GET.get("before", ""))
    now = timezone.now()
    note_look(request, viewer.membership, reasons__lead=found)
    context = {
        "viewer": viewer,
        "lead": found,
        "standing": lead_standing(found, viewer.membership, now),
        "timeline": timeline(activities_of_lead(found), found.account, before),
        "before": before,
        "on_it": on_it(viewer.membership, found),
        **_snooze(found, viewer),
        "is_registered": found.status_at(now) == Lead.Status.REGISTERED,
        "was_registered": found.status in (Lead.Status.REGISTERED, Lead.Status.EXPIRED),
        **status_of(found, now),
    }
    return render(request, "partners/lead.html", context)


def _snooze(found: Lead, viewer: Viewer) -> dict[str, Any]:
    member = viewer.membership
    if member is None or not member.account.is_partner:
        return {}
    return {"snooze": snooze_of(member, found), "spans": span_choices(OF_A_LEAD)}
