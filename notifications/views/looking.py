"""Who opens a page about what they were told of has looked at it (eligibility/escalation.py)."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils import timezone

from accounts.models import Membership
from notifications.models import Notification


def note_look(request: HttpRequest, reader: Membership | None, **about: object) -> None:
    """Remember it; a browser that fetches ahead has seen nothing. 1 query."""
    ahead = "prefetch" in request.headers.get("Sec-Purpose", "")
    if reader and request.method == "GET" and not ahead:
        told = Notification.objects.filter(membership=reader, seen_at=None, **about)
        told.update(seen_at=timezone.now())
