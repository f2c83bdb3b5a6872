"""One look into the database for everybody who listens."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import close_old_connections
from django.db.models import Max
from django.db.models.functions import Now

from notifications.channels import DESKTOP
from notifications.models import Delivery, Notification, Visit

# Whose bell moved, and by what: so that the same is told once.
Move = tuple[int, object]


def look(seconds: float) -> set[Move]:
    """Return what moved a bell in the last `seconds`: news, what was read, and visits that go
    on. 3 queries."""
    close_old_connections()
    since = Now() - timedelta(seconds=seconds)
    delivered = Delivery.objects.filter(
        channel=DESKTOP, state=Delivery.State.DELIVERED, done_at__gt=since
    )
    read = Notification.objects.filter(read_at__gt=since).values("membership")
    visits = Visit.objects.filter(ended_at=None, due_at__gt=since + settings.VISIT_PAUSE)
    return {
        *visits.exclude(notifications=None).values_list("notifications__membership", "due_at"),
        *delivered.values_list("notification__membership", "pk"),
        *read.annotate(last=Max("read_at")).values_list("membership", "last"),
    }
