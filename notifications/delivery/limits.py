"""Who has disturbed a member today, and what has to wait for that (limits.py).

Counted when a message is about to go, not when it is decided: what is gathered until an hour
comes disturbs once. The member's row is held meanwhile, so that several workers count one after
another; what has been counted goes, however often it is tried.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction

from accounts.models import Membership
from notifications.limits import Ask, who_waits
from notifications.models import Delivery
from notifications.timing import Rhythm, rest_comes_at
from partners.bulk import update_rows

# A member, a channel, and a day of the member's calendar.
Place = tuple[int, str, date]


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A delivery that may go now but for a limit, with what it carries."""

    delivery: Delivery
    carried: Sequence[Delivery]
    rhythm: Rhythm

    @property
    def everything(self) -> tuple[Delivery, ...]:
        return (self.delivery, *self.carried)

    @property
    def most(self) -> int | None:
        return self.rhythm.pace(self.delivery.channel).most

    @property
    def ask(self) -> Ask:
        return Ask(
            delivery_id=self.delivery.pk,
            notification_id=self.delivery.notification_id,
            strength=max(delivery.notification.strength for delivery in self.everything),
        )

    def place(self, now: datetime) -> Place:
        today = now.astimezone(self.rhythm.zone).date()
        return self.delivery.notification.membership_id, self.delivery.channel, today

    def is_limited(self, now: datetime) -> bool:
        """Not: the bell, what the member or a person sends by hand, a warning, what has been
        counted, and what was held before and its morning has come."""
        delivery = self.delivery
        if self.most is None or delivery.is_bell or delivery.replay or delivery.counted_on:
            return False
        if delivery.waits_for == Delivery.WaitsFor.NOW or delivery.notification.notice:
            return False
        pace = self.rhythm.pace(delivery.channel)
        return not any(
            other.held_on and rest_comes_at(pace, other.held_on, self.rhythm.zone) <= now
            for other in self.everything
        )


def hold(candidates: Iterable[Candidate], now: datetime) -> Mapping[int, date]:
    """Return the deliveries that have to wait, with the day whose limit was reached.

    Counts the others. 3 queries if somebody has a limit, else none.
    """
    limited = [candidate for candidate in candidates if candidate.is_limited(now)]
    return _hold(limited, now) if limited else {}


@transaction.atomic
def _hold(limited: Sequence[Candidate], now: datetime) -> Mapping[int, date]:
    places: dict[Place, list[Candidate]] = defaultdict(list)
    for candidate in limited:
        places[candidate.place(now)].append(candidate)
    members = sorted({member for member, _channel, _day in places})
    locked = Membership.objects.select_for_update(no_key=True).only("pk").order_by("pk")
    list(locked.filter(pk__in=members))
    told = _told(places, {candidate.delivery.account_id for candidate in limited})
    held: dict[int, date] = {}
    for place, asking in places.items():
        waits = who_waits([c.ask for c in asking], asking[0].most or 0, told[place])
        held |= dict.fromkeys(waits, place[2])
    update_rows(Delivery, [_marked(c.delivery, held, c.place(now)[2]) for c in limited])
    return held


def _told(places: Iterable[Place], accounts: Iterable[int]) -> Mapping[Place, set[int]]:
    """Return the notifications that have disturbed on these days. 1 query."""
    rows = Delivery.objects.filter(
        account__in=set(accounts),
        counted_on__in={day for _member, _channel, day in places},
        notification__membership__in={member for member, _channel, _day in places},
    ).exclude(state__in=Delivery.NOT_ARRIVED)  # What never came disturbed nobody.
    told: dict[Place, set[int]] = defaultdict(set)
    fields = ("notification__membership", "channel", "counted_on", "notification")
    for member, channel, day, notification_id in rows.values_list(*fields):
        told[member, channel, day].add(notification_id)
    return told


def _marked(delivery: Delivery, held: Mapping[int, date], today: date) -> dict[str, object]:
    is_held = delivery.pk in held
    return {
        "id": delivery.pk,
        "counted_on": None if is_held else today,
        "held_on": today if is_held else delivery.held_on,
    }
