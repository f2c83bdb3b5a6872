"""The third waker: an idle worker looks for due rows itself, and says that it lives.

With the broker gone, this thread alone keeps every notification moving.
"""

import logging
import threading
from typing import Any

from celery.signals import celeryd_after_setup, worker_shutdown, worker_shutting_down
from django.conf import settings
from django.db import close_old_connections

from accounts.heartbeats import beat
from notifications.tasks import lanes_due, work_off
from partnernotify.shutdown import stopping

LOOK_SECONDS = 1.0

# Longer than one send may take: a send under way is finished, not cut.
JOIN_SECONDS = 14.0

log = logging.getLogger(__name__)
_threads: list[threading.Thread] = []


@celeryd_after_setup.connect  # Not worker_ready, which waits for the broker.
def start(**_kwargs: Any) -> None:
    stopping.clear()
    for name, work in (("lookout", _look), ("heartbeat", _beat)):
        thread = threading.Thread(target=work, name=name, daemon=True)
        _threads.append(thread)
        thread.start()


@worker_shutting_down.connect
def stop(**_kwargs: Any) -> None:
    stopping.set()


@worker_shutdown.connect
def join(**_kwargs: Any) -> None:
    for thread in _threads:
        thread.join(JOIN_SECONDS)


def _look() -> None:
    while not stopping.wait(LOOK_SECONDS):
        try:
            close_old_connections()
            for lane in lanes_due():
                work_off(lane)
        except Exception:
            log.exception("The look-out failed; it looks again in a moment")


def _beat() -> None:
    while not stopping.is_set():
        try:
            close_old_connections()
            beat("worker")
        except Exception:
            log.exception("The worker's heartbeat was not written")
        stopping.wait(settings.HEARTBEAT_SECONDS)
