"""A flood of one account delays nobody else's first attempt."""

from __future__ import annotations

import uuid
from collections import Counter
from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from notifications import evaluation
from notifications.delivery.claim import claim
from notifications.delivery.send import deliver_due
from notifications.evaluation import evaluate_due
from notifications.models import Delivery, Notification
from notifications.tasks import lanes_due
from partners.models import Activity
from tests.factories import make_account, make_activity, make_contact, make_member, make_source
from tests.northstar import Northstar

pytestmark = pytest.mark.django_db


@pytest.fixture
def activity():
    return make_activity(make_source()[0], make_contact("anna@acme.example"))


def waits(activity, slug: str, count: int, *, since: timedelta, lane: str = "email") -> None:
    """Let `count` deliveries of a new account be due since so long."""
    member, began = make_member(make_account(slug)), timezone.now() - since
    notifications = Notification.objects.bulk_create(
        Notification(
            account=member.account,
            membership=member,
            activity=activity,
            dedupe_key=f"{slug}-{lane}-{n}",
            trigger="demo_request",
        )
        for n in range(count)
    )
    Delivery.objects.bulk_create(
        Delivery(
            account=member.account,
            notification=notification,
            channel=lane,
            topic="registered_lead_activity",
            not_before=began + timedelta(milliseconds=n),
        )
        for n, notification in enumerate(notifications)
    )


def claimed(limit: int, lane: str = "email") -> Counter[str]:
    ids = claim(lane, uuid.uuid4(), limit)
    return Counter(Delivery.objects.filter(pk__in=ids).values_list("account__slug", flat=True))


def test_quiet_accounts_are_served_beside_a_flood(activity):
    """T25."""
    waits(activity, "flood", 300, since=timedelta(hours=1))
    for n in range(5):
        waits(activity, f"quiet-{n}", 1, since=timedelta(seconds=1))
    found = claimed(12)
    assert all(found[f"quiet-{n}"] == 1 for n in range(5))
    assert found["flood"] == 2
    assert claimed(12) == {"flood": 12}


def test_within_a_claim_they_take_turns():
    """T25: a claim may end after a few slow sends; the oldest are not always those few."""
    flood, quiet = Northstar("flood", "flood.example"), Northstar("quiet", "quiet.example")
    for partner in (*[flood] * 6, quiet):
        partner.happens()
    evaluate_due()
    deliver_due("email")
    assert len(mail.outbox) == 7
    first_two = {message.to[0] for message in mail.outbox[:2]}
    assert first_two == {"ala@flood.example", "ala@quiet.example"}


def test_with_more_accounts_than_room_each_gets_one_at_most(activity):
    for n in range(8):
        waits(activity, f"account-{n}", 3, since=timedelta(minutes=1))
    assert max(claimed(5).values()) == 1


def test_what_is_not_due_takes_no_share(activity):
    waits(activity, "patient", 5, since=-timedelta(hours=1))
    waits(activity, "busy", 10, since=timedelta(minutes=1))
    assert claimed(10) == {"busy": 10}


def test_an_account_gets_its_oldest_first(activity):
    waits(activity, "one", 20, since=timedelta(minutes=1))
    oldest = list(Delivery.objects.order_by("not_before").values_list("pk", flat=True)[:5])
    assert sorted(claim("email", uuid.uuid4(), 5)) == sorted(oldest)


def test_lanes_are_apart(activity):
    waits(activity, "one", 2, since=timedelta(minutes=1), lane="desktop")
    waits(activity, "later", 2, since=-timedelta(minutes=1))
    assert set(lanes_due()) & {"email", "desktop"} == {"desktop"}
    assert claimed(5) == {}


# --- Evaluation ---------------------------------------------------------------------------


def test_history_sent_with_a_key_of_its_own_delays_no_visitor(northstar):
    """Evaluation takes as much of each write key, the oldest of each, and fills up the batch."""
    history = make_source()[0]
    flood = [make_activity(history, northstar.contact) for _ in range(30)]
    visit = northstar.happens()
    evaluate_due(limit=10)
    waiting = set(Activity.objects.filter(state="pending").values_list("pk", flat=True))
    assert visit.pk not in waiting
    assert [old.pk not in waiting for old in flood] == [True] * 9 + [False] * 21


def test_each_of_two_keys_that_have_enough_gets_half(northstar):
    other = make_source()[0]
    for source in (northstar.source, other):
        for _ in range(10):
            make_activity(source, northstar.contact)
    evaluate_due(limit=10)
    left = Counter(Activity.objects.filter(state="pending").values_list("source", flat=True))
    assert left == {northstar.source.pk: 5, other.pk: 5}


def test_a_batch_is_evaluated_in_the_order_of_arrival(northstar, monkeypatch):
    other, seen = make_source()[0], []
    arrived = [
        make_activity(source, northstar.contact).pk
        for source in (northstar.source, other, northstar.source, other)
    ]
    monkeypatch.setattr(evaluation, "evaluate_at", lambda batch, _now: seen.extend(batch))
    evaluate_due()
    assert [activity.pk for activity in seen] == arrived


def test_more_keys_than_a_batch_has_places(northstar):
    for _ in range(5):
        make_activity(make_source()[0], northstar.contact)
    taken = [evaluate_due(limit=2).taken for _ in range(4)]
    assert taken == [2, 2, 1, 0]
