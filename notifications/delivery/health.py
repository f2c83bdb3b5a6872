"""How endpoints answer: asked before a send, written down with each outcome (breaker.py).

The members' own mailboxes share one row for each mail server (routes.py). The bell has none.
Nothing is written for them while all goes well, so that mails do not queue for that row.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Count, OuterRef, Subquery
from django.db.models.functions import Coalesce, Now

from notifications.breaker import (
    WINDOW,
    Health,
    after_failed_probe,
    after_failure,
    after_success,
    begin_probe,
)
from notifications.channels import EMAIL
from notifications.channels.base import DeliveryError
from notifications.delivery.giving_up import give_up
from notifications.models import Delivery, Endpoint, EndpointHealth

# Who waits for a free place at an endpoint looks again after this.
TURN = timedelta(seconds=2)
DETAIL_LENGTH, KEY_LENGTH = 500, 64

Place = tuple[str, str]


def place_of(delivery: Delivery) -> Place:
    return delivery.channel, delivery.endpoint_key


def load_health(places: Iterable[Place]) -> dict[Place, EndpointHealth]:
    """Return what is known about these endpoints. 1 query."""
    places = set(places)
    rows = EndpointHealth.objects.filter(
        channel__in={channel for channel, _ in places}, endpoint_key__in={key for _, key in places}
    )
    return {(row.channel, row.endpoint_key): row for row in rows}


def is_in_trouble(health: Health, now: datetime) -> bool:
    """Whether the next success says something new about the endpoint."""
    recent = health.window_start is not None and now - health.window_start < WINDOW
    return health.openings > 0 or (recent and health.failures > 0)


def why_later(delivery: Delivery) -> datetime | None:
    """Return until when this send must wait, or None. Holds the endpoint's row until commit.

    At most settings.ENDPOINT_CONCURRENCY sends at once, one while it is probed; none once it is
    switched off or removed, which the facts of the check may be too old to know: it is
    claimed again at once, and the next check says so.
    """
    row, now = _lock(place_of(delivery))
    if row.wait_until and row.health.waits_at(now):
        return row.wait_until
    under_way = _under_way(delivery)
    if under_way is None:
        _forget_if_removed(row)
        return now
    places = 1 if row.health.probes else settings.ENDPOINT_CONCURRENCY
    return now + TURN if under_way >= places else None


def _under_way(delivery: Delivery) -> int | None:
    """Return how many sends to its endpoint are under way; None: the endpoint is not on.

    Asked with its row held: what whoever held it before has changed is seen by a new query only.
    """
    sending = (
        Delivery.objects.filter(
            channel=OuterRef("channel"),
            endpoint_key=OuterRef("key"),
            state=Delivery.State.SENDING,
            lease_until__gt=Now(),
        )
        .exclude(endpoint_key=Delivery.OWN)  # Said for the partial index.
        .values("endpoint_key")
        .annotate(count=Count("pk"))
        .values("count")
    )
    endpoint = Endpoint.objects.filter(key=delivery.endpoint_key, disabled_at=None)
    return endpoint.values_list(Coalesce(Subquery(sending), 0), flat=True).first()


@transaction.atomic
def take_probe(place: Place) -> bool:
    """Whether this worker may find out if the place is back; the others leave it meanwhile."""
    row, now = _lock(place)
    begun = begin_probe(row.health, now, settings.EMAIL_DEADLINE)
    if begun:
        row.health = begun
        row.save()
    return begun is not None


def note_success(place: Place) -> None:
    row, now = _lock(place)
    row.health, row.sent_at = after_success(row.health, now), now
    _keep(row)


def note_failure(
    place: Place, error: DeliveryError, *, was_probe: bool = False
) -> tuple[Health, datetime]:
    """Count a failure; return what is known now, and the time."""
    row, now = _lock(place)
    count = after_failed_probe if was_probe else after_failure
    row.health = count(row.health, now, error.retry_after)
    row.last_error, row.last_error_at = error.detail[:DETAIL_LENGTH], now
    _keep(row)
    return row.health, now


def note_failure_of(endpoint: Endpoint, delivery: Delivery, error: DeliveryError) -> None:
    """Count it; give the endpoint up when it is gone, or has been silent for days.

    Not when it leads elsewhere by now: what its former address says is no trouble of this one.
    """
    lock_health(endpoint)
    present = Endpoint.objects.filter(pk=endpoint.pk).first()
    if present is None or present.sends_to != endpoint.sends_to:
        return
    health, now = note_failure(place_of(delivery), error)
    if error.bad_address:
        give_up(endpoint, Endpoint.Why.GONE, delivery, now)
    elif health.is_given_up_at(now):
        give_up(endpoint, Endpoint.Why.SILENT, delivery, now)


def lock_health(endpoint: Endpoint) -> None:
    """Hold the endpoint's row until commit. Whoever changes where it leads or whether it is on
    does so after this, as a failed send does, and of several holds the lowest id first: two that
    wait for each other would be one too many."""
    row, _now = _lock((endpoint.channel, endpoint.key))
    _forget_if_removed(row)


def begin_anew(endpoint: Endpoint) -> None:
    """Forget the endpoint's troubles, but not its last success and error."""
    row, _now = _lock((endpoint.channel, endpoint.key))
    row.health = Health()
    _keep(row)


def _lock(place: Place) -> tuple[EndpointHealth, datetime]:
    """Return the place's row, held until commit, and the database's time since it is held.

    One statement writes or holds it: it may go with its endpoint while somebody waits for it.
    """
    fields = dict(zip(("channel", "endpoint_key"), place, strict=True))
    EndpointHealth.objects.bulk_create(
        [EndpointHealth(**fields)],
        update_conflicts=True,
        unique_fields=fields,
        update_fields=fields,
    )
    row = EndpointHealth.objects.annotate(clock=Now()).get(**fields)
    return row, row.clock


def _keep(row: EndpointHealth) -> None:
    if not _forget_if_removed(row):
        row.save()


def _forget_if_removed(row: EndpointHealth) -> bool:
    """The health of an endpoint went with it; whoever asks for it later writes it anew."""
    endpoints = Endpoint.objects.filter(channel=row.channel, key=row.endpoint_key)
    is_removed = row.channel != EMAIL and not endpoints.exists()
    if is_removed:
        row.delete()
    return is_removed
