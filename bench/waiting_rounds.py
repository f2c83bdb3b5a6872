"""What bench.waiting measures, in a process of its own: `claims`, `quiet` or `ring`."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
import uuid
from collections.abc import Iterable
from unittest.mock import patch

import django
import psycopg

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "partnernotify.settings")
django.setup()

from bench.deliver_round import NoWire  # noqa: E402
from bench.rows import add_due  # noqa: E402
from notifications.channels.registry import SENDERS  # noqa: E402
from notifications.delivery.claim import claim, give_back  # noqa: E402
from notifications.delivery.send import CLAIM_SIZE, deliver_due  # noqa: E402
from notifications.doorbell import ring  # noqa: E402

ROUNDS = 20
QUIET = [f"p{n}" for n in range(1, 50)]
_FIRST_TRIES = """
    SELECT extract(epoch FROM t.started_at - d.not_before)::float
    FROM notifications_attempt t JOIN notifications_delivery d ON d.id = t.delivery_id
    JOIN accounts_account a ON a.id = d.account_id
    WHERE t.n = 1 AND d.id > %s AND a.slug = ANY(%s)
"""
_LEFT = """
    SELECT 1 FROM notifications_delivery d JOIN accounts_account a ON a.id = d.account_id
    WHERE d.id > %s AND a.slug = ANY(%s) AND d.state <> 'delivered' LIMIT 1
"""


def claims() -> list[float]:
    """Claim a batch, and give it back outside the time."""
    seconds = []
    for _ in range(300):
        token = uuid.uuid4()
        begun = time.perf_counter()
        ids = claim("email", token, CLAIM_SIZE)
        seconds.append(time.perf_counter() - begun)
        if not ids:
            raise RuntimeError("nothing was claimed")
        give_back(ids, token)
    return seconds


def quiet() -> list[float]:
    """Let each quiet account have one new delivery, again and again, beside what there is."""
    ending = threading.Event()
    with (
        patch.dict(SENDERS, {"email": NoWire()}),
        psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection,
    ):
        worker = threading.Thread(target=_work, args=[ending])
        worker.start()
        ((last,),) = connection.execute("SELECT max(id) FROM notifications_delivery").fetchall()
        for _ in range(ROUNDS):
            add_due(connection, len(QUIET), QUIET)
            while connection.execute(_LEFT, [last, QUIET]).fetchone():
                time.sleep(0.01)
        ending.set()
        worker.join()
        return [s for (s,) in connection.execute(_FIRST_TRIES, [last, QUIET]).fetchall()]


def _work(ending: threading.Event) -> None:
    while not ending.is_set():
        if not deliver_due("email").taken:
            time.sleep(0.001)


def ringing() -> list[float]:
    seconds = []
    for _ in range(10_000):
        begun = time.perf_counter()
        ring("email")
        seconds.append(time.perf_counter() - begun)
    return seconds


def _p99(seconds: Iterable[float]) -> float:
    ordered = sorted(seconds)
    return round(ordered[len(ordered) * 99 // 100], 6)


WHAT = {"claims": claims, "quiet": quiet, "ring": ringing}

if __name__ == "__main__":
    sys.stdout.write(json.dumps({"p99": _p99(WHAT[sys.argv[1]]())}) + "\n")
