"""Each invariant is broken once, by hand, in a world where all is well: it alone says so."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db.models import F, QuerySet
from django.utils import timezone

from accounts.models import Membership
from notifications.drain import drain
from notifications.endpoints.services import switch_off
from notifications.invariants import broken, queries
from notifications.models import (
    AdditionalRecipient,
    Attempt,
    Decision,
    Delivery,
    Endpoint,
    Notification,
    NotificationReason,
    Visit,
)
from partners.models import Activity, Lead
from tests.factories import make_account, make_lead, make_member
from tests.northstar import Northstar

pytestmark = pytest.mark.django_db

HOUR, WEEK = timedelta(hours=1), timedelta(weeks=1)


def found() -> list[str]:
    return [name for name, rows in broken().items() if rows]


@pytest.fixture
def world(northstar, sink, hook):
    """One activity is told: in the bell, by e-mail, and to a webhook that took it at the second
    try and is off by now."""
    sink.answer = lambda _request: (200 if sink.requests[1:] else 500, {}, b"")
    northstar.happens()
    drain(patience_seconds=0)
    Delivery.objects.filter(state="pending").update(not_before=timezone.now())
    drain(patience_seconds=0)
    switch_off(hook, actor=northstar.ala.user)
    assert list(tries().values_list("n", "outcome")) == [(1, "refused"), (2, "ok")]
    return northstar


def ago(time: timedelta) -> datetime:
    return timezone.now() - time


def mail() -> QuerySet[Delivery]:
    return Delivery.objects.filter(channel="email")


def tries() -> QuerySet[Attempt]:
    """Return the webhook's."""
    return Attempt.objects.filter(delivery__channel="other_apps").order_by("n")


def stranger() -> Membership:
    return make_member(make_account())


def anew(state: str, *outcomes: str, **fields: Any) -> None:
    """Write the e-mail anew, in a state that it cannot change to, with an attempt for each."""
    same = _same()
    mail().delete()
    if state in Delivery.HELD:
        fields["lease_token"] = uuid.uuid4()
    if state in Delivery.FINAL:
        fields["done_at"] = timezone.now()
    row = Delivery.objects.create(state=state, starts=len(outcomes), **same, **fields)
    for n, outcome in enumerate(outcomes, 1):
        Attempt.objects.create(delivery=row, n=n, outcome=outcome, started_at=ago(HOUR))


def again(**fields: Any) -> None:
    """Send the e-mail again."""
    Delivery.objects.create(replay=1, **{**_same(), **fields})


def _same() -> dict[str, Any]:
    return mail().values("account_id", "notification_id", "channel", "topic", "public_id").get()


def waits(**fields: Any) -> None:
    anew("pending", not_before=timezone.now() + HOUR, **fields)


def one_by_one() -> None:
    at = ago(HOUR)
    tries().update(started_at=at, ended_at=at)


# Each gets Northstar and breaks the invariant that it stands behind.
BREAKS: dict[str, Callable[[Northstar], object]] = {
    "accepted activity not evaluated": lambda world: world.happens(received_at=ago(HOUR)),
    "evaluated without a time": lambda _: Activity.objects.update(evaluated_at=None),
    "decision to send without a message": lambda _: Decision.objects.update(notification=None),
    "notification without a delivery": lambda _: Delivery.objects.all().delete(),
    "notification without a reason": lambda _: NotificationReason.objects.all().delete(),
    "due but not taken": lambda _: anew("pending", not_before=ago(HOUR)),
    "expired and still waiting": lambda _: waits(created_at=ago(WEEK + HOUR)),
    "lease over and not taken back": lambda _: anew("leased", lease_until=ago(HOUR)),
    "starts differ from attempts": lambda _: mail().update(starts=F("starts") + 1),
    "delivered without exactly one accepted attempt": lambda _: tries().update(outcome="ok"),
    "gathered in a message that has ended": lambda _: anew("gathered", not_before=ago(HOUR)),
    "accepted attempt but not delivered": lambda _: anew("dead", "ok", detail="554 no"),
    "attempt begun after the end": lambda _: mail().update(done_at=ago(HOUR)),
    "attempt begun before the last one had ended": (
        lambda _: tries().filter(n=1).update(ended_at=timezone.now())
    ),
    "sent to an endpoint that was off": lambda _: Endpoint.objects.update(disabled_at=ago(HOUR)),
    "gap in attempt numbers": lambda _: tries().filter(n=2).update(n=3),
    "open attempt without a live send": lambda _: anew("pending", ""),
    "failed, suppressed or cancelled without a word": lambda _: anew("dead"),
    "sent again, but not as the same message": lambda _: again(public_id=uuid.uuid4()),
    "sent again before it had ended": lambda _: [anew("pending"), again()],
    "account differs along the chain": lambda _: mail().update(account=make_account()),
    "notification to a member of another account": (
        lambda _: Notification.objects.update(membership=stranger())
    ),
    "reason of another account": (
        lambda _: NotificationReason.objects.update(lead=make_lead(make_account(), "b.example"))
    ),
    "additional recipient of another account": (
        lambda world: AdditionalRecipient.objects.create(
            communication=world.settings, membership=stranger()
        )
    ),
    "owner of another account's lead": lambda _: Lead.objects.update(owner=stranger()),
    "visit of another account": lambda _: Visit.objects.update(account=make_account()),
    "visit over and not closed": lambda _: Visit.objects.update(due_at=ago(HOUR)),
    "two active registrations of one domain": (
        lambda world: make_lead(make_account(), world.lead.domain)
    ),
}
ALLOWED: dict[str, Callable[[], object]] = {
    "a retry waits when it expires": lambda: waits(created_at=ago(WEEK - HOUR)),
    "its reader let it wait": lambda: waits(created_at=ago(2 * WEEK), ages_from=ago(HOUR)),
    "it was just being switched off": lambda: Endpoint.objects.update(
        disabled_at=tries().get(n=2).started_at - timedelta(seconds=4)
    ),
    "the second try as the first one ends": one_by_one,
}


def test_each_invariant_has_its_break():
    assert list(BREAKS) == list(queries())


@pytest.mark.parametrize("name", BREAKS)
def test_a_break_is_found_by_its_invariant_alone(world, name):
    assert found() == []
    BREAKS[name](world)
    assert found() == [name]


@pytest.mark.parametrize("name", ALLOWED)
def test_what_is_allowed_breaks_none(world, name):
    ALLOWED[name]()
    assert found() == []
