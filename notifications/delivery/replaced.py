"""In whose place the summary of a visit comes, where a later message can replace one."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import prefetch_related_objects

from notifications.channels import PUSH_CHANNELS
from notifications.models import Delivery, Notification

# The visit, the member, the channel and the endpoint.
PlaceInVisit = tuple[int | None, int, str, str]


def place_in_visit(delivery: Delivery) -> PlaceInVisit:
    notification = delivery.notification
    return (
        notification.visit_id,
        notification.membership_id,
        delivery.channel,
        delivery.endpoint_key,
    )


def load_replaced(summaries: Sequence[Notification]) -> dict[PlaceInVisit, str]:
    """Return the pushes in whose place summaries come: those that told the visits. `visit` is
    selected with that. 4 queries, if there are summaries."""
    if not summaries:
        return {}
    prefetch_related_objects(summaries, "visit__first", "visit__last")
    told = Delivery.objects.filter(
        notification__visit__in={summary.visit_id for summary in summaries},
        notification__is_summary=False,
        channel__in=PUSH_CHANNELS,
    )
    rows = told.select_related("notification")
    return {place_in_visit(row): str(row.public_id) for row in rows}
