"""What waits, in words: "2 e-mails until Mon 09:00", "waits for the next digest, Mon 09:00"."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Count, Q, QuerySet
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Membership
from accounts.templatetags.moments import due
from notifications.delivery.waiting import waiting_of
from notifications.models import Delivery, Pace, Snooze
from notifications.timing import WaitsFor, morning_after
from notifications.words import channel_label
from partners.models import Lead


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """Notifications that will come as one message."""

    channel: str
    count: int
    until: datetime
    why: str


def waiting_messages(membership: Membership) -> Sequence[Waiting]:
    """Return what waits for the member's hour, soonest first. 1 query, and one more
    if a limit holds something back."""
    gathered = Count("carried", filter=Q(carried__state=Delivery.State.GATHERED))
    waiting = list(waiting_of(membership).annotate(gathered=gathered))
    limits = _limits_of(membership) if any(d.waits_for == WaitsFor.LIMIT for d in waiting) else {}
    return [
        Waiting(
            channel=channel_label(delivery.channel),
            count=delivery.gathered + 1,
            until=delivery.not_before,
            why=_why(delivery, limits.get(delivery.channel)),
        )
        for delivery in waiting
    ]


def _limits_of(membership: Membership) -> dict[str, int | None]:
    return dict(Pace.objects.filter(membership=membership).values_list("channel", "most"))


def _why(delivery: Delivery, most: int | None) -> str:
    if delivery.waits_for == WaitsFor.LIMIT and most:
        return _("your limit of %(most)d a day was reached") % {"most": most}
    return delivery.get_waits_for_display()


def wait_words(delivery: Delivery, most: int | None = None) -> str:
    """Return what a message waits for and until when, in the reader's zone; empty: for nothing
    but a worker. `carrier` selected; `most`: its member's limit of messages a day."""
    first = _held_back(delivery)
    if first is None:
        return ""
    until = {"until": due(first.not_before)}
    if _was_taken(first):
        return _("waits for the next try, %(until)s") % until
    if first.waits_for == WaitsFor.LIMIT:
        return _("%(why)s; held until %(until)s") % {"why": limit_words(most), **until}
    if _is_members_hour(first):
        what = first.get_waits_for_display()
        return _("waits for %(what)s, %(until)s") % {"what": what, **until}
    return _("waits until %(until)s") % until


def waits_for_member(delivery: Delivery) -> bool:
    """Whether its member's own wishes keep it back, so that they can send it now.
    `carrier` selected."""
    first = _held_back(delivery)
    return first is not None and _is_members_hour(first) and not _was_taken(first)


def _held_back(delivery: Delivery) -> Delivery | None:
    """Return what may not go yet: the delivery, or the one in which it is told."""
    first = delivery.carrier if delivery.state == Delivery.State.GATHERED else delivery
    waits = first and first.state == Delivery.State.PENDING and first.not_before > timezone.now()
    return first if waits else None


def _was_taken(delivery: Delivery) -> bool:
    """Whether its hour had come: a try failed, or its endpoint is left alone."""
    return bool(delivery.starts or delivery.failures or delivery.detail)


def _is_members_hour(delivery: Delivery) -> bool:
    return delivery.waits_for not in ("", WaitsFor.NOW)


def limit_words(most: int | None) -> str:
    if most:
        return _("the limit of %(most)d a day was reached") % {"most": most}
    return _("the limit of a day was reached")


def snooze_of(membership: Membership, lead: Lead | None = None) -> Snooze | None:
    """Return what keeps this lead, or everything, from the member now. 1 query."""
    return snoozes_now().filter(membership=membership, lead=lead).first()


def snoozes_now() -> QuerySet[Snooze]:
    return Snooze.objects.filter(until__gt=timezone.now())


HOUR, TOMORROW, MONDAY, WEEK, MONTH = "hour", "tomorrow", "monday", "week", "month"
OF_EVERYTHING = (HOUR, TOMORROW, MONDAY)
OF_A_LEAD = (TOMORROW, WEEK, MONTH)
_LABELS: Mapping[str, str | Promise] = {
    HOUR: gettext_lazy("For an hour"),
    TOMORROW: gettext_lazy("Until tomorrow morning"),
    MONDAY: gettext_lazy("Until Monday morning"),
    WEEK: gettext_lazy("For a week"),
    MONTH: gettext_lazy("For 30 days"),
}


def span_choices(keys: Iterable[str]) -> list[tuple[str, str]]:
    return [(key, str(_LABELS[key])) for key in keys]


def span_end(key: str, allowed: Iterable[str], membership: Membership) -> datetime | None:
    """Return when the chosen span ends for this member; None: there is no such choice."""
    if key not in allowed:
        return None
    now, zone = timezone.now(), ZoneInfo(membership.user.timezone)
    if key == HOUR:
        return now + timedelta(hours=1)
    if key == MONDAY:
        return morning_after(now, zone, weekday=0)
    return morning_after(now, zone, days={TOMORROW: 1, WEEK: 7, MONTH: 30}[key])
