"""What an operator watches, in numbers: what waits and how long, what ended how, who lives.

Read from the database when asked: a fixed number of queries, each along an index that holds
only what it counts. Labels are our own keys; never a person, an account or an address.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from itertools import product
from typing import Any

from django.db.models import Count, F, Min
from django.db.models.functions import Coalesce, Now
from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from accounts.models import Heartbeat
from notifications.channels import CHANNEL_KEYS
from notifications.delivery.routes import mail_routes
from notifications.models import Delivery, DeliveryQuerySet, InvariantCheck
from partners.models import Activity

LATELY = timedelta(hours=1)
WAITING = (*Delivery.WAITING, Delivery.State.UNKNOWN)


class Gauges(Collector):
    """The numbers of the whole instance: the same whichever process is asked."""

    def collect(self) -> Iterator[Metric]:
        yield from _waiting_deliveries()
        yield _ended_deliveries()
        yield from _activities()
        yield _mail_servers()
        yield _heartbeats()
        yield from _invariants()


def _waiting_deliveries() -> Iterator[Metric]:
    counts = dict.fromkeys(product(CHANNEL_KEYS, WAITING), 0)
    ages = dict.fromkeys(product(CHANNEL_KEYS), 0.0)
    pending = Delivery.objects.filter(state=Delivery.State.PENDING).values_list("channel")
    of_lanes = pending.annotate(count=Count("*"), waited=Now() - Min("not_before"))
    for lane, count, waited in of_lanes:
        counts[lane, Delivery.State.PENDING] = count
        ages[lane,] = _seconds(waited)
    # Asked for in one go, no index holds them all.
    counts |= _by_state(Delivery.objects.filter(state__in=Delivery.HELD))
    counts |= _by_state(Delivery.objects.filter(state=Delivery.State.UNKNOWN))
    counts |= _by_state(Delivery.objects.filter(state=Delivery.State.GATHERED))
    yield _gauge("deliveries", "Deliveries that have not ended.", ("lane", "state"), counts)
    yield _gauge(
        "delivery_oldest_due_seconds",
        "How long the delivery that waits longest has been due.",
        ("lane",),
        ages,
    )


def _ended_deliveries() -> Metric:
    counts = dict.fromkeys(product(CHANNEL_KEYS, Delivery.FINAL), 0)
    counts |= _by_state(Delivery.objects.filter(done_at__gt=Now() - LATELY))
    words = "Deliveries that ended in the last hour."
    return _gauge("deliveries_ended_last_hour", words, ("lane", "state"), counts)


def _by_state(rows: DeliveryQuerySet) -> dict[tuple[str, str], int]:
    found = rows.values_list("channel", "state").annotate(count=Count("*"))
    return {(lane, state): count for lane, state, count in found}


def _activities() -> Iterator[Metric]:
    pending = Activity.objects.filter(state=Activity.State.PENDING)
    quarantined = Activity.objects.filter(state=Activity.State.QUARANTINED)
    waiting = pending.aggregate(
        count=Count("*"), oldest=Now() - Min(Coalesce("not_before", "received_at"))
    )
    counts = {("pending",): waiting["count"], ("quarantined",): quarantined.count()}
    yield _gauge("activities", "Activities that are not evaluated.", ("state",), counts)
    yield _gauge(
        "activity_oldest_unevaluated_seconds",
        "For how long the oldest due activity has been due.",
        (),
        {(): _seconds(waiting["oldest"])},
    )


def _mail_servers() -> Metric:
    """Which mail servers have refused so much that they are left alone for now."""
    routes = mail_routes()
    return _gauge(
        "mail_server_left_alone",
        "1 while the mail server is left alone because it failed too often.",
        ("server",),
        {(route.name,): int(route.wait_until is not None) for route in routes},
    )


def _heartbeats() -> Metric:
    found = Heartbeat.objects.values_list("process", Now() - F("at"))
    return _gauge(
        "heartbeat_age_seconds",
        "How long ago a process of this kind said that it lives.",
        ("process",),
        {(process,): _seconds(age) for process, age in found},
    )


def _invariants() -> Iterator[Metric]:
    """Nothing before the first check: what nobody has looked at is not 0."""
    checks = InvariantCheck.objects.exclude(checked_at=None)
    check = checks.values_list("broken", Now() - F("checked_at")).first()
    broken, age = check or ({}, None)
    yield _gauge(
        "invariant_broken",
        "Rows that broke an invariant at the last check.",
        ("name",),
        {(name,): count for name, count in broken.items()},
    )
    yield _gauge(
        "invariant_check_age_seconds",
        "How long ago the invariants were checked.",
        (),
        {(): _seconds(age)} if check else {},
    )


def _gauge(name: str, words: str, labels: tuple[str, ...], values: Mapping[Any, float]) -> Metric:
    """`values`: the values of the labels, a tuple → the number."""
    family = GaugeMetricFamily(f"partnernotify_{name}", words, labels=labels)
    for at, value in values.items():
        family.add_metric(at, value)
    return family


def _seconds(age: timedelta | None) -> float:
    """What is due in the future, or nothing at all, has waited for no time."""
    return max(0.0, age.total_seconds()) if age else 0.0
