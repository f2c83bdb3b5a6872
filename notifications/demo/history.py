"""A month of past activity, decided by the real rules as of its time. No mail is sent."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, OuterRef, Q, Subquery

from notifications.demo.visitors import PARTS
from notifications.demo.world import DEAL_COMPANIES, NORTHSTAR_LEADS, SOUTHWIND_LEADS, LeadRow
from notifications.evaluation import evaluate_at
from notifications.models import Attempt, Decision, Delivery, Notification, Visit
from notifications.reasons import Reason
from partners.models import Activity, Contact, Source

DAYS = 30
VISITS_PER_DAY = 6
# Whom somebody may be on the pretend website: nothing of theirs is on cooldown there.
PLAYED = frozenset(part.visitor.email for part in PARTS.values())
UNTOUCHED = timedelta(days=3)
# How long a message took, and after how long it was read.
DECIDED_AFTER = timedelta(seconds=1)
SENT_AFTER = timedelta(seconds=2)
READ_AFTER = timedelta(hours=5)
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
SCANNER = "Mozilla/5.0 (compatible; LinkScanner/2.1; +https://scanner.example/bot)"


@dataclass(frozen=True, kw_only=True)
class Step:
    """Something that a visitor does. A page has a path and no event name."""

    event: str = ""
    path: str = ""
    title: str = ""

    def payload(self, email: str, user_agent: str) -> dict[str, Any]:
        context = {"traits": {"email": email} if email else {}, "userAgent": user_agent}
        if self.event:
            return {"type": "track", "event": self.event, "properties": {}, "context": context}
        properties = {"path": self.path, "title": self.title}
        return {"type": "page", "name": self.title, "properties": properties, "context": context}


HOME, BLOG = Step(path="/", title="Northwind CRM"), Step(path="/blog/pipeline", title="Blog")
PRICING = Step(path="/pricing/", title="Pricing")
CHECKOUT = Step(path="/checkout/", title="Checkout")
DEMO, SALES = Step(event="Demo Requested"), Step(event="Contact Sales Requested")
TRIAL, SIGN_UP = Step(event="Trial Started"), Step(event="CRM Signed Up")
VISITS: tuple[tuple[tuple[Step, ...], int], ...] = (
    ((HOME,), 4),
    ((HOME, BLOG), 3),
    ((HOME, PRICING), 6),
    ((PRICING, DEMO), 3),
    ((PRICING, SALES), 2),
    ((BLOG, PRICING, TRIAL), 1),
    ((PRICING, CHECKOUT), 1),
)


def write_history(source: Source, now: datetime) -> None:
    """Write the activities of the last month with decisions, messages and deliveries.

    Inside one transaction: nobody sees a delivery of the past that waits to be sent.
    """
    rows = sorted(_activities(source, now), key=lambda row: row.occurred_at)
    Activity.objects.bulk_create(rows)
    by_day: dict[datetime, list[Activity]] = {}
    for row in Activity.objects.filter(pk__in=[r.pk for r in rows]).select_related("contact"):
        # Decided shortly after it happened, a batch a half day.
        half_day = row.occurred_at.replace(hour=row.occurred_at.hour // 12 * 12, minute=0)
        by_day.setdefault(half_day.replace(second=0, microsecond=0), []).append(row)
    for batch in by_day.values():
        evaluate_at(batch, min(now, max(row.occurred_at for row in batch)))
    _date_back(source)
    _deliver(source, now)
    Visit.objects.filter(ended_at=None, due_at__lte=now).update(ended_at=F("due_at"))


def _activities(source: Source, now: datetime) -> Iterator[Activity]:
    dice = random.Random(7)  # noqa: S311 - the same month every time
    people = {contact.email: contact for contact in Contact.objects.all()}
    weights = [weight for _, weight in VISITS]
    for number in range(DAYS * VISITS_PER_DAY):
        at = now - timedelta(days=DAYS * (1 - dice.random()), minutes=20)
        email, agent = _visitor(dice)
        steps = dice.choices([steps for steps, _ in VISITS], weights)[0]
        if email in PLAYED and at > now - UNTOUCHED:
            continue
        if agent == SCANNER:
            steps = (PRICING,)
        for place, step in enumerate(steps):
            when = min(at + timedelta(minutes=4 * place), now - timedelta(minutes=1))
            contact = people.get(email)
            yield _activity(source, f"{number:03}-{place}", step, contact, when, agent)
    for number, (email, days) in enumerate(SIGN_UPS):
        when = now - timedelta(days=days, hours=3)
        yield _activity(source, f"sign-up-{number}", SIGN_UP, people[email], when, BROWSER)


# Who signed up for the CRM, and how many days ago: Orbit (Southwind comes first there),
# Sable (no growth specialist), and a lead of Northstar's own.
SIGN_UPS = (
    ("dana@orbit.example", 19),
    ("irena@sable.example", 12),
    ("leon@prism.example", 8),
    ("julia@halcyon.example", 5),
)


def _visitor(dice: random.Random) -> tuple[str, str]:
    """Return whose visit it is (empty: unknown) and the browser."""
    chance = dice.random()
    if chance < 0.5:
        return dice.choice(_emails(NORTHSTAR_LEADS)), BROWSER
    if chance < 0.65:
        return dice.choice(_emails(SOUTHWIND_LEADS)), BROWSER
    if chance < 0.73:
        return dice.choice(("ewa@tulip.example", "adam@zenith.example")), BROWSER
    if chance < 0.78:
        return dice.choice(_emails(NORTHSTAR_LEADS)), SCANNER
    if chance < 0.86:
        domain, _, people, _ = dice.choice(DEAL_COMPANIES)
        return f"{people[0].partition(' ')[0].lower()}@{domain}.example", BROWSER
    return "", BROWSER


def _emails(rows: Iterable[LeadRow]) -> list[str]:
    return [row.email for row in rows if row.email]


def _activity(
    source: Source, name: str, step: Step, contact: Contact | None, when: datetime, agent: str
) -> Activity:
    payload = step.payload(contact.email if contact else "", agent)
    return Activity(
        source=source,
        message_id=f"demo-{name}",
        type=payload["type"],
        name=step.event or step.title,
        contact=contact,
        occurred_at=when,
        received_at=when,
        payload={**payload, "messageId": f"demo-{name}"},
        body_hash="",
    )


def _date_back(source: Source) -> None:
    """Give each row the time of its activity: a batch was decided at one moment."""
    own = Activity.objects.filter(pk=OuterRef("activity")).values("occurred_at")
    for model in (Decision, Notification):
        model.objects.filter(activity__source=source).update(created_at=Subquery(own))
    told = Notification.objects.filter(pk=OuterRef("notification")).values("created_at")
    deliveries = Delivery.objects.filter(notification__activity__source=source)
    deliveries.update(created_at=Subquery(told))
    # The bell is written with the decision.
    deliveries.exclude(done_at=None).update(done_at=F("created_at") + DECIDED_AFTER)
    done = Subquery(deliveries.filter(pk=OuterRef("delivery")).values("done_at"))
    Attempt.objects.filter(delivery__in=deliveries).update(started_at=done, ended_at=done)
    Activity.objects.filter(source=source).update(evaluated_at=F("occurred_at") + DECIDED_AFTER)


def _deliver(source: Source, now: datetime) -> None:
    """Make what waits since then delivered, as a worker would have left it."""
    rows = Delivery.objects.filter(
        notification__activity__source=source, state=Delivery.State.PENDING
    )
    Attempt.objects.bulk_create(
        Attempt(
            delivery=row,
            n=1,
            started_at=row.created_at + DECIDED_AFTER,
            ended_at=row.created_at + SENT_AFTER,
            outcome=Attempt.Outcome.OK,
            detail=f"<{row.public_id}@history.example>",
        )
        for row in rows
    )
    ids = list(rows.values_list("pk", flat=True))
    waiting = Delivery.objects.filter(pk__in=ids)
    for state in Delivery.HELD:
        waiting.update(state=state, lease_token=uuid.uuid4(), lease_until=now)
    waiting.update(
        lease_token=None,
        lease_until=None,
        state=Delivery.State.DELIVERED,
        reason=Reason.SENT,
        starts=1,
        done_at=F("created_at") + SENT_AFTER,
    )
    Notification.objects.filter(
        Q(activity__source=source), created_at__lt=now - timedelta(days=2)
    ).update(read_at=F("created_at") + READ_AFTER)
