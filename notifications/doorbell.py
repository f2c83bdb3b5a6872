"""Ring a lane: tell the workers that rows wait. May fail, may be lost, costs nobody time.

What is never rung is found by the workers' own look-out.
"""

from typing import Any

from celery import current_app
from django.db import transaction
from kombu import Connection

from partnernotify.courier import Courier

EVALUATE = "evaluate"
MAINTENANCE = "maintenance"
# Lanes that are wanted again within this time are rung once.
GATHER_SECONDS = 0.05


def ring_after_commit(lane: str) -> None:
    # A lambda: with robust=True Django 5.2 cannot name a functools.partial.
    transaction.on_commit(lambda: ring(lane), robust=True)


def ring(lane: str) -> None:
    _ringer.leave(lane)


def make_ringer() -> Courier[str, Connection]:
    return Courier(
        lambda: current_app.connection_for_write(),
        lambda lane, connection: send(lane, connection),
        name="doorbell",
        complaint="The doorbell is silent, workers look by themselves",
        gather_seconds=GATHER_SECONDS,
    )


def send(lane: str, connection: Connection) -> None:
    """Put a message without payload into the lane's queue, unless one lies there unread."""
    task, args = ("evaluate", ()) if lane == EVALUATE else ("deliver", (lane,))
    name = f"notifications.tasks.{task}"
    channel: Any = connection.default_channel
    if not channel.queue_declare(lane, durable=True, auto_delete=False).message_count:
        current_app.send_task(
            name, args=args, queue=lane, expires=60, retry=False, connection=connection
        )


_ringer = make_ringer()
