"""Ring a lane: tell the workers that rows wait. May fail, may be lost, costs nobody time.

Who rings only leaves the lane's name; a thread of this process talks to the broker, however
long that takes. What is never rung is found by the workers' own look-out.
"""

import atexit
import logging
import os
import threading
from typing import Any

from celery import current_app
from django.db import transaction
from kombu import Connection

EVALUATE = "evaluate"
MAINTENANCE = "maintenance"
# A broker that failed is left alone for this long.
PAUSE_SECONDS = 5.0
# Lanes that are wanted again within this time are rung once.
GATHER_SECONDS = 0.05
# A process that ends waits no longer than this for its last ring.
EXIT_SECONDS = 1.0

log = logging.getLogger(__name__)


def ring_after_commit(lane: str) -> None:
    # A lambda: with robust=True Django 5.2 cannot name a functools.partial.
    transaction.on_commit(lambda: ring(lane), robust=True)


def ring(lane: str) -> None:
    _ringer.ring(lane)


class Ringer:
    """The lanes that are wanted, and the thread that rings them once there is one."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        self._wanted: set[str] = set()
        self._wake = threading.Event()
        self._ending = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def ring(self, lane: str) -> None:
        self._wanted.add(lane)
        self._wake.set()
        with self._lock:
            if not self._thread:
                thread = threading.Thread(target=self._work, name="doorbell", daemon=True)
                thread.start()
                self._thread = thread

    def finish(self) -> None:
        """Ring what is wanted, unless that takes long."""
        self._ending.set()
        self._wake.set()
        if self._thread:
            self._thread.join(EXIT_SECONDS)

    def _work(self) -> None:
        while not self._ending.is_set():
            try:
                with current_app.connection_for_write() as connection:
                    self._ring_on(connection)
            except Exception as error:  # noqa: BLE001 - brokers fail in many ways, none matters
                log.warning("The doorbell is silent, workers look by themselves: %s", error)
                self._ending.wait(PAUSE_SECONDS)

    def _ring_on(self, connection: Connection) -> None:
        last = False
        while not last:
            self._wake.wait()
            self._wake.clear()
            last = self._ending.is_set()
            while self._wanted:
                send(self._wanted.pop(), connection)
            self._ending.wait(GATHER_SECONDS)


def send(lane: str, connection: Connection) -> None:
    """Put a message without payload into the lane's queue, unless one lies there unread."""
    task, args = ("evaluate", ()) if lane == EVALUATE else ("deliver", (lane,))
    name = f"notifications.tasks.{task}"
    channel: Any = connection.default_channel
    if not channel.queue_declare(lane, durable=True, auto_delete=False).message_count:
        current_app.send_task(
            name, args=args, queue=lane, expires=60, retry=False, connection=connection
        )


_ringer = Ringer()
os.register_at_fork(after_in_child=_ringer.begin)  # A forked process has lost the thread.
atexit.register(_ringer.finish)
