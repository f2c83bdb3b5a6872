"""A total deadline for an exchange over HTTP, connecting included.

A socket's own time-out is per answer: a server that sends one byte every few seconds would
hold a worker beyond its lease, and another worker would send the same message again.
`http.client` has no place to set it before each read, as SMTP has.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress


@contextmanager
def hang_up_after(seconds: float, find: Callable[[], socket.socket | None]) -> Iterator[None]:
    """Break the connection when the time is over: whoever waits for an answer gets an error."""
    timer = threading.Timer(seconds, _hang_up, [find])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _hang_up(find: Callable[[], socket.socket | None]) -> None:
    with suppress(OSError):  # Closed meanwhile.
        if sock := find():
            # The plain socket's: TLS would forget its state under the reader's hands.
            socket.socket.shutdown(sock, socket.SHUT_RDWR)
