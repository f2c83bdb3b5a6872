"""Real receivers on loopback that write down what arrives."""

from __future__ import annotations

import contextlib
import email
import http.server
import json
import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import default
from functools import partial
from typing import Any

from aiosmtpd.controller import Controller

from tests.servers import free_port


@dataclass(frozen=True)
class Received:
    """One message as a receiver wrote it down: `delivery` is the public id, `at` Unix time."""

    sink: str
    delivery: str
    message_id: str
    to: str
    text: str
    at: float


class SmtpSink:
    """An SMTP server. `answer` decides the reply to a message, `refuse` to an address; None
    accepts."""

    def __init__(self, port: int | None = None) -> None:
        self.received: list[Received] = []
        self.messages: list[EmailMessage] = []
        self.envelopes: list[tuple[str, list[str]]] = []
        self.answer: Callable[[EmailMessage], str | None] = lambda _message: None
        self.refuse: Callable[[str], str | None] = lambda _address: None
        self._lock = threading.Lock()
        self.port = port or free_port()
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
                self.envelopes.append((envelope.mail_from, list(envelope.rcpt_tos)))
            self.take(message)
        return refusal or "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any
    ) -> str:
        if refusal := self.refuse(address):
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    def take(self, message: EmailMessage) -> None:
        """Write the message down."""
        with self._lock:
            self.messages.append(message)
            self.received.append(_received(message, message["To"]))

    def to(self, address: str) -> list[EmailMessage]:
        with self._lock:
            return [m for m in self.messages if m["To"] == address]


def _received(message: EmailMessage, to: str) -> Received:
    body = message.get_body(("plain",))
    return Received(
        sink="email",
        delivery=message.get("X-PN-Delivery", ""),
        message_id=message.get("Message-ID", ""),
        to=to,
        text=body.get_content() if body else "",
        at=time.time(),
    )


@dataclass(frozen=True)
class Request:
    """What came in. Header names in lower case; `at`: Unix time."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    at: float

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class HttpSink:
    """An HTTP server. `answer` gets the request and returns status, headers and body.

    It may also sleep, or raise `Hangup`: the connection is closed without an answer.
    """

    class Hangup(Exception):
        pass

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.answer: Callable[[Request], tuple[int, Mapping[str, str], bytes]] = lambda _request: (
            200,
            {},
            b"ok",
        )
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> HttpSink:
        serve = partial(self._server.serve_forever, poll_interval=0.02)
        threading.Thread(target=serve, daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def at(self, path: str) -> list[Request]:
        return [request for request in list(self.requests) if request.path == path]


def _handler(sink: HttpSink) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # noqa: N802
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            lower = {name.lower(): value for name, value in self.headers.items()}
            request = Request(self.path, lower, body, time.time())
            sink.requests.append(request)
            try:
                status, headers, answer = sink.answer(request)
            except HttpSink.Hangup:
                self.close_connection = True
                return
            self.send_response(status)
            for name, value in {"Content-Length": str(len(answer)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            with contextlib.suppress(OSError):  # Whoever asked has left.
                self.wfile.write(answer)

        def log_message(self, *_arguments: object) -> None:
            pass

    return Handler


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

    def connections(self) -> int:
        """Return how many have connected since it was asked last."""
        self._socket.setblocking(False)
        count = 0
        with contextlib.suppress(BlockingIOError):
            while True:
                self._socket.accept()[0].close()
                count += 1
        return count
