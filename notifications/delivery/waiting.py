"""What waits for its member's hour, and is then told together (timing.py).

A delivery that has to wait carries the others that wait for the same moment at the same
place: they are `gathered`, can be claimed by nobody, and share what becomes of their carrier.
So a digest goes out once, whoever looks, and however often. docs/decisions/0011-waiting.md.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from itertools import groupby

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from accounts.models import Membership
from notifications.doorbell import ring_after_commit
from notifications.models import Delivery
from notifications.timing import Wait, WaitsFor


@transaction.atomic
def wait_together(deliveries: Sequence[Delivery], token: uuid.UUID, wait: Wait) -> None:
    """Put off deliveries to one place of one member: one waits and carries the others.

    The member's row is held meanwhile, so that two workers do not make two carriers.
    """
    member_id = deliveries[0].notification.membership_id
    Membership.objects.select_for_update(no_key=True).only("pk").get(pk=member_id)
    mine = Delivery.objects.filter(lease_token=token, state=Delivery.State.LEASED)
    back = {"lease_token": None, "lease_until": None, "waits_for": wait.waits_for.value}
    carrier_id = _carrier(deliveries[0], member_id, wait)
    now = timezone.now()
    for delivery in deliveries:
        # Then it is as old as now: a wait is no outage, and ends none.
        ages_from = wait.until - delivery.age(now)
        carried = Delivery.objects.filter(carrier=delivery)
        # What was tried may be known already by its own id: it stays a message of its own.
        if carrier_id and not delivery.starts:
            if mine.filter(pk=delivery.pk).update(
                state=Delivery.State.GATHERED, carrier=carrier_id, ages_from=ages_from, **back
            ):
                carried.update(carrier=carrier_id, ages_from=ages_from)
            continue
        kept = mine.filter(pk=delivery.pk).update(
            state=Delivery.State.PENDING, not_before=wait.until, ages_from=ages_from, **back
        )
        if kept and delivery.waits_for:
            carried.update(ages_from=ages_from)
        if kept and not delivery.starts:
            carrier_id = delivery.pk


def _carrier(delivery: Delivery, member_id: int, wait: Wait) -> int | None:
    """Return what waits for the same moment at the same place, locked: it cannot leave now."""
    waiting = Delivery.objects.filter(
        channel=delivery.channel,
        account=delivery.account_id,
        not_before=wait.until,
        endpoint_key=delivery.endpoint_key,
        notification__membership=member_id,
        state=Delivery.State.PENDING,
        starts=0,
        replay=0,
    ).exclude(waits_for="")
    locked = waiting.select_for_update(of=("self",), no_key=True).order_by("pk")
    return locked.values_list("pk", flat=True).first()


def share_outcome(carrier: Delivery) -> list[Delivery]:
    """Let what the delivery carries end as it did, and return it. Inside its transaction."""
    if not carrier.waits_for:
        return []
    end = Delivery.objects.values("state", "reason", "detail", "done_at").get(pk=carrier.pk)
    if end["state"] not in (*Delivery.FINAL, Delivery.State.UNKNOWN):
        return []
    gathered = Delivery.objects.filter(carrier=carrier, state=Delivery.State.GATHERED)
    carried = list(gathered.select_related("notification__membership__user"))
    gathered.update(**end)
    return carried


def pass_on(carrier: Delivery) -> None:
    """Let another one carry what this one did: it was stopped itself. Inside its transaction."""
    if carrier.waits_for:
        _let_others_carry(Q(carrier=carrier))


@transaction.atomic
def pass_on_lost() -> int:
    """Find a new carrier for what lost its own: that was cancelled or removed meanwhile."""
    return _let_others_carry(Q(carrier=None) | Q(carrier__state__in=Delivery.FINAL))


def _let_others_carry(lost: Q) -> int:
    gathered = Delivery.objects.filter(lost, state=Delivery.State.GATHERED)
    places = ("carrier", "notification__membership", "channel", "endpoint_key")
    free = gathered.select_for_update(of=("self",), skip_locked=True, no_key=True)
    rows = list(free.order_by(*places, "pk").values_list("pk", *places))
    for _place, group in groupby(rows, key=lambda row: row[1:]):
        first, *others = [row[0] for row in group]
        Delivery.objects.filter(pk=first).update(
            state=Delivery.State.PENDING, carrier=None, not_before=Now()
        )
        Delivery.objects.filter(pk__in=others).update(carrier=first)
    return len(rows)


# --- The member's own word ------------------------------------------------------------


def waiting_of(membership: Membership) -> QuerySet[Delivery]:
    """Return what waits for this member's hour, soonest first."""
    return (
        Delivery.objects.filter(
            account=membership.account_id,
            notification__membership=membership,
            state=Delivery.State.PENDING,
            not_before__gt=Now(),
        )
        .exclude(waits_for__in=("", WaitsFor.NOW))
        .order_by("not_before", "pk")
    )


@transaction.atomic
def send_now(membership: Membership) -> int:
    """Send what waits at once; return how many messages that are."""
    return _look_again(membership, waits_for=WaitsFor.NOW.value)


@transaction.atomic
def reconsider(membership: Membership) -> None:
    """Let what waits be looked at again: the member wants it otherwise."""
    _look_again(membership, waits_for=F("waits_for"))


def _look_again(membership: Membership, *, waits_for: object) -> int:
    # Said by id: the rows are looked for by their notification.
    waiting = waiting_of(membership).select_for_update(of=("self",), no_key=True)
    rows = list(waiting.values_list("pk", "channel"))
    changed = Delivery.objects.filter(
        pk__in=[pk for pk, _channel in rows], state=Delivery.State.PENDING
    ).update(not_before=Now(), waits_for=waits_for)
    for channel in {channel for _pk, channel in rows}:
        ring_after_commit(channel)
    return changed
