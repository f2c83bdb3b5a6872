"""Who sends events, and remembers of each whether it was acknowledged.

As a real client: what was not answered, or with 429 or 5xx, is sent again with the same
messageId until it is answered or the patience ends.
"""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import random
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from tests.instance import Instance

PAUSE_SECONDS = 0.2
PATIENCE_SECONDS = 40.0
ANSWER_SECONDS = 15.0
THREADS = 8


@dataclass(frozen=True)
class Try:
    """One request. `status` 0: the connection broke, so nobody knows what became of it."""

    at: float  # Unix time.
    seconds: float
    status: int

    @property
    def ended_at(self) -> float:
        return self.at + self.seconds


@dataclass
class Sent:
    """One event. `tells`: the addresses of those who must hear of it."""

    message_id: str
    body: dict[str, Any]
    tells: frozenset[str]
    tries: list[Try] = field(default_factory=list)

    @property
    def acknowledged(self) -> bool:
        return bool(self.tries) and self.tries[-1].status == 200

    @property
    def refused(self) -> bool:
        return bool(self.tries) and 400 <= self.tries[-1].status < 500

    @property
    def acknowledged_at(self) -> float:
        return self.tries[-1].ended_at

    @property
    def unsure_at(self) -> float | None:
        """When it was sent again after a try whose outcome nobody knows; None: never."""
        again = [later.at for try_, later in itertools.pairwise(self.tries) if is_unsure(try_)]
        return again[0] if again else None


def is_unsure(try_: Try) -> bool:
    """A broken connection; also 503: the COMMIT may have been done and its answer lost."""
    return not try_.status or try_.status >= 500


class Client:
    """Posts demo requests of the world's leads; `prefix` starts every messageId."""

    def __init__(self, product: Instance, key: str, prefix: str, seed: str) -> None:
        self.product, self.prefix = product, prefix
        self.rng = random.Random(seed)  # Its own: a load and the faults do not draw in turns.
        self.sent: list[Sent] = []
        self._headers = {"Authorization": f"Bearer {key}"}
        self._numbers = itertools.count(1)

    # --- Events -----------------------------------------------------------------

    def demo_request(self, partner: int, *, mark: str = "", **more: Any) -> Sent:
        """Return an event of a lead of this partner, not sent yet."""
        address = f"anna@lead-{partner}.example"
        return self.event(address, {recipient(partner)}, mark=mark, **more)

    def event(self, address: str, tells: Iterable[str], *, mark: str = "", **more: Any) -> Sent:
        message_id = f"{self.prefix}-{mark}{next(self._numbers)}"
        body = {"event": "Demo Requested", "messageId": message_id, "userId": address, **more}
        sent = Sent(message_id, body, frozenset(tells))
        self.sent.append(sent)
        return sent

    def demo_requests(self, count: int, partners: range) -> list[Sent]:
        return [self.demo_request(self.rng.choice(partners)) for _ in range(count)]

    # --- Sending ----------------------------------------------------------------

    def post(self, events: Iterable[Sent], *, threads: int = THREADS) -> None:
        """Send these and wait for the answers."""
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(self.send, events))

    @contextlib.contextmanager
    def posting(self, events: Iterable[Sent]) -> Iterator[None]:
        """Send these meanwhile, and wait for the last answers at the end."""
        with ThreadPoolExecutor(THREADS) as pool:
            answers = [pool.submit(self.send, event) for event in events]
            yield
        for answer in answers:
            answer.result()

    @contextlib.contextmanager
    def load(self, per_second: float, partners: range) -> Iterator[None]:
        """Send at this pace meanwhile, and wait for the last answers at the end."""
        ending = threading.Event()
        with ThreadPoolExecutor(THREADS) as pool:

            def run() -> None:
                while not ending.wait(1 / per_second):
                    pool.submit(self.send, self.demo_request(self.rng.choice(partners)))

            thread = threading.Thread(target=run)
            thread.start()
            try:
                yield
            finally:
                ending.set()
                thread.join()

    def send(self, sent: Sent) -> None:
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            sent.tries.append(try_ := self.try_once(sent))
            if not is_unsure(try_) and try_.status != 429 or time.monotonic() > until:
                return
            time.sleep(PAUSE_SECONDS)

    def try_once(self, sent: Sent) -> Try:
        at, began = time.time(), time.monotonic()
        connection = http.client.HTTPConnection(
            "127.0.0.1", self.product.port, timeout=ANSWER_SECONDS
        )
        try:
            connection.request("POST", "/v1/track", json.dumps(sent.body), self._headers)
            response = connection.getresponse()
            response.read()
            status = response.status
        except (OSError, http.client.HTTPException):
            status = 0
        finally:
            connection.close()
        return Try(at, time.monotonic() - began, status)


def percentile(values: Iterable[float], percent: int) -> float:
    """Return the value below which `percent` of the values lie; 0 of none."""
    ordered = sorted(values)
    return ordered[(len(ordered) - 1) * percent // 100] if ordered else 0.0


def recipient(partner: int) -> str:
    return f"ala@partner-{partner}.example"
