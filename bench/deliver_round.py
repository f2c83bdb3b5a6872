"""One round of deliveries in a process of its own: `python -m bench.deliver_round LANE NUMBER`."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "partnernotify.settings")
django.setup()

from notifications.channels.base import Send  # noqa: E402
from notifications.channels.email import EmailChannel  # noqa: E402
from notifications.channels.registry import SENDERS  # noqa: E402
from notifications.delivery.send import deliver_due  # noqa: E402


class NoWire(EmailChannel):
    """E-mail whose other side accepts everything at once."""

    @contextmanager
    def session(self) -> Iterator[Send]:
        yield lambda message, address: message.public_id


def main(lane: str, number: int) -> None:
    delivered = 0
    with patch.dict(SENDERS, {"email": NoWire()}):
        begun = time.perf_counter()
        while delivered < number:
            tally = deliver_due(lane)
            if not tally.delivered:
                raise RuntimeError(f"{delivered} were delivered, then {dict(tally.results)}")
            delivered += tally.delivered
        seconds = time.perf_counter() - begun
    sys.stdout.write(json.dumps({"per_second": delivered / seconds}) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
