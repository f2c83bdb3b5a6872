"""POST to servers that answer badly, over real sockets: bounded, and named for what it is."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from datetime import timedelta

import pytest

from notifications.channels.base import DeliveryError, Failure
from notifications.channels.http import BODY_BYTES, Answer, post, refusal
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


def test_an_endless_body_is_read_to_its_beginning_only():
    def endless(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            connection.sendall(b"a" * 65536)

    with Raw(endless) as server:
        answer = post(server.url, b"{}", {}, deadline=DEADLINE)
    assert answer.accepted
    assert len(answer.text) <= BODY_BYTES


def test_a_body_that_never_comes_does_not_undo_the_status():
    def silent(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")
        time.sleep(5)

    with Raw(silent) as server:
        assert post(server.url, b"{}", {}, deadline=DEADLINE).accepted


def test_a_redirect_is_not_followed():
    with HttpSink() as inner, HttpSink() as sink:
        sink.answer = lambda _request: (307, {"Location": inner.url}, b"")
        answer = post(sink.url, b"{}", {}, deadline=DEADLINE)
        assert inner.requests == []
    assert str(answer) == "307 (redirects are not followed)"


def test_proxies_of_the_environment_are_not_asked(monkeypatch):
    with HttpSink() as proxy, HttpSink() as sink:
        monkeypatch.setenv("http_proxy", proxy.url)
        assert post(sink.url, b"{}", {}, deadline=DEADLINE).accepted
        assert proxy.requests == []


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
