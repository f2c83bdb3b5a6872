"""POST to a URL that somebody gave: public addresses only, a total deadline, no redirects.

`requests` with an address filter was tried: it looks at the first address of a name only,
lets fec0::/10 and ::127.0.0.1 pass, and knows no total deadline.
"""

from __future__ import annotations

import http.client
import queue
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.utils import timezone

from notifications.channels.addresses import is_public
from notifications.channels.base import QUIET_PAUSE, DeliveryError, Failure, read_retry_after
from notifications.channels.deadline import hang_up_after
from notifications.text import plain

CONNECT_SECONDS = 5.0
MAX_ADDRESSES = 4
# So much of the answer's body is read, as it came: to know why, not to keep.
BODY_BYTES = 1_000
_BUSY = frozenset({429, 502, 503, 504})
# So an attempt begins whose host leads into a private network, for people and scripts to find.
BLOCKED = "blocked_ip"


@dataclass(frozen=True)
class Answer:
    """Status, headers in lower case, and the beginning of the body as one line."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def accepted(self) -> bool:
        return 200 <= self.status < 300

    def __str__(self) -> str:
        redirect = " (redirects are not followed)" if 300 <= self.status < 400 else ""
        return f"{self.status} {self.text}".strip() + redirect


def refusal(
    answer: Answer,
    *,
    gone: bool,
    permanent: bool = False,
    endpoint_down: bool = True,
    busy: bool = False,
) -> DeliveryError:
    """Return what an answer means that is none of success. `gone`: this endpoint is no more.
    `busy`: it wants to be left alone, whatever its status."""
    wait = read_retry_after(answer.headers.get("retry-after") or "", timezone.now())
    if busy or answer.status in _BUSY:
        wait = wait or QUIET_PAUSE
    return DeliveryError(
        Failure.REFUSED,
        str(answer),
        permanent=gone or permanent,
        bad_address=gone,
        retry_after=wait,
        endpoint_down=endpoint_down,
    )


def post(url: str, body: bytes, headers: Mapping[str, str], *, deadline: timedelta) -> Answer:
    """Send one POST and return the answer, whatever its status.

    DeliveryError: NOT_SENT when no connection came about, UNKNOWN when it broke afterwards.
    """
    parts = urlsplit(url)
    seconds = deadline.total_seconds()
    ends_at = time.monotonic() + seconds
    kind = _TlsConnection if parts.scheme == "https" else _Connection
    connection = kind(parts.hostname or "", parts.port, timeout=seconds)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    with hang_up_after(seconds, lambda: connection.sock):
        try:
            try:
                connection.connect()
            except (OSError, ValueError) as error:
                raise DeliveryError(Failure.NOT_SENT, f"cannot connect: {error}") from error
            try:
                connection.request("POST", target, body, dict(headers))
                answer = connection.getresponse()
            except (OSError, http.client.HTTPException, ValueError) as error:
                late = time.monotonic() >= ends_at
                detail = f"no answer within {seconds:g} s" if late else f"broken off: {error!r}"
                pause = QUIET_PAUSE if late else None
                raise DeliveryError(Failure.UNKNOWN, detail, retry_after=pause) from error
            return Answer(
                answer.status,
                {name.lower(): value for name, value in answer.headers.items()},
                _beginning(answer),
            )
        finally:
            connection.close()


def _beginning(answer: http.client.HTTPResponse) -> str:
    try:
        read = answer.read1(BODY_BYTES)
    except (OSError, http.client.HTTPException, ValueError):
        return ""  # The status was the answer.
    return " ".join(plain(read.decode(errors="replace")).split())


class _Connection(http.client.HTTPConnection):
    """A connection to the checked address itself, so that no second look-up can differ."""

    def connect(self) -> None:
        self.sock = _connect(self.host, self.port, self.timeout or CONNECT_SECONDS)


class _TlsConnection(http.client.HTTPSConnection):
    def connect(self) -> None:
        raw = _connect(self.host, self.port, self.timeout or CONNECT_SECONDS)
        self.sock: Any = _tls().wrap_socket(
            raw, server_hostname=self.host, do_handshake_on_connect=False
        )
        self.sock.do_handshake()


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()


def _connect(host: str, port: int, timeout: float) -> socket.socket:
    addresses = _resolve(host, port, min(timeout, CONNECT_SECONDS))
    if not settings.ALLOW_PRIVATE_WEBHOOKS and not all(map(is_public, addresses)):
        detail = f"{BLOCKED}: this address is not reachable from outside"
        raise DeliveryError(Failure.NOT_SENT, detail)
    problem: OSError = ConnectionError("no address")
    tried = addresses[:MAX_ADDRESSES]
    share = min(timeout, CONNECT_SECONDS) / max(len(tried), 1)
    for address in tried:
        try:
            sock = socket.create_connection((address, port), share)
        except OSError as error:
            problem = error
        else:
            sock.settimeout(timeout)
            return sock
    raise problem


def _resolve(host: str, port: int, timeout: float) -> list[str]:
    """Return the host's IP addresses. A resolver that hangs is left behind in its thread."""
    found: queue.SimpleQueue[list[str] | OSError] = queue.SimpleQueue()

    def ask() -> None:
        try:
            rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            found.put(list(dict.fromkeys(str(row[4][0]) for row in rows)))
        except (OSError, UnicodeError) as error:
            found.put(OSError(f"{host} cannot be found: {error}"))

    threading.Thread(target=ask, name="resolver", daemon=True).start()
    try:
        answer = found.get(timeout=timeout)
    except queue.Empty:
        raise TimeoutError(f"{host} was not found within {timeout:g} s") from None
    if isinstance(answer, OSError):
        raise answer
    return answer
