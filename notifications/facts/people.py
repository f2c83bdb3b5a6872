"""The members who may be told: their choices, limits, endpoints and suppressed addresses."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from allauth.account.models import EmailAddress
from django.conf import settings
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from accounts.models import Membership
from notifications.channels import CHANNEL_KEYS, EMAIL
from notifications.eligibility import Away, Person, Place, Source, Wish
from notifications.facts.deals import DealRows
from notifications.facts.wishes import load_wishes
from notifications.models import (
    Absence,
    Delivery,
    EmailCount,
    Endpoint,
    Preference,
    Suppression,
)
from notifications.topics import CO_SELLING, TOPICS


class People:
    """Every member who may be told, with wishes, limits and endpoints, and their deputies. 10
    queries, and one more if there are profiles."""

    def __init__(self, wanted: set[int], deals: Iterable[DealRows], now: datetime) -> None:
        firsts = {a for rows in deals for a, place in rows.positions.items() if place == 1}
        # Their own ticks: who has the topic from a profile alone has asked for nothing.
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
        memberships += deputies_of(memberships, now)
        self._people = load_people(memberships)
        self.counts = EmailCounts(memberships, now)
        self._ticked: dict[int, list[Person]] = defaultdict(list)
        own_tick = Wish(is_on=True, source=Source.OWN)
        for person in self._people.values():
            if person.active and any(person.wish(c, CO_SELLING) == own_tick for c in CHANNEL_KEYS):
                self._ticked[person.account_id].append(person)

    def get(self, membership_id: int | None) -> Person | None:
        person = self._people.get(membership_id or 0)
        if person is None:
            return None
        capped = self.counts.capped_topics(person.membership_id)
        return replace(person, capped_topics=capped) if capped else person

    def deputy_of(self, person: Person | None) -> Person | None:
        """Return whom somebody who is away has named."""
        return self.get(person.away.deputy) if person and person.away else None

    def who_ticked(self, account_id: int | None) -> tuple[Person, ...]:
        return tuple(self._ticked.get(account_id or 0, ()))


def load_people(memberships: Iterable[Membership]) -> dict[int, Person]:
    """Return a Person per membership. `user`, `account` must be selected.

    7 queries, and one more if there are profiles.
    """
    memberships = list(memberships)
    wishes = load_wishes(memberships)
    places: dict[int, dict[str, tuple[Place, ...]]] = defaultdict(dict)
    for endpoint in _endpoints(memberships):
        of_member, channel = places[endpoint.membership_id], endpoint.channel
        of_member[channel] = (*of_member.get(channel, ()), _place(endpoint))
    away = load_away(memberships, timezone.now())
    emails = {m.user.email for m in memberships}
    suppressed = set(
        Suppression.objects.filter(address__in=emails).values_list("address", flat=True)
    )
    verified = set(
        EmailAddress.objects.filter(email__in=emails, verified=True).values_list("email", flat=True)
    )
    return {
        m.pk: Person(
            membership_id=m.pk,
            account_id=m.account_id,
            active=m.is_current,
            vendor_side=m.is_vendor_side,
            choices=wishes[m.pk].choices,
            profile=wishes[m.pk].profile,
            unsubscribed=wishes[m.pk].unsubscribed,
            suppressed=m.user.email in suppressed,
            verified=m.user.email in verified,
            places=places[m.pk],
            away=away.get(m.pk),
        )
        for m in memberships
    }


def load_away(memberships: Iterable[Membership], now: datetime) -> dict[int, Away]:
    """Return who of them is away. `user` must be selected. 1 query."""
    members = {member.pk: member for member in memberships}
    return {
        row.membership_id: Away(until=row.ends, deputy=row.deputy_id)
        for row in _absences(members.values(), now)
        if row.begins <= _today(members[row.membership_id], now) <= row.ends
    }


def deputies_of(memberships: Iterable[Membership], now: datetime) -> list[Membership]:
    """Return those whom the ones who are away have named, and who are not among them. 1 query."""
    memberships = list(memberships)
    named = _absences(memberships, now).filter(deputy__isnull=False).values("deputy")
    others = Membership.objects.exclude(pk__in=[member.pk for member in memberships])
    return list(others.filter(pk__in=named).select_related("user", "account"))


def _absences(memberships: Iterable[Membership], now: datetime) -> QuerySet[Absence]:
    """The day it is somewhere: which one, the member's zone says."""
    day, spread = now.date(), timedelta(days=1)
    return Absence.objects.filter(
        membership__in=list(memberships), begins__lte=day + spread, ends__gte=day - spread
    )


def _today(member: Membership, now: datetime) -> date:
    return now.astimezone(ZoneInfo(member.user.timezone)).date()


def _endpoints(memberships: list[Membership]) -> QuerySet[Endpoint]:
    # Without their secrets, which are not needed here and cost a decryption each.
    rows = Endpoint.objects.filter(membership__in=memberships, disabled_at=None)
    fields = ("membership_id", "channel", "key", "kind", "topics_off")
    return rows.only(*fields).order_by("pk")


def _place(endpoint: Endpoint) -> Place:
    topics_off = frozenset(endpoint.topics_off)
    return Place(key=endpoint.key, kind=endpoint.kind, topics_off=topics_off)


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
    """R71: e-mails per topic on the present day of the person, whose address all of their
    memberships share. 1 query.

    Exact while the members' accounts are locked; of who is in several accounts, as exact as the
    moment allows. `save` writes what was added.
    """

    def __init__(self, memberships: Iterable[Membership], now: datetime) -> None:
        members = list(memberships)
        self._users = {member.pk: member.user_id for member in members}
        days = {m.user_id: now.astimezone(ZoneInfo(m.user.timezone)).date() for m in members}
        self._days: dict[int, date] = {m.pk: days[m.user_id] for m in members}
        self._counts: Counter[tuple[int, str]] = Counter()
        self._of_users: Counter[tuple[int, str]] = Counter()
        rows = EmailCount.objects.filter(membership__user__in=days, day__in=set(days.values()))
        fields = ("membership", "membership__user", "topic", "day", "count")
        for member_id, user_id, topic, day, count in rows.values_list(*fields):
            if day == days[user_id]:
                self._counts[member_id, topic] = count
                self._of_users[user_id, topic] += count
        self._changed: set[tuple[int, str]] = set()

    def capped_topics(self, membership_id: int) -> frozenset[str]:
        user, cap = self._users[membership_id], settings.EMAIL_DAILY_CAP
        return frozenset(topic for topic in TOPICS if self._of_users[user, topic] >= cap)

    def user_of(self, membership_id: int) -> int:
        return self._users[membership_id]

    def day_of(self, membership_id: int) -> date:
        return self._days[membership_id]

    def add(self, membership_id: int, topic: str) -> None:
        self._counts[membership_id, topic] += 1
        self._of_users[self._users[membership_id], topic] += 1
        self._changed.add((membership_id, topic))

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
