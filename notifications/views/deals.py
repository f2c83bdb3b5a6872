"""Shared deals: the list, and one deal with its line of partners and its sign-ups."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import prefetch_related_objects
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from notifications.activities.pages import Cursor, Page, timeline
from notifications.activities.visible import sign_ups_in
from notifications.claims.selectors import on_it
from notifications.standing import DealStanding, deal_standing, places_of
from notifications.views.looking import note_look
from partners.access import Viewer, load_deal, viewer_required
from partners.models import Deal
from partners.selectors import deals_of, people_of_deals, search_deals

DEALS_PER_PAGE = 25


@viewer_required
@require_safe
def deals(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    text = request.GET.get("q", "").strip().replace("\0", "")
    found = search_deals(deals_of(viewer.account), text)
    found = found.prefetch_related(*people_of_deals(viewer.account))
    page = Paginator(found, DEALS_PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "viewer": viewer,
        "page": page,
        "rows": [_row(deal) for deal in page.object_list],
        "q": text,
    }
    return render(request, "partners/deals.html", context)


def _row(deal: Deal) -> dict[str, Any]:
    places = places_of(deal)
    return {
        "deal": deal,
        "places": places,
        "notified": next((place for place in places if place.notified), None),
        "people": _people(deal),
    }


def _people(deal: Deal) -> str:
    names = [member.membership.user.display_name for member in deal.members.all()]
    return ", ".join(dict.fromkeys(names))


@login_required
@require_safe
def deal(request: HttpRequest, pk: int) -> HttpResponse:
    viewer, found = load_deal(request, pk)
    prefetch_related_objects([found], *people_of_deals(viewer.account))
    standing = deal_standing(found, viewer.account, timezone.now())
    before = Cursor.read(request.GET.get("before", ""))
    note_look(request, viewer.membership, reasons__deal=found)
    context = {
        "viewer": viewer,
        "deal": found,
        "standing": standing,
        "on_it": on_it(viewer.membership, found),
        "own": standing.places[0] if standing.places else None,
        "timeline": _sign_ups(found, viewer, standing, before),
        "before": before,
    }
    return render(request, "partners/deal.html", context)


def _sign_ups(
    deal: Deal, viewer: Viewer, standing: DealStanding, before: Cursor | None
) -> Page | None:
    """The vendor and the first partner read the sign-ups; the others do not (R48)."""
    if not viewer.is_vendor and not any(place.position == 1 for place in standing.places):
        return None
    return timeline(sign_ups_in(deal, viewer.account), viewer.account, before)
