"""What people do with endpoints. Each change is written down: the host, never a secret."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from accounts.audit import on_off, record_change
from accounts.models import Membership, User
from notifications.channels import CHAT_KEYS, OTHER_APPS, chat, webhook
from notifications.delivery.health import begin_anew, lock_health
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
def add_app(
    membership: Membership, *, kind: str, name: str, address: str, **more: bool
) -> Endpoint:
    """`more`: `never_twice` and `teaser`. Raises TooManyError, KnownAddressError."""
    lock_member(membership)
    own = Endpoint.objects.filter(membership=membership, channel=OTHER_APPS)
    _refuse_known(own, address)
    if own.count() >= MOST:
        raise TooManyError
    shown, fresh = _parts_of(kind, address)
    endpoint = Endpoint.objects.create(
        membership=membership,
        channel=OTHER_APPS,
        kind=kind,
        name=name,
        address=shown,
        secrets=fresh,
        **more,
    )
    write_down(membership.user, endpoint, "added", new=endpoint.host)
    return endpoint


def _parts_of(kind: str, address: str) -> tuple[str, Any]:
    """Return what may be seen of an address, and the secrets that belong to it."""
    if kind in CHAT_KEYS:
        return chat.shown_address(address), chat.make_secrets(address)
    return address, webhook.make_secrets()


@transaction.atomic
def change_app(endpoint: Endpoint, *, name: str, address: str, **more: bool) -> None:
    """Another address begins with a clean slate; an empty one stays. Raises KnownAddressError.

    `more`: `never_twice` and `teaser`.
    """
    lock_member(endpoint.membership)
    own = Endpoint.objects.filter(membership=endpoint.membership_id, channel=endpoint.channel)
    _refuse_known(own.exclude(pk=endpoint.pk), address)
    actor, old_host = endpoint.membership.user, endpoint.host
    moved = bool(address) and address != endpoint.sends_to
    if moved:
        lock_health(endpoint)
    for field, is_on in more.items():
        if is_on != getattr(endpoint, field):
            old, new = on_off(not is_on), on_off(is_on)
            write_down(actor, endpoint, field, old=old, new=new)
            setattr(endpoint, field, is_on)
    rename(endpoint, name)
    if moved:
        endpoint.address, fresh = _parts_of(endpoint.kind, address)
        # What signs a webhook stays: its receiver knows it.
        endpoint.secrets = fresh if endpoint.kind in CHAT_KEYS else endpoint.secrets
    endpoint.save(update_fields=["address", "secrets", *more])
    if moved:
        write_down(actor, endpoint, "address", old=old_host, new=endpoint.host)
        look_again(endpoint)


@transaction.atomic
def choose_topics(endpoint: Endpoint, ticked: Collection[str], among: Iterable[str]) -> None:
    """Send those of the topics `among` there that are ticked; the others stay as they are."""
    row = Endpoint.objects.select_for_update(of=("self",)).get(pk=endpoint.pk)
    for key in among:
        was, is_on = key not in row.topics_off, key in ticked
        if was == is_on:
            continue
        row.topics_off = sorted({*row.topics_off} - {key} if is_on else {*row.topics_off, key})
        write_down(
            endpoint.membership.user,
            endpoint,
            "topic",
            old=f"{key} {on_off(was)}",
            new=f"{key} {on_off(is_on)}",
        )
    row.save(update_fields=["topics_off"])


@transaction.atomic
def switch_off(endpoint: Endpoint, *, actor: User) -> bool:
    """Send nothing more there; what waits is withheld at once. False: it was off."""
    is_own = actor == endpoint.membership.user
    why = Endpoint.Why.OWNER if is_own else Endpoint.Why.OPERATOR
    lock_health(endpoint)
    rows = Endpoint.objects.filter(pk=endpoint.pk, disabled_at=None)
    if not rows.update(disabled_at=Now(), disabled_because=why):
        return False
    write_down(actor, endpoint, "switched_off", old=endpoint.host)
    look_again(endpoint)
    return True


@transaction.atomic
def switch_on(endpoint: Endpoint, *, actor: User) -> bool:
    """Begin anew, whatever happened before. False: it was on."""
    lock_health(endpoint)
    rows = Endpoint.objects.filter(pk=endpoint.pk).exclude(disabled_at=None)
    if not rows.update(disabled_at=None, disabled_because=""):
        return False
    write_down(actor, endpoint, "switched_on", new=endpoint.host)
    look_again(endpoint)
    return True


@transaction.atomic
def renew_secret(endpoint: Endpoint) -> None:
    """Make a new signing secret; for a day the one until now signs as well.

    Raises RenewedAlreadyError.
    """
    row = Endpoint.objects.select_for_update(of=("self",)).get(pk=endpoint.pk)
    if webhook.former_until(row.secrets):
        raise RenewedAlreadyError
    row.secrets = webhook.renew(row.secrets)
    row.save(update_fields=["secrets"])
    write_down(endpoint.membership.user, endpoint, "new_secret", new=endpoint.host)


@transaction.atomic
def rename(endpoint: Endpoint, name: str) -> None:
    if name == endpoint.name:
        return
    write_down(endpoint.membership.user, endpoint, "name", old=endpoint.name, new=name)
    endpoint.name = name
    endpoint.save(update_fields=["name"])


@transaction.atomic
def remove(endpoint: Endpoint, *, action: str = "removed") -> None:
    write_down(endpoint.membership.user, endpoint, action, old=endpoint.host)
    _forget(endpoint)


def forget_all(endpoints: Iterable[Endpoint]) -> None:
    """Let them go with their members, who are written down. In a transaction.

    `membership` must be selected.
    """
    for endpoint in sorted(endpoints, key=lambda row: row.pk):
        _forget(endpoint)


def _forget(endpoint: Endpoint) -> None:
    """Delete the endpoint with its secrets; what waits for it ends at once."""
    look_again(endpoint)
    EndpointHealth.objects.filter(channel=endpoint.channel, endpoint_key=endpoint.key).delete()
    Endpoint.objects.filter(pk=endpoint.pk).delete()


def lock_member(membership: Membership) -> None:
    """Hold the member until commit: two changes at once queue up."""
    Membership.objects.select_for_update(no_key=True).get(pk=membership.pk)


def _refuse_known(others: QuerySet[Endpoint], address: str) -> None:
    # One by one: the address of a chat lies encrypted.
    if known := next((other for other in others if other.sends_to == address), None):
        raise KnownAddressError(known.name)


def look_again(endpoint: Endpoint) -> None:
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


def write_down(
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
