"""The stream as a process of its own, read by real HTTP clients, in both of its modes."""

from __future__ import annotations

import os
import socket
import time
from datetime import timedelta

import pytest

from notifications.inbox.services import mark_read
from notifications.models import Notification
from notifications.stream.nudges import make_publisher
from tests.servers import own_redis
from tests.stream.process import PAGE, Listener, token_for

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]
SITE = {"Origin": PAGE}


@pytest.fixture
def listen(stream, world):
    """Return a function that opens a stream of Ala's and has read its beginning."""
    opened = []

    def open_one(token: str = "", **headers: str) -> Listener:
        listener = Listener(stream.url, token or token_for(world.ala.pk), **(headers or SITE))
        opened.append(listener)
        assert listener.status == 200
        # Who comes without an id may have missed something, and should look.
        expected = ["ready"] if "Last_Event_ID" in headers else ["ready", "bell"]
        assert listener.names(len(expected)) == expected
        return listener

    yield open_one
    for listener in opened:
        listener.close()


def test_the_bell_rings_for_its_owner_alone(listen, world):
    ala, bartek = listen(), listen(token_for(world.bartek.pk, seconds=4))
    for email in ("anna@acme.example", "jan@acme.example"):
        world.does(email)
        assert ala.next().name == "bell"
    assert bartek.next().name == "end"


def test_what_is_read_in_one_window_rings_in_the_other(listen, world):
    world.does()
    ala = listen()
    mark_read(Notification.objects.get())
    assert ala.next().name == "bell"


def test_nothing_personal_is_on_the_wire(stream, world):
    with Listener(stream.url, token_for(world.ala.pk)) as listener:
        world.does()
        lines = [listener.answer.readline().decode().strip() for _ in range(8)]
    assert {line.partition(":")[0] for line in lines} <= {"", "event", "id", "data", "retry"}
    assert {"data: listening", "data: look", "retry: 2000"} <= set(lines)


@pytest.mark.parametrize("headers", [{}, SITE, {"Origin": "https://other.example"}])
def test_who_may_listen(stream, world, headers):
    """A script elsewhere may not read it, even with a token of ours."""
    with Listener(stream.url, token_for(world.ala.pk), **headers) as listener:
        allowed = headers.get("Origin", PAGE) == PAGE
        assert listener.status == (200 if allowed else 403)
        if allowed:
            assert listener.headers["Content-Type"] == "text/event-stream"
            assert listener.headers["Access-Control-Allow-Origin"] == headers.get("Origin")


def test_a_page_under_another_name_of_the_site_may_listen(stream, world):
    token = token_for(world.ala.pk, origin="http://localhost:8000")
    with Listener(stream.url, token, Origin="http://localhost:8000") as listener:
        assert listener.headers["Access-Control-Allow-Origin"] == "http://localhost:8000"


@pytest.mark.parametrize("kind", ["none", "rubbish", "foreign", "ended"])
def test_a_bad_token_opens_nothing(stream, world, kind):
    tokens = {
        "none": "",
        "rubbish": "x:y:z",
        "foreign": token_for(world.ala.pk, key="another instance"),
        "ended": token_for(world.ala.pk, seconds=-1),
    }
    with Listener(stream.url, tokens[kind], **SITE) as listener:
        assert listener.status == 403


def test_a_stream_ends_with_its_permit(stream, world):
    with Listener(stream.url, token_for(world.ala.pk, seconds=1)) as listener:
        assert listener.names(3) == ["ready", "bell", "end"]
        assert listener.next() is None


def test_who_comes_back_hears_only_if_something_was_missed(stream, listen, world):
    first = listen()
    world.does()
    heard = first.next()
    first.close()
    again = listen(Last_Event_ID=heard.id)
    again.close()
    world.does("jan@acme.example")
    with Listener(stream.url, token_for(world.ala.pk), Last_Event_ID=heard.id) as late:
        assert late.names(2) == ["ready", "bell"]
    # Nobody listened when it happened; a fresh process knows of nothing, so it rings as well.
    for unknown in ("0123abcd-1", "nonsense", "-", "é-1"):
        with Listener(stream.url, token_for(world.ala.pk), Last_Event_ID=unknown) as listener:
            assert listener.names(2) == ["ready", "bell"]


def test_two_hundred_listen_and_no_more_of_one_member(stream, world):
    listeners = [Listener(stream.url, token_for(world.ala.pk)) for _ in range(200)]
    try:
        for listener in listeners:
            assert listener.names(2) == ["ready", "bell"]
        with Listener(stream.url, token_for(world.ala.pk)) as one_more:
            assert one_more.status == 429
        world.does()
        assert {listener.next().name for listener in listeners} == {"bell"}
    finally:
        for listener in listeners:
            listener.close()


def test_who_reads_nothing_costs_nothing_and_holds_nobody_up(stream, listen, world):
    """However often it rang meanwhile, it is one ring."""
    path = f"GET /?token={token_for(world.ala.pk)} HTTP/1.1\r\nHost: x\r\n\r\n"
    with socket.create_connection(("127.0.0.1", stream.port), 20) as slow:
        slow.sendall(path.encode())
        quick = listen()
        before = stream.kilobytes
        for number in range(30):
            world.does(f"p{number}@acme.example")
        assert quick.next().name == "bell"
        assert stream.kilobytes - before < 4_000


def test_other_addresses_and_methods_are_refused(stream):
    for method, path, status in (("GET", "/other", 404), ("POST", "/", 405), ("OPTIONS", "/", 405)):
        text = f"{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        with socket.create_connection(("127.0.0.1", stream.port), 20) as connection:
            connection.sendall(text.encode())
            assert connection.recv(100).startswith(f"HTTP/1.1 {status} ".encode())


@pytest.mark.parametrize("redis_url", ["", os.environ.get("TEST_REDIS_URL", "")])
def test_asked_to_stop_it_ends_every_stream(start_stream, world, redis_url):
    stream = start_stream(redis_url)
    listeners = [Listener(stream.url, token_for(world.ala.pk)) for _ in range(20)]
    assert {tuple(listener.names(2)) for listener in listeners} == {("ready", "bell")}
    assert stream.stop() == 0
    assert [listener.next() for listener in listeners] == [None] * 20
    assert stream.log == ""


# --- Redis goes and comes back --------------------------------------------------------------


def test_without_redis_it_looks_for_itself(start_stream, world, settings):
    """The same clients hear the next event, and the log says it once."""
    with own_redis() as redis:
        stream = start_stream(redis.url)
        with Listener(stream.url, token_for(world.ala.pk)) as ala:
            assert ala.names(2) == ["ready", "bell"]
            redis.stop()
            world.does()
            assert ala.next().name == "bell"
            redis.start()
            world.does("jan@acme.example")
            assert ala.next().name == "bell"
            redis.stop()
            world.does("ewa@acme.example")
            assert ala.next().name == "bell"
        told = [line for line in stream.log.splitlines() if "Redis does not answer" in line]
        assert len(told) <= 2, stream.log
        assert told
        assert "Traceback" not in stream.log


def test_a_nudge_costs_nobody_time(settings, world):
    """R82: a Redis that is away, or takes connections and is silent, delays no delivery."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.REDIS_URL = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        publisher = make_publisher()
        begun = time.monotonic()
        for member in range(1_000):
            publisher.leave(member)
        world.does()
        assert time.monotonic() - begun < timedelta(seconds=10).total_seconds()
        assert Notification.objects.get().deliveries.get(channel="desktop").state == "delivered"
