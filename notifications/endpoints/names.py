"""Endpoints as other pages call them: by their names, never by their keys."""

from __future__ import annotations

from collections.abc import Iterable

from notifications.models import Delivery, Endpoint
from notifications.text import one_line


def endpoint_names(deliveries: Iterable[Delivery]) -> dict[str, str]:
    """Return the names of the deliveries' endpoints that exist, by key. At most 1 query."""
    keys = {delivery.endpoint_key for delivery in deliveries} - {Delivery.OWN}
    rows = Endpoint.objects.filter(key__in=keys).values_list("key", "name") if keys else ()
    return {key: one_line(name) for key, name in rows}
