"""What members decide about their own time. What waits already is looked at again."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.audit import record_change
from accounts.models import Membership
from notifications.audit import person_in_words
from notifications.channels import CHANNEL_KEYS
from notifications.delivery.waiting import reconsider
from notifications.models import Absence, Pace, QuietHours, Snooze
from partners.models import Lead


def paces_of(membership: Membership) -> list[Pace]:
    """Return the pace of each channel, of the default where the member chose none. 1 query."""
    known = {pace.channel: pace for pace in Pace.objects.filter(membership=membership)}
    return [
        known.get(channel) or Pace(membership=membership, channel=channel)
        for channel in CHANNEL_KEYS
    ]


def quiet_hours_of(membership: Membership) -> QuietHours:
    """Return the member's quiet hours; not stored yet: there are none. 1 query."""
    known = QuietHours.objects.filter(membership=membership).first()
    return known or QuietHours(membership=membership)


def today_of(membership: Membership) -> date:
    return timezone.now().astimezone(ZoneInfo(membership.user.timezone)).date()


def absence_of(membership: Membership) -> Absence:
    """Return the member's absence that lasts or lies ahead; not stored yet: none. 1 query."""
    rows = Absence.objects.select_related("deputy__user", "deputy__account")
    known = rows.filter(membership=membership, ends__gte=today_of(membership)).first()
    if known:
        known.membership = membership
    return known or Absence(membership=membership)


def has_begun(membership: Membership, absence: Absence) -> bool:
    return absence.begins <= today_of(membership)


def colleagues_of(membership: Membership) -> QuerySet[Membership]:
    """Return who may be the member's deputy."""
    members = Membership.objects.active().filter(account=membership.account_id)
    others = members.exclude(pk=membership.pk).select_related("user", "account")
    return others.order_by("user__name", "user__email")


@transaction.atomic
def save_absence(membership: Membership, absence: Absence | None) -> None:
    """Store when the member is away, and who is told meanwhile; None: not away."""
    before = absence_in_words(Absence.objects.filter(membership=membership).first())
    if absence is None:
        Absence.objects.filter(membership=membership).delete()
    else:
        days = {"begins": absence.begins, "ends": absence.ends, "deputy": absence.deputy}
        Absence.objects.update_or_create(membership=membership, defaults=days)
    if (after := absence_in_words(absence)) != before:
        record_change(
            membership.account,
            actor=membership.user,
            action="absence.changed",
            subject=membership.user.name_and_email,
            old=before,
            new=after,
        )
    reconsider(membership)


@transaction.atomic
def end_absence(membership: Membership) -> Absence | None:
    """End the member's absence now, or take back one that lies ahead; return what it was.
    None: there was none."""
    absence = absence_of(membership)
    if absence.pk is None:
        return None
    save_absence(membership, None)
    return absence


def absence_in_words(absence: Absence | None) -> str:
    if absence is None:
        return ""
    days = f"{absence.begins:%Y-%m-%d} – {absence.ends:%Y-%m-%d}"
    deputy = person_in_words(absence.deputy)
    return f"{days} · {deputy}" if deputy else days


@transaction.atomic
def save_when(membership: Membership, paces: Iterable[Pace], quiet: QuietHours | None) -> None:
    """Store what the member chose; `quiet` None: no quiet hours."""
    for pace in paces:
        Pace.objects.update_or_create(
            membership=membership,
            channel=pace.channel,
            defaults={
                "every": pace.every,
                "at": pace.at,
                "weekday": pace.weekday,
                "at_any_hour": pace.at_any_hour,
                "most": pace.most,
            },
        )
    if quiet is None:
        QuietHours.objects.filter(membership=membership).delete()
    else:
        QuietHours.objects.update_or_create(
            membership=membership,
            defaults={
                "begins": quiet.begins,
                "ends": quiet.ends,
                "days": quiet.days,
                "country": quiet.country,
            },
        )
    reconsider(membership)


@transaction.atomic
def snooze(membership: Membership, until: datetime, lead: Lead | None = None) -> datetime:
    """Keep this lead, or everything, from the member until then, or longer if it was to be kept
    longer already; return until when. Nobody else notices."""
    # Locked: another click may lengthen it meanwhile, or end it.
    row, _made = Snooze.objects.select_for_update().get_or_create(
        membership=membership, lead=lead, defaults={"until": until}
    )
    if row.until < until:
        row.until = until
        row.save(update_fields=["until"])
    reconsider(membership)
    return row.until


@transaction.atomic
def wake(membership: Membership, lead: Lead | None = None) -> None:
    """End the snooze now; what it kept back goes out."""
    Snooze.objects.filter(membership=membership, lead=lead).delete()
    reconsider(membership)
