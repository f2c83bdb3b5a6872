"""POST to servers that answer badly, over real sockets: bounded, and named for what it is."""

from __future__ import annotations

import gzip
import socket
import threading
import time
from collections.abc import Callable
from datetime import timedelta

import pytest

from notifications.channels.base import DeliveryError, Failure
from notifications.channels.http import BODY_BYTES, Answer, post, refusal
from notifications.text import plain
from tests.servers import free_port
from tests.sinks import HttpSink, HungServer

DEADLINE = timedelta(seconds=1)


@pytest.fixture(autouse=True)
def _on_loopback(settings):
    settings.ALLOW_PRIVATE_WEBHOOKS = True


class Raw:
    """A server that reads a request and lets `speak` write whatever it likes."""

    def __init__(self, speak: Callable[[socket.socket], None]) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}/"
        self._speak = speak

    def __enter__(self) -> Raw:
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._socket.close()

    def _serve(self) -> None:
        connection, _ = self._socket.accept()
        with connection:
            connection.recv(65536)
            try:
                self._speak(connection)
            except OSError:
                pass  # The client hung up, as it should.


def drip(connection: socket.socket) -> None:
    """One byte at a time: no single wait is long, the whole never ends."""
    while True:
        connection.sendall(b"H")
        time.sleep(0.05)


def endless_headers(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    while True:
        connection.sendall(b"X-Filler: aaaaaaaaaaaaaaaaaaaa\r\n")


def close(connection: socket.socket) -> None:
    pass


def rubbish(connection: socket.socket) -> None:
    connection.sendall(b"SSH-2.0-OpenSSH_9.6\r\n")


def fail(url: str) -> DeliveryError:
    started = time.monotonic()
    with pytest.raises(DeliveryError) as caught:
        post(url, b"{}", {}, deadline=DEADLINE)
    assert time.monotonic() - started < DEADLINE.total_seconds() + 4  # Ended, not cut by the test.
    return caught.value


@pytest.mark.parametrize("speak", [drip, endless_headers, close, rubbish])
def test_what_broke_off_after_the_request_is_unknown(speak):
    with Raw(speak) as server:
        error = fail(server.url)
    assert error.failure == Failure.UNKNOWN
    assert error.endpoint_down


def test_no_answer_at_all_is_unknown_and_asks_for_a_pause():
    with HungServer() as server:
        error = fail(f"http://127.0.0.1:{server.port}/")
    assert (error.failure, error.detail) == (Failure.UNKNOWN, "no answer within 1 s")
    assert error.retry_after == timedelta(seconds=60)


def test_nobody_there_is_not_sent():
    error = fail(f"http://127.0.0.1:{free_port()}/")
    assert error.failure == Failure.NOT_SENT
    assert "cannot connect" in error.detail


def test_a_name_that_does_not_exist_is_not_sent():
    assert fail("http://nobody.invalid/").failure == Failure.NOT_SENT


def test_a_resolver_that_hangs_is_left_behind(monkeypatch):
    answers = threading.Event()

    def hang(*_arguments, **_options):
        answers.wait(30)
        raise OSError

    monkeypatch.setattr("socket.getaddrinfo", hang)
    error = fail("http://slow.example/")
    answers.set()
    assert error.failure == Failure.NOT_SENT
    assert "was not found within 1 s" in error.detail


def test_tls_that_is_none_is_not_sent():
    with HttpSink() as sink:
        error = fail(f"https://127.0.0.1:{sink.port}/")
    assert error.failure == Failure.NOT_SENT


GIGABYTE = 1_000_000_000
BIG_CHUNK = b"10000\r\n" + b"a" * 0x10000 + b"\r\n"


@pytest.mark.parametrize(
    ("header", "piece"),
    [
        (b"", b"a" * 65536),
        (b"Content-Length: 1000000000\r\n", b"a" * 65536),
        (b"Transfer-Encoding: chunked\r\n", BIG_CHUNK),
    ],
    ids=["endless", "a gigabyte", "chunked"],
)
def test_of_a_body_without_end_only_the_beginning_is_read(header, piece):
    """B105. What the sockets between the two hold is sent, the gigabyte is not."""
    sent = 0
    hung_up = threading.Event()

    def speak(connection: socket.socket) -> None:
        nonlocal sent
        connection.sendall(b"HTTP/1.1 200 OK\r\n" + header + b"\r\n")
        try:
            while sent < GIGABYTE:
                sent += connection.send(piece)
        finally:
            hung_up.set()

    with Raw(speak) as server:
        answer = post(server.url, b"{}", {}, deadline=DEADLINE)
        assert hung_up.wait(10)
    assert answer.accepted
    assert 0 < len(answer.text) <= BODY_BYTES
    assert sent < GIGABYTE / 10


def test_what_is_compressed_is_not_inflated():
    """B105: a hundred megabytes of zeros in a hundred kilobytes."""
    bomb = gzip.compress(bytes(100_000_000), compresslevel=1)
    with HttpSink() as sink:
        sink.answer = lambda _request: (200, {"Content-Encoding": "gzip"}, bomb)
        answer = post(sink.url, b"{}", {}, deadline=DEADLINE)
        (request,) = sink.requests
    assert request.headers["accept-encoding"] == "identity"
    assert answer.text == beginning(bomb)


def beginning(body: bytes) -> str:
    return " ".join(plain(body[:BODY_BYTES].decode(errors="replace")).split())


def test_no_cookie_comes_back():
    """B105."""
    with HttpSink() as sink:
        sink.answer = lambda _request: (200, {"Set-Cookie": "session=1; Path=/"}, b"")
        for _ in range(2):
            post(sink.url, b"{}", {}, deadline=DEADLINE)
        assert ["cookie" in request.headers for request in sink.requests] == [False, False]


@pytest.mark.parametrize("status", [200, 500])
def test_no_control_character_of_an_answer_is_kept(status):
    """PostgreSQL stores no NUL; what became of the message could not be written down."""
    with HttpSink() as sink:
        sink.answer = lambda _request: (status, {}, b"a\0b\x1b[31m\r\nc")
        answer = post(sink.url, b"{}", {}, deadline=DEADLINE)
    assert answer.text == "a b [31m c"


def test_a_body_that_never_comes_does_not_undo_the_status():
    def silent(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")
        time.sleep(5)

    with Raw(silent) as server:
        assert post(server.url, b"{}", {}, deadline=DEADLINE).accepted


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("location", ["http://127.0.0.1:{port}/", "//127.0.0.1:{port}", "file:///"])
def test_a_redirect_is_not_followed(status, location):
    """B96."""
    with HungServer() as inner, HttpSink() as sink:
        headers = {"Location": location.format(port=inner.port)}
        sink.answer = lambda _request: (status, headers, b"")
        answer = post(sink.url, b"{}", {}, deadline=DEADLINE)
        assert (inner.connections(), len(sink.requests)) == (0, 1)
    assert str(answer) == f"{status} (redirects are not followed)"


@pytest.mark.parametrize("header", [{"Refresh": "0; url={url}"}, {}])
def test_a_page_that_leads_elsewhere_is_not_followed(header):
    """B96."""
    with HungServer() as inner, HttpSink() as sink:
        url = f"http://127.0.0.1:{inner.port}/"
        page = f'<meta http-equiv="refresh" content="0; url={url}">'.encode()
        headers = {name: value.format(url=url) for name, value in header.items()}
        sink.answer = lambda _request: (200, headers, page)
        assert post(sink.url, b"{}", {}, deadline=DEADLINE).accepted
        assert inner.connections() == 0


def test_proxies_of_the_environment_are_not_asked(monkeypatch):
    """B103."""
    with HungServer() as proxy, HttpSink() as sink:
        for name in ("http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
            monkeypatch.setenv(name.upper(), f"http://127.0.0.1:{proxy.port}")
        assert post(sink.url, b"{}", {}, deadline=DEADLINE).accepted
        assert fail(f"https://127.0.0.1:{sink.port}/").failure == Failure.NOT_SENT  # No TLS there.
        assert proxy.connections() == 0


@pytest.mark.parametrize(
    ("status", "header", "wait"),
    [
        (429, "120", 120),
        (429, "1e9", 24 * 3600),
        (429, "-5", 60),
        (429, "soon", 60),
        (429, "", 60),
        (503, "", 60),
        (503, "7", 7),
        (500, "", None),
        (500, "30", 30),
        (404, "", None),
    ],
)
def test_how_long_the_endpoint_is_left_alone(status, header, wait):
    headers = {"retry-after": header} if header else {}
    error = refusal(Answer(status, headers, ""), gone=False)
    assert error.retry_after == (timedelta(seconds=wait) if wait else None)
