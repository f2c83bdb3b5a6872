"""The folder broker: whole messages only, each to one reader, and rubbish stops nobody."""

from __future__ import annotations

import json
import multiprocessing
import time
from collections.abc import Iterator
from pathlib import Path
from queue import Empty
from typing import Any

import pytest
from kombu import Connection

from partnernotify.celery import app
from partnernotify.folder_broker import Channel, Transport
from tests.run.rubbish import RUBBISH, message

LANE = "evaluate"


def channel_of(folder: Path) -> Any:
    options = {"folder": str(folder)}
    return Connection("filesystem://", transport=Transport, transport_options=options).channel()


@pytest.fixture
def channel(tmp_path: Path) -> Iterator[Channel]:
    found = channel_of(tmp_path)
    yield found
    found.close()


def number_of(raw: dict[str, Any]) -> int:
    return int(json.loads(raw["body"])[0][0])


def test_a_filesystem_url_means_this_broker_and_no_warning(
    settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    assert settings.CELERY_BROKER_URL == "filesystem://"
    with app.connection_for_write() as found:
        assert isinstance(found.transport, Transport)
        assert found.as_uri()
        found.connect()
    assert not caplog.records


def test_the_oldest_message_goes_first_and_once(channel: Channel) -> None:
    for number in range(3):
        channel._put(LANE, message([number]))
    assert channel._size(LANE) == 3
    assert [number_of(channel._get(LANE)) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(Empty):
        channel._get(LANE)


def test_queues_are_apart(channel: Channel) -> None:
    channel._put("email", message([1]))
    with pytest.raises(Empty):
        channel._get(LANE)
    assert channel._purge("email") == 1
    assert channel._size("email") == 0


@pytest.mark.parametrize("content", RUBBISH.values(), ids=RUBBISH)
def test_rubbish_is_set_aside(channel: Channel, tmp_path: Path, content: bytes) -> None:
    channel._put(LANE, message([1]))
    (tmp_path / LANE / "0.msg").write_bytes(content)
    assert number_of(channel._get(LANE)) == 1
    assert (tmp_path / LANE / "0.damaged").read_bytes() == content
    assert channel._size(LANE) == 0


def test_a_folder_where_a_message_should_be_is_set_aside(channel: Channel, tmp_path: Path) -> None:
    (tmp_path / LANE / "0.msg").mkdir(parents=True)
    with pytest.raises(Empty):
        channel._get(LANE)
    assert channel._size(LANE) == 0


def test_a_call_is_short_so_that_celery_can_stop(channel: Channel) -> None:
    channel.basic_consume(LANE, no_ack=True, callback=print, consumer_tag="1")
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        channel.connection.drain_events(channel.connection, timeout=2.0)
    assert time.monotonic() - began < 1


def test_readers_share_what_writers_write(tmp_path: Path) -> None:
    """Each message arrives whole and once, however many processes write and read."""
    context = multiprocessing.get_context("spawn")
    results = context.SimpleQueue()
    writers = [context.Process(target=_write, args=(tmp_path, start)) for start in (0, 1000)]
    readers = [context.Process(target=_read, args=(tmp_path, results)) for _ in range(2)]
    for process in (*writers, *readers):
        process.start()
    for process in writers:
        process.join(20)
    (tmp_path / "written").touch()
    got = sorted(number for _ in readers for number in results.get())
    assert got == [*range(200), *range(1000, 1200)]
    assert not list(tmp_path.glob("*/*"))


def _write(folder: Path, start: int) -> None:
    channel = channel_of(folder)
    for number in range(start, start + 200):
        channel._put(LANE, message([number]))
        time.sleep(0.0005)  # Readers keep up, so that they meet fresh files.


def _read(folder: Path, results: Any) -> None:
    channel, got = channel_of(folder), []
    while True:
        over = (folder / "written").exists()
        try:
            got.append(number_of(channel._get(LANE)))
        except Empty:
            if over:
                results.put(got)
                return
