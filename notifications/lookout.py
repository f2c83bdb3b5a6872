"""The third waker: an idle worker looks for due rows itself, and says that it lives.

With the broker and beat gone, these threads alone keep every notification moving: one for
each lane, so that a flood in one holds up no other, one that takes back what dead workers
held, one for what nobody has looked at, and one that closes visits.
"""

import logging
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from celery.signals import celeryd_after_setup, worker_shutdown, worker_shutting_down
from django.conf import settings
from django.db import OperationalError, close_old_connections

from accounts.heartbeats import beat
from notifications.channels import CHANNEL_KEYS
from notifications.delivery.claim import sweep
from notifications.doorbell import EVALUATE
from notifications.escalations.work import escalate_all
from notifications.invariant_check import check_if_due
from notifications.tasks import is_due, work_off
from notifications.visits.closing import end_visits
from partnernotify.shutdown import stopping

LOOK_SECONDS = 1.0
SWEEP_SECONDS = 5.0
CHECK_SECONDS = 10.0

log = logging.getLogger(__name__)
_threads: list[threading.Thread] = []


@celeryd_after_setup.connect  # Not worker_ready, which waits for the broker.
def start(**_kwargs: Any) -> None:
    stopping.clear()
    for lane in (EVALUATE, *CHANNEL_KEYS):
        _repeat(f"lookout-{lane}", partial(_look, lane), LOOK_SECONDS)
    _repeat("sweeper", sweep, SWEEP_SECONDS)
    _repeat("escalations", escalate_all, SWEEP_SECONDS)
    _repeat("visits", end_visits, SWEEP_SECONDS)
    _repeat("invariants", check_if_due, CHECK_SECONDS)
    _repeat("heartbeat", partial(beat, "worker"), settings.HEARTBEAT_SECONDS)


@worker_shutting_down.connect
def stop(**_kwargs: Any) -> None:
    stopping.set()


@worker_shutdown.connect
def join(**_kwargs: Any) -> None:
    """A send under way is finished, not cut, however long it may take."""
    until = time.monotonic() + settings.SEND_DEADLINE.total_seconds()
    for thread in _threads:
        thread.join(max(0, until - time.monotonic()))


def _look(lane: str) -> None:
    if is_due(lane):
        work_off(lane)


def _repeat(name: str, act: Callable[[], object], seconds: float) -> None:
    """Do it now and every so often in a thread of its own, whatever becomes of one time."""

    def run() -> None:
        while not stopping.is_set():
            try:
                close_old_connections()
                act()
            except OperationalError as error:
                log.error("%s waits %s s for the database: %s", name, seconds, error)
            except Exception:
                log.exception("%s failed; it goes on in %s s", name, seconds)
            stopping.wait(seconds)

    thread = threading.Thread(target=run, name=name, daemon=True)
    _threads.append(thread)
    thread.start()
