"""A person who walks through a website, for tests of visits."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from notifications.evaluation import evaluate_due
from notifications.models import Visit
from partners.models import Activity
from tests.northstar import Northstar


def views(northstar: Northstar, path: str, *, ago: float = 0, **fields: Any) -> Activity:
    """Let Anna view a page so many minutes ago; its name is the path's, without the slash."""
    at = timezone.now() - timedelta(minutes=ago)
    payload = {"properties": {"url": f"https://n.example{path}"}}
    name = path.strip("/").capitalize()
    fields = {"type": "page", "event": name, "occurred_at": at, "payload": payload} | fields
    return northstar.happens(**fields)


def walks(northstar: Northstar, *paths: str) -> None:
    """Let Anna view pricing, then these pages, a minute each, and evaluate all in one batch."""
    every = ("/pricing", *paths)
    for number, path in enumerate(every):
        views(northstar, path, ago=len(every) - number)
    evaluate_due()


def time_passes() -> None:
    """Let every visit be over."""
    Visit.objects.update(due_at=timezone.now() - timedelta(seconds=1))
