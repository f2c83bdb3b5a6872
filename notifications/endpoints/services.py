"""What people do with endpoints. Each change is written down: the host, never a secret."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from accounts.audit import on_off, record_change
from accounts.models import Membership, User
from notifications.channels import OTHER_APPS
from notifications.channels.webhook import former_until, make_secrets, renew
from notifications.delivery.health import begin_anew
from notifications.doorbell import ring_after_commit
from notifications.models import Delivery, Endpoint, EndpointHealth

# Of one member on one channel.
MOST = 10


class TooManyError(Exception):
    """The member has MOST endpoints on this channel."""


class KnownAddressError(Exception):
    """The member has this address already: it would get everything twice."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(name)


class RenewedAlreadyError(Exception):
    """Two secrets sign; a third would end the one that the receiver may still know only."""


@transaction.atomic
def add_webhook(membership: Membership, *, name: str, address: str, never_twice: bool) -> Endpoint:
    """Raises TooManyError, KnownAddressError."""
    lock_member(membership)
    own = Endpoint.objects.filter(membership=membership, channel=OTHER_APPS)
    _refuse_known(own, address)
    if own.count() >= MOST:
        raise TooManyError
    fresh: Any = make_secrets()
    endpoint = Endpoint.objects.create(
        membership=membership,
        channel=OTHER_APPS,
        name=name,
        address=address,
        secrets=fresh,
        never_twice=never_twice,
    )
    _write_down(membership.user, endpoint, "added", new=endpoint.host)
    return endpoint


@transaction.atomic
def change_webhook(endpoint: Endpoint, *, name: str, address: str, never_twice: bool) -> None:
    """Another address begins with a clean slate. Raises KnownAddressError."""
    lock_member(endpoint.membership)
    own = Endpoint.objects.filter(membership=endpoint.membership_id, channel=endpoint.channel)
    _refuse_known(own.exclude(pk=endpoint.pk), address)
    actor, old_host, moved = endpoint.membership.user, endpoint.host, address != endpoint.address
    if never_twice != endpoint.never_twice:
        old, new = on_off(endpoint.never_twice), on_off(never_twice)
        _write_down(actor, endpoint, "never_twice", old=old, new=new)
    if name != endpoint.name:
        _write_down(actor, endpoint, "name", old=endpoint.name, new=name)
    endpoint.name, endpoint.address, endpoint.never_twice = name, address, never_twice
    endpoint.save(update_fields=["name", "address", "never_twice"])
    if moved:
        _write_down(actor, endpoint, "address", old=old_host, new=endpoint.host)
        _look_again(endpoint)


@transaction.atomic
def switch_off(endpoint: Endpoint, *, actor: User) -> bool:
    """Send nothing more there; what waits is withheld at once. False: it was off."""
    is_own = actor == endpoint.membership.user
    why = Endpoint.Why.OWNER if is_own else Endpoint.Why.OPERATOR
    rows = Endpoint.objects.filter(pk=endpoint.pk, disabled_at=None)
    if not rows.update(disabled_at=timezone.now(), disabled_because=why):
        return False
    _write_down(actor, endpoint, "switched_off", old=endpoint.host)
    _look_again(endpoint)
    return True


@transaction.atomic
def switch_on(endpoint: Endpoint, *, actor: User) -> bool:
    """Begin anew, whatever happened before. False: it was on."""
    rows = Endpoint.objects.filter(pk=endpoint.pk).exclude(disabled_at=None)
    if not rows.update(disabled_at=None, disabled_because=""):
        return False
    _write_down(actor, endpoint, "switched_on", new=endpoint.host)
    _look_again(endpoint)
    return True


@transaction.atomic
def renew_secret(endpoint: Endpoint) -> None:
    """Make a new signing secret; for a day the one until now signs as well.

    Raises RenewedAlreadyError.
    """
    row = Endpoint.objects.select_for_update(of=("self",)).get(pk=endpoint.pk)
    if former_until(row.secrets):
        raise RenewedAlreadyError
    row.secrets = renew(row.secrets)
    row.save(update_fields=["secrets"])
    _write_down(endpoint.membership.user, endpoint, "new_secret", new=endpoint.host)


@transaction.atomic
def remove(endpoint: Endpoint) -> None:
    _write_down(endpoint.membership.user, endpoint, "removed", old=endpoint.host)
    _forget(endpoint)


def forget_all(endpoints: Iterable[Endpoint]) -> None:
    """Let them go with their members, who are written down. In a transaction.

    `membership` must be selected.
    """
    for endpoint in endpoints:
        _forget(endpoint)


def _forget(endpoint: Endpoint) -> None:
    """Delete the endpoint with its secrets; what waits for it ends at once."""
    _look_again(endpoint)
    EndpointHealth.objects.filter(channel=endpoint.channel, endpoint_key=endpoint.key).delete()
    Endpoint.objects.filter(pk=endpoint.pk).delete()


def lock_member(membership: Membership) -> None:
    """Hold the member until commit: two changes at once queue up."""
    Membership.objects.select_for_update(no_key=True).get(pk=membership.pk)


def _refuse_known(others: QuerySet[Endpoint], address: str) -> None:
    if known := others.filter(address=address).first():
        raise KnownAddressError(known.name)


def _look_again(endpoint: Endpoint) -> None:
    """Let a worker see at once what the change means for the messages that wait."""
    begin_anew(endpoint)
    waiting_for(endpoint).filter(not_before__gt=Now()).update(not_before=Now())
    ring_after_commit(endpoint.channel)


def waiting_for(endpoint: Endpoint) -> QuerySet[Delivery]:
    return Delivery.objects.filter(
        channel=endpoint.channel,
        account=endpoint.membership.account_id,
        endpoint_key=endpoint.key,
        state=Delivery.State.PENDING,
    )


def _write_down(
    actor: User, endpoint: Endpoint, action: str, *, old: str = "", new: str = ""
) -> None:
    record_change(
        endpoint.membership.account,
        actor=actor,
        action=f"endpoints.{action}",
        subject=endpoint.name,
        old=old,
        new=new,
    )
