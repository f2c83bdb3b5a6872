"""The numbers of /metrics: right, in the format, cheap, and about nobody."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from accounts.heartbeats import beat
from accounts.models import Heartbeat
from notifications.evaluation import evaluate_due
from notifications.gauges import Gauges
from notifications.invariant_check import check_if_due
from notifications.models import Delivery
from partners.models import Activity
from tests.northstar import queue_bells
from tests.notifications.test_replay import ends
from tests.queries import assert_constant_queries

pytestmark = pytest.mark.django_db


def scrape() -> dict[tuple[str, ...], float]:
    """Return (name without prefix, values of the labels) → number, as Prometheus reads them."""
    families = text_string_to_metric_families(generate_latest(Gauges()).decode())
    return {
        (sample.name.removeprefix("partnernotify_"), *sample.labels.values()): sample.value
        for family in families
        for sample in family.samples
    }


def decide(northstar, times: int = 1) -> list[Delivery]:
    for _ in range(times):
        northstar.happens()
    evaluate_due()
    return list(Delivery.objects.filter(channel="email"))


def test_an_empty_instance_has_zeros_and_claims_nothing_that_it_does_not_know():
    found = scrape()
    assert found["deliveries", "email", "unknown"] == 0
    assert found["deliveries_ended_last_hour", "desktop", "dead"] == 0
    assert found["activities", "quarantined"] == 0
    assert found["activity_oldest_unevaluated_seconds",] == 0
    names = {name for name, *_labels in found}
    assert not names & {"heartbeat_age_seconds", "invariant_broken", "invariant_check_age_seconds"}


def test_what_waits(northstar):
    first, second, *_ = decide(northstar, 4)
    ends(first, "unknown")
    later = timezone.now() + timedelta(hours=1)
    Delivery.objects.filter(pk=second.pk).update(not_before=later)
    Delivery.objects.filter(channel="email", state="pending").exclude(pk=second.pk).update(
        not_before=timezone.now() - timedelta(minutes=2)
    )
    for bell in queue_bells():
        Delivery.objects.filter(pk=bell.pk).update(not_before=later)
    found = scrape()
    assert found["deliveries", "email", "pending"] == 3
    assert found["deliveries", "email", "unknown"] == 1
    assert found["deliveries", "desktop", "pending"] == 4
    assert found["delivery_oldest_due_seconds", "email"] == pytest.approx(120, abs=30)
    assert found["delivery_oldest_due_seconds", "desktop"] == 0


def test_what_workers_hold(northstar):
    (row,) = decide(northstar)
    Delivery.objects.filter(pk=row.pk).update(
        state="leased", lease_token=row.public_id, lease_until=timezone.now()
    )
    assert scrape()["deliveries", "email", "leased"] == 1
    Delivery.objects.filter(pk=row.pk).update(state="sending")
    found = scrape()
    assert (found["deliveries", "email", "leased"], found["deliveries", "email", "sending"]) == (
        0,
        1,
    )


def test_what_ended_lately(northstar):
    dead, delivered, old = decide(northstar, 3)
    ends(dead, "dead")
    ends(delivered, "delivered")
    ends(old, "delivered")
    Delivery.objects.filter(pk=old.pk).update(done_at=timezone.now() - timedelta(hours=2))
    found = scrape()
    assert found["deliveries_ended_last_hour", "email", "dead"] == 1
    assert found["deliveries_ended_last_hour", "email", "delivered"] == 1
    assert found["deliveries_ended_last_hour", "email", "expired"] == 0


def test_what_is_not_evaluated(northstar):
    old = northstar.happens(received_at=timezone.now() - timedelta(minutes=3))
    northstar.happens()
    found = scrape()
    assert found["activities", "pending"] == 2
    assert found["activity_oldest_unevaluated_seconds",] == pytest.approx(180, abs=30)
    Activity.objects.filter(pk=old.pk).update(state="quarantined")
    found = scrape()
    assert (found["activities", "pending"], found["activities", "quarantined"]) == (1, 1)
    assert found["activity_oldest_unevaluated_seconds",] < 30


def test_who_lives():
    beat("worker")
    beat("beat")
    Heartbeat.objects.filter(pk="beat").update(at=timezone.now() - timedelta(minutes=1))
    found = scrape()
    assert found["heartbeat_age_seconds", "worker"] < 30
    assert found["heartbeat_age_seconds", "beat"] == pytest.approx(60, abs=30)


def test_what_the_last_check_found(northstar):
    (row, *_) = decide(northstar)
    ends(row, "dead", detail="")
    check_if_due()
    found = scrape()
    assert found["invariant_broken", "failed, suppressed or cancelled without a word"] == 1
    assert found["invariant_broken", "due but not taken"] == 0
    assert found["invariant_check_age_seconds",] < 30


def test_labels_are_about_nobody(northstar):
    decide(northstar)
    check_if_due()
    text = generate_latest(Gauges()).decode()
    people = (northstar.ala.user.email, northstar.ala.user.name, northstar.contact.email)
    places = (northstar.account.slug, northstar.lead.domain, northstar.source.prefix)
    assert not [word for word in people + places if word in text]


# --- Cheap ----------------------------------------------------------------------------

# In the order of the queries; heartbeats and the last check are tables of a few rows.
INDEXES = (
    "delivery_due",
    "delivery_held",
    "delivery_unknown",
    "delivery_gathered",
    "delivery_ended",
    "activity_due_of_key",
    "activity_quarantined",
)


def test_the_number_of_queries_does_not_grow(northstar):
    assert assert_constant_queries(scrape, lambda: decide(northstar, 5)) == len(INDEXES) + 3


def test_each_query_reads_only_what_it_counts(northstar):
    decide(northstar, 100)
    # Many that failed: one index also holds the few of which nobody can tell.
    ended = {"state": "dead", "detail": "no", "done_at": timezone.now()}
    Delivery.objects.filter(channel="email").update(**ended)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
    with CaptureQueriesContext(connection) as captured:
        scrape()
    for query, index in zip(captured, INDEXES, strict=False):
        plan = explain(query["sql"])
        assert index in plan, plan


def explain(sql: str) -> str:
    """Return the plan, as for a table that is too large to be read."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute(f"EXPLAIN {sql}")
        else:
            cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
        return "\n".join([sql, *(str(row[-1]) for row in cursor.fetchall())])
