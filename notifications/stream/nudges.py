"""Tell the stream whose bell moved. May fail, may be lost, costs nobody time.

While Redis is away the stream looks for itself.
"""

from __future__ import annotations

from django.conf import settings
from django.db import transaction
from django.utils.crypto import salted_hmac
from redis import Redis

from partnernotify.courier import Courier


def nudge(member: int) -> None:
    if settings.REDIS_URL:
        _publisher.leave(member)


def nudge_after_commit(member: int) -> None:
    transaction.on_commit(lambda: nudge(member), robust=True)


def channel_name() -> str:
    """Return the name of the channel; that of another instance on the same Redis differs."""
    return f"partnernotify.bell.{salted_hmac('notifications.stream', '').hexdigest()[:16]}"


def make_publisher() -> Courier[int, Redis]:
    return Courier(
        lambda: Redis.from_url(settings.REDIS_URL, socket_connect_timeout=1, socket_timeout=1),
        lambda member, redis: redis.publish(channel_name(), member),
        name="nudges",
        complaint="No nudge reaches the stream, it looks by itself",
    )


_publisher = make_publisher()
