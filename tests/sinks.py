"""Real receivers on loopback that write down what arrives."""

from __future__ import annotations

import email
import socket
import threading
import time
from collections.abc import Callable
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.controller import Controller

from tests.servers import free_port


class SmtpSink:
    """An SMTP server. `answer` decides the reply to a message; None accepts it."""

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []
        self.envelopes: list[tuple[str, list[str]]] = []
        self.answer: Callable[[EmailMessage], str | None] = lambda _message: None
        self._lock = threading.Lock()
        self.port = free_port()
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port)

    def __enter__(self) -> SmtpSink:
        self._controller.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._controller.stop()

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        message = email.message_from_bytes(envelope.content, policy=default)
        refusal = self.answer(message)
        if refusal is None:
            with self._lock:
                self.messages.append(message)
                self.envelopes.append((envelope.mail_from, list(envelope.rcpt_tos)))
        return refusal or "250 OK"

    def to(self, address: str) -> list[EmailMessage]:
        with self._lock:
            return [m for m in self.messages if m["To"] == address]


def wait_until(found: Callable[[], Any], *, seconds: float = 20, what: str = "") -> Any:
    """Return the first true answer of `found`; fail after `seconds`."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if answer := found():
            return answer
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds} s: {what or found}")


class HungServer:
    """Takes connections and never answers, as a stopped or overloaded server does."""

    def __enter__(self) -> HungServer:
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self._socket.getsockname()[1]
        return self

    def __exit__(self, *_error: object) -> None:
        self._socket.close()
