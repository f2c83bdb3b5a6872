"""The members who may be told: their choices, limits, endpoints and suppressed addresses."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from accounts.models import Membership
from notifications.channels import CHANNEL_KEYS, EMAIL
from notifications.eligibility import (
    Person,
)
from notifications.facts.deals import DealRows
from notifications.models import (
    Delivery,
    EmailCount,
    Endpoint,
    Preference,
    Suppression,
)
from notifications.topics import CO_SELLING, TOPICS


class People:
    """Every member who may be told, with choices, limits and endpoints. 5 queries."""

    def __init__(self, wanted: set[int], deals: Iterable[DealRows], now: datetime) -> None:
        firsts = {a for rows in deals for a, place in rows.positions.items() if place == 1}
        ticked = Preference.objects.filter(membership=OuterRef("pk"), key=CO_SELLING, is_on=True)
        memberships = list(
            Membership.objects.filter(
                Q(pk__in=wanted)
                | Q(
                    Exists(ticked),
                    account__in=firsts,
                    is_active=True,
                    user__is_active=True,
                )
            ).select_related("user", "account")
        )
        self._people = load_people(memberships)
        self.counts = EmailCounts(memberships, now)
        self._ticked: dict[int, list[Person]] = defaultdict(list)
        for person in self._people.values():
            if person.active and any(person.ticked(c, CO_SELLING) for c in CHANNEL_KEYS):
                self._ticked[person.account_id].append(person)

    def get(self, membership_id: int | None) -> Person | None:
        person = self._people.get(membership_id or 0)
        if person is None:
            return None
        capped = self.counts.capped_topics(person.membership_id)
        return replace(person, capped_topics=capped) if capped else person

    def who_ticked(self, account_id: int | None) -> tuple[Person, ...]:
        return tuple(self._ticked.get(account_id or 0, ()))


def load_people(memberships: Iterable[Membership]) -> dict[int, Person]:
    """Return a Person per membership. `user`, `account` must be selected. 3 queries."""
    memberships = list(memberships)
    choices: dict[int, dict[tuple[str, str], bool]] = defaultdict(dict)
    for row in Preference.objects.filter(membership__in=memberships):
        choices[row.membership_id][row.channel, row.key] = row.is_on
    endpoints: dict[int, dict[str, tuple[str, ...]]] = defaultdict(dict)
    for endpoint in _endpoints(memberships):
        of_channel = endpoints[endpoint.membership_id]
        of_channel[endpoint.channel] = (*of_channel.get(endpoint.channel, ()), endpoint.key)
    emails = {m.user.email for m in memberships}
    suppressed = set(
        Suppression.objects.filter(address__in=emails).values_list("address", flat=True)
    )
    return {
        m.pk: Person(
            membership_id=m.pk,
            account_id=m.account_id,
            active=m.is_current,
            vendor_side=m.is_vendor_side,
            choices=choices[m.pk],
            suppressed=m.user.email in suppressed,
            endpoints=endpoints[m.pk],
        )
        for m in memberships
    }


def _endpoints(memberships: list[Membership]) -> QuerySet[Endpoint]:
    # Without their secrets, which are not needed here and cost a decryption each.
    rows = Endpoint.objects.filter(membership__in=memberships, disabled_at=None)
    return rows.only("membership_id", "channel", "key").order_by("pk")


def uncount_emails(deliveries: Iterable[Delivery]) -> None:
    """Give back what was counted for e-mails that never went (R71). Members must be selected."""
    for delivery in deliveries:
        if delivery.channel == EMAIL:
            member = delivery.notification.membership
            day = delivery.created_at.astimezone(ZoneInfo(member.user.timezone)).date()
            EmailCount.objects.filter(
                membership=member, topic=delivery.topic, day=day, count__gt=0
            ).update(count=F("count") - 1)


class EmailCounts:
    """R71: e-mails per member and topic on the member's present day. 1 query.

    Exact while the members' accounts are locked; `save` writes what was added.
    """

    def __init__(self, memberships: Iterable[Membership], now: datetime) -> None:
        self._days: dict[int, date] = {
            m.pk: now.astimezone(ZoneInfo(m.user.timezone)).date() for m in memberships
        }
        self._counts: dict[tuple[int, str], int] = {
            (row.membership_id, row.topic): row.count
            for row in EmailCount.objects.filter(
                membership__in=self._days, day__in=set(self._days.values())
            )
            if row.day == self._days[row.membership_id]
        }
        self._changed: set[tuple[int, str]] = set()

    def capped_topics(self, membership_id: int) -> frozenset[str]:
        cap = settings.EMAIL_DAILY_CAP
        return frozenset(
            topic for topic in TOPICS if self._counts.get((membership_id, topic), 0) >= cap
        )

    def add(self, membership_id: int, topic: str) -> None:
        key = (membership_id, topic)
        self._counts[key] = self._counts.get(key, 0) + 1
        self._changed.add(key)

    def save(self) -> None:
        EmailCount.objects.bulk_create(
            [
                EmailCount(
                    membership_id=membership_id,
                    topic=topic,
                    day=self._days[membership_id],
                    count=self._counts[membership_id, topic],
                )
                for membership_id, topic in sorted(self._changed)
            ],
            update_conflicts=True,
            unique_fields=["membership", "topic", "day"],
            update_fields=["count"],
        )
