"""Browsers that take pushes: one person's, as long as that person is signed in there.

A browser has one subscription, whatever its tabs show. It serves every account of the person
who added it, and nobody else: who signs in there next takes it away from the one before.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import Membership, User
from notifications.channels import PUSH_CHANNELS
from notifications.delivery.health import lock_health
from notifications.endpoints.browsers import Subscription
from notifications.endpoints.services import (
    MOST,
    TooManyError,
    forget_all,
    lock_member,
    look_again,
    remove,
    write_down,
)
from notifications.models import Endpoint

# Where a session keeps which endpoint its browser is.
SESSION_KEY = "device"


def devices_of(user: User) -> QuerySet[Endpoint]:
    rows = Endpoint.objects.filter(membership__user=user, channel__in=PUSH_CHANNELS)
    return rows.select_related("membership__user", "membership__account").order_by("pk")


@transaction.atomic
def add_device(
    membership: Membership, *, channel: str, subscription: Subscription, name: str
) -> Endpoint:
    """Send the member's messages of this channel to the browser. Raises TooManyError.

    One that is known is only seen again; one of the other channel changes over.
    """
    lock_member(membership)
    _lock_all({subscription.address})
    _take_from_others(membership.user, subscription)
    own = Endpoint.objects.filter(membership=membership, channel__in=PUSH_CHANNELS)
    for known in own.filter(address=subscription.address).select_related("membership__account"):
        if known.channel == channel:
            return _see(known, subscription)
        remove(known)
    names = list(own.filter(channel=channel).values_list("name", flat=True))
    if len(names) >= MOST:
        raise TooManyError
    keys: Any = dict(subscription.keys)
    endpoint = Endpoint.objects.create(
        membership=membership,
        channel=channel,
        name=_free_name(name, names),
        address=subscription.address,
        secrets=keys,
        seen_at=timezone.now(),
    )
    write_down(membership.user, endpoint, "added", new=endpoint.host)
    return endpoint


@transaction.atomic
def follow_device(user: User, subscription: Subscription, *, former: str = "") -> list[Endpoint]:
    """Note what the browser of this user subscribes to now, and return the user's own there.

    `former`: its address until now, when the push service or our key changed it. Whoever
    else used this browser is signed out of it: their messages come here no more.
    """
    addresses = {subscription.address, former} - {""}
    _lock_all(addresses)
    _take_from_others(user, subscription)
    rows = devices_of(user).filter(address__in=addresses)
    found: dict[int, Endpoint] = {}
    # The present address first: beside it, a former one of the same member has had its day.
    for endpoint in sorted(rows, key=lambda row: row.address == former):
        if endpoint.membership_id in found:
            forget_all([endpoint])
        else:
            found[endpoint.membership_id] = _see(endpoint, subscription)
    return list(found.values())


@transaction.atomic
def sign_out(user: User, key: str) -> None:
    """Take the browser that has the endpoint with this key away from the user."""
    addresses = devices_of(user).filter(key=key).values("address")
    for endpoint in devices_of(user).filter(address__in=addresses):
        remove(endpoint)


def forget_devices(memberships: Iterable[Membership]) -> None:
    """Let the browsers go with their members, who are written down. In a transaction."""
    rows = Endpoint.objects.filter(membership__in=memberships, channel__in=PUSH_CHANNELS)
    forget_all(rows.select_related("membership"))


def _lock_all(addresses: Collection[str]) -> None:
    """Hold whatever browsers have these addresses, whosever they are, before they are read."""
    rows = Endpoint.objects.filter(address__in=addresses, channel__in=PUSH_CHANNELS)
    for endpoint in rows.order_by("pk"):
        lock_health(endpoint)


def _take_from_others(user: User, subscription: Subscription) -> None:
    others = Endpoint.objects.filter(address=subscription.address, channel__in=PUSH_CHANNELS)
    for endpoint in others.exclude(membership__user=user).select_related("membership__account"):
        remove(endpoint, action="left")


def _see(endpoint: Endpoint, subscription: Subscription) -> Endpoint:
    """Note that the browser is there. A new subscription begins anew, as a new address does."""
    fresh = (subscription.address, dict(subscription.keys))
    is_new = fresh != (endpoint.address, endpoint.secrets)
    endpoint.address, endpoint.secrets = fresh
    endpoint.seen_at = timezone.now()
    if is_new and endpoint.disabled_because == Endpoint.Why.SILENT:
        endpoint.disabled_at, endpoint.disabled_because = None, ""
    endpoint.save(
        update_fields=["address", "secrets", "seen_at", "disabled_at", "disabled_because"]
    )
    if is_new:
        look_again(endpoint)
    return endpoint


def _free_name(name: str, taken: Collection[str]) -> str:
    """Return the name, numbered if there is one like it already."""
    possible = (name if n == 1 else f"{name} {n}" for n in range(1, len(taken) + 2))
    return next(found for found in possible if found not in taken)
