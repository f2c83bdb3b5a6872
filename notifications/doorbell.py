"""Ring a lane: tell the workers that rows wait. May fail, may be lost, must be quick."""

import logging
import time
from typing import Any

from celery import current_app
from django.db import transaction
from kombu.exceptions import KombuError

EVALUATE = "evaluate"
MAINTENANCE = "maintenance"
# A broker that failed is left alone for this long: its time-out must not slow requests.
PAUSE_SECONDS = 5.0

log = logging.getLogger(__name__)
_silent_until = 0.0


def ring_after_commit(lane: str) -> None:
    # A lambda: with robust=True Django 5.2 cannot name a functools.partial.
    transaction.on_commit(lambda: ring(lane), robust=True)


def ring(lane: str) -> None:
    """Send an empty message to the lane's queue, unless one lies there unread."""
    global _silent_until  # noqa: PLW0603 - one breaker per process
    if time.monotonic() < _silent_until:
        return
    task, args = ("evaluate", ()) if lane == EVALUATE else ("deliver", (lane,))
    try:
        if not _lies_unread(lane):
            current_app.send_task(
                f"notifications.tasks.{task}",
                args=args,
                queue=lane,
                expires=60,
                retry=False,
            )
    except (KombuError, OSError) as error:
        _silent_until = time.monotonic() + PAUSE_SECONDS
        log.warning("doorbell %s not rung, workers will look by themselves: %s", lane, error)


def _lies_unread(lane: str) -> bool:
    with current_app.connection_for_write() as connection:
        channel: Any = connection.default_channel
        return bool(channel.queue_declare(lane, durable=True, auto_delete=False).message_count)
