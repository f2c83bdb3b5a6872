"""`make run`: from nothing to a working product, through every trouble, and away again."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.run.rubbish import RUBBISH, STRANGE
from tests.run.started import Started, alive
from tests.servers import free_port

pytestmark = pytest.mark.processes
Start = Callable[..., Started]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    begun: list[Started] = []

    def _start(folder: Path | None = None, **given: str) -> Started:
        begun.append(Started(folder or tmp_path / "data", **given))
        return begun[-1]

    yield _start
    for started in begun:
        started.end()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    """An instance started by `make run`, with demo data, shared by the tests of this file."""
    started = Started(tmp_path_factory.mktemp("run"), command=["make", "--silent", "run"])
    started.wait_ready()
    yield started
    started.end()


def test_it_says_where_to_look_and_how_to_sign_in(running: Started) -> None:
    password = (running.folder / "demo_password").read_text()
    for words in (running.url, "ala@northstar.example", password, "/demo/", "Ctrl-C"):
        assert words in running.output
    assert "Traceback" not in running.output


@pytest.mark.parametrize("path", ["/readyz", "/demo/", "/demo/mailbox/", "/accounts/login/"])
def test_its_pages_answer(running: Started, path: str) -> None:
    assert running.status(path) == 200


def test_a_lead_that_asks_for_a_demo_is_told_about(running: Started) -> None:
    running.wait_for_mail_about(running.ask_for_demo("anna@acme.example"))


def test_a_worker_that_dies_is_started_again(running: Started) -> None:
    worker = running.pid_of("partnernotify worker")
    os.kill(worker, signal.SIGKILL)
    running.wait_until(lambda: "[worker] stopped (signal SIGKILL)" in running.output)
    message_id = running.ask_for_demo("filip@deltafoods.example")
    running.wait_for_mail_about(message_id, 30)
    assert running.pid_of("partnernotify worker") != worker


def test_a_web_process_that_dies_leaves_no_child_and_is_started_again(running: Started) -> None:
    web = running.pid_of("granian")
    below = running.descendants(web)
    os.kill(web, signal.SIGKILL)
    running.wait_until(lambda: "[web] stopped (signal SIGKILL)" in running.output)
    running.wait_until(lambda: not any(alive(pid, cmd) for pid, cmd in below.items()))
    running.wait_until(lambda: _answers(running), 30)


def test_the_stream_answers_beside_the_site_and_is_started_again(running: Started) -> None:
    stream = running.pid_of("notifications.stream")
    url = _stream_url(running)
    assert _healthy(url)
    os.kill(stream, signal.SIGKILL)
    running.wait_until(lambda: "[stream] stopped (signal SIGKILL)" in running.output)
    running.wait_until(lambda: _healthy(url), 30)
    assert running.status("/readyz") == 200


def _stream_url(started: Started) -> str:
    command = started.descendants()[started.pid_of("notifications.stream")]
    return f"http://127.0.0.1:{command.split()[-1]}"


def _healthy(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/healthz", timeout=10) as answer:
            return answer.status == 200
    except OSError:
        return False


def test_a_broker_folder_that_vanishes_stops_no_mail(running: Started) -> None:
    shutil.rmtree(running.folder / "broker")
    running.wait_for_mail_about(running.ask_for_demo("greta@eastgate.example"), 30)


def test_rubbish_in_the_broker_folder_stops_no_worker(running: Started) -> None:
    worker = running.pid_of("partnernotify worker")
    lane = running.folder / "broker" / "evaluate"
    lane.mkdir(parents=True, exist_ok=True)
    for name, content in {**RUBBISH, **STRANGE}.items():
        (lane / f"0-{name}.msg").write_bytes(content)
    running.wait_for_mail_about(running.ask_for_demo("igor@glasswing.example"))
    running.wait_until(lambda: not list(lane.glob("0-*.msg")))
    assert running.pid_of("partnernotify worker") == worker


def test_without_beat_mail_still_goes(running: Started) -> None:
    beat = running.pid_of("partnernotify beat")
    os.kill(beat, signal.SIGSTOP)
    try:
        running.wait_for_mail_about(running.ask_for_demo("hanna@fernhill.example"))
    finally:
        os.kill(beat, signal.SIGCONT)


def _answers(started: Started) -> bool:
    try:
        return started.status("/healthz") == 200
    except OSError:
        return False


# --- Start and stop ------------------------------------------------------------------


def test_ctrl_c_leaves_nothing_and_the_next_start_has_nothing_to_do(start: Start) -> None:
    first = start()
    first.wait_ready()
    processes = first.descendants()
    assert len(processes) >= 5
    push_key = first.push_key()
    assert first.stop(signal.SIGINT) == 0
    assert first.output.rstrip().endswith("Stopped.")
    assert not [cmd for pid, cmd in processes.items() if alive(pid, cmd)]
    second = start()
    assert second.wait_ready() < 15  # Under 5 s on a quiet machine.
    for work in ("Collecting", "Bringing", "Writing"):
        assert work in first.output
        assert work not in second.output
    # Browsers subscribe for one key: with another one nobody could reach them any more.
    assert re.fullmatch(r"[\w-]{87}", push_key)
    assert second.push_key() == push_key


def test_an_interrupt_that_reaches_only_make_stops_all(start: Start, tmp_path: Path) -> None:
    """A script signals the process that it started, not its whole group as a terminal does."""
    makefile = tmp_path / "Makefile"
    makefile.write_text(
        f"run:\n\t@exec {sys.executable} -m partnernotify.supervisor --stop-with-parent\n"
    )
    started = start(command=["make", "-f", str(makefile), "run"])
    started.wait_ready()
    processes = started.descendants()
    started.stop(signal.SIGINT)
    assert "Stopped." in started.output
    assert not [cmd for pid, cmd in processes.items() if alive(pid, cmd)]


def test_children_notice_that_the_supervisor_was_killed(start: Start) -> None:
    started = start()
    started.wait_ready()
    processes = started.descendants()
    started.process.kill()
    started.process.wait()
    started.wait_until(lambda: not any(alive(pid, cmd) for pid, cmd in processes.items()))


def test_ctrl_c_during_the_preparation_stops_it(start: Start) -> None:
    started = start()
    started.wait_until(lambda: "Bringing the database" in started.output, 60)
    assert started.stop(signal.SIGINT) == 0
    assert "is ready" not in started.output


# --- Troubles have a sentence ----------------------------------------------------------


def test_a_used_port_is_named_with_a_way_out(start: Start) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        started = start(PORT=str(port))
        assert started.process.wait(20) == 1
    started.wait_until(lambda: f"make run PORT={port + 1}" in started.output)
    assert len(started.output.splitlines()) == 1


def test_the_stream_takes_the_next_port_that_is_free(start: Start) -> None:
    with socket.socket() as other:
        port = free_port()
        other.bind(("127.0.0.1", port + 1))
        other.listen()
        started = start(PORT=str(port), DEMO="0")
        started.wait_ready()
        assert _stream_url(started).endswith(f":{port + 2}")


def test_a_used_port_of_the_stream_is_named(start: Start) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        started = start(STREAM_PORT=str(port))
        assert started.process.wait(20) == 1
    started.wait_until(lambda: f"make run STREAM_PORT={port + 1}" in started.output)


def test_a_folder_that_cannot_be_written_is_named(start: Start, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    started = start(tmp_path / "file")
    assert started.process.wait(20) == 1
    started.wait_until(lambda: "DATA_DIR=" in started.output)
    assert len(started.output.splitlines()) == 1


def test_two_never_share_a_folder(running: Started, start: Start) -> None:
    started = start(running.folder)
    assert started.process.wait(20) == 1
    started.wait_until(lambda: "Another `make run`" in started.output)


def test_a_database_that_does_not_answer_is_named(start: Start) -> None:
    started = start(DATABASE_URL="postgres://nobody@127.0.0.1:1/none")
    assert started.process.wait(60) == 1
    started.wait_until(lambda: "The database cannot be used" in started.output)
    assert "Traceback" not in started.output


# --- Demo data -------------------------------------------------------------------------


def test_without_demo_data_it_says_how_to_begin(start: Start) -> None:
    started = start(DEMO="0")
    started.wait_ready()
    started.wait_until(lambda: "create_write_key" in started.output)
    assert "createsuperuser" in started.output
    assert started.status("/demo/") == 404


def test_a_given_database_is_seeded_only_when_asked(start: Start, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'given.sqlite3'}"
    first = start(DATABASE_URL=url)
    first.wait_ready()
    assert first.status("/demo/") == 404
    first.stop()
    second = start(DATABASE_URL=url, DEMO="1")
    second.wait_ready()
    assert second.status("/demo/") == 200
