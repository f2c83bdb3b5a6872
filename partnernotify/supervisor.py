"""`make run`: prepare what is missing, start web, stream, worker and beat, keep them running.

Stopping asks the main processes only, waits, and then ends what is left of its own. A
process that dies is started again after a growing pause.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from types import FrameType
from typing import IO, Any
from urllib.parse import urlsplit

import environ

from partnernotify.processes import Child, Log, adopt_orphans, die_with, is_interrupted

BASE_DIR = Path(__file__).resolve().parent.parent
HOST = "127.0.0.1"
LOOPBACK = (HOST, "localhost")
# Longer than a send may take (settings.SEND_DEADLINE): it is finished, not cut.
STOP_SECONDS = 40.0
TICK_SECONDS = 0.1
# A former instance may need a moment to leave the port.
PORT_SECONDS = 2.0
TRUE = frozenset({"1", "true", "on", "yes", "y", "ok"})


class NotPossible(Exception):
    """The product cannot start; the message is one sentence for a person."""


def main() -> int:
    make_pid = os.getppid() if "--stop-with-parent" in sys.argv[1:] else None
    if make_pid:
        die_with(make_pid)
    adopt_orphans()
    stop = StopRequest(make_pid)
    try:
        environment = read_environment()
        port = check_port("PORT", environment["PORT"])
        choose_stream(environment, port)
        data_dir = check_folder(Path(environment["DATA_DIR"]))
        lock = lock_folder(data_dir)
        facts = prepare(environment, stop)
    except NotPossible as error:
        say(str(error))
        return 1
    if stop.asked:
        return 0
    environment["DEMO"] = "1" if facts["demo"] else "0"
    supervisor = Supervisor(children(environment, data_dir, facts["lanes"]), stop)
    status = supervisor.run(lambda: greeting(environment, port, facts))
    lock.close()
    return status


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


# --- What the start needs ---------------------------------------------------------------


def read_environment() -> dict[str, str]:
    """Return the environment of the processes: .env, NAME_FILE, and our defaults."""
    env = environ.FileAwareEnv()
    env.read_env(str(BASE_DIR / ".env"), overwrite=False)
    environment = dict(os.environ)
    for name, default in (("PORT", "8000"), ("DATA_DIR", str(BASE_DIR / "var")), ("SITE_URL", "")):
        # Known from here on: the children need not read the file again.
        environment.pop(f"{name}_FILE", None)
        environment[name] = env.str(name, default="").strip() or default
    environment["DATA_DIR"] = str(Path(environment["DATA_DIR"]).absolute())
    environment["SITE_URL"] = environment["SITE_URL"] or f"http://{HOST}:{environment['PORT']}"
    for name in ("DATABASE_URL", "DEMO", "DEMO_PASSWORD", "STREAM_PORT", "STREAM_URL"):
        environment.pop(f"{name}_FILE", None)
        environment[name] = env.str(name, default="").strip()
    environment["PYTHONUNBUFFERED"] = "1"
    return {name: value for name, value in environment.items() if value}


def check_port(name: str, text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65_535:
        raise NotPossible(f"{name}={text} is no port: give a number from 1 to 65535.")
    port, until = int(text), time.monotonic() + PORT_SECONDS
    while error := _why_not_bound(port):
        if time.monotonic() > until:
            raise NotPossible(
                f"Port {port} cannot be used ({error}): "
                f"stop what uses it, or start with another one: make run {name}={_other(port)}"
            )
        time.sleep(TICK_SECONDS)
    return port


def choose_stream(environment: dict[str, str], port: int) -> None:
    """Set STREAM_PORT and, where it is known what browsers must call, STREAM_URL."""
    if given := environment.get("STREAM_PORT"):
        chosen = check_port("STREAM_PORT", given)
    else:
        after = (_next(port, steps) for steps in range(1, 100))
        chosen = next((other for other in after if not _why_not_bound(other)), _other(port))
    environment["STREAM_PORT"] = str(chosen)
    site = urlsplit(environment["SITE_URL"])
    if site.hostname in LOOPBACK and "STREAM_URL" not in environment:
        environment["STREAM_URL"] = f"http://{site.hostname}:{chosen}"


def _next(port: int, steps: int) -> int:
    return port + steps if port + steps <= 65_535 else port - steps


def _other(port: int) -> int:
    return port + 1 if port < 65_535 else 8000


def _why_not_bound(port: int) -> str:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            return (error.strerror or str(error)).lower()
    return ""


def check_folder(folder: Path) -> Path:
    probe = folder / f".write-test-{os.getpid()}"
    try:
        (folder / "logs").mkdir(parents=True, exist_ok=True)
        probe.write_text("")
        probe.unlink()
    except OSError as error:
        raise NotPossible(
            f"The data folder {folder} cannot be written ({(error.strerror or '').lower()}): "
            "make it writable, or choose another one with DATA_DIR=."
        ) from error
    return folder


def lock_folder(folder: Path) -> IO[str]:
    """Hold the folder until the returned file is closed, so that no two share it."""
    file = (folder / "run.lock").open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise NotPossible(
            f"Another `make run` uses the data folder {folder}: "
            "stop it first, or choose another folder with DATA_DIR=."
        ) from None
    return file


def demo_password(environment: Mapping[str, str]) -> str:
    """Return DEMO_PASSWORD, or the one made on the first start and then kept."""
    if given := environment.get("DEMO_PASSWORD"):
        return given
    path = Path(environment["DATA_DIR"]) / "demo_password"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(f"demo-{secrets.token_hex(4)}")
    return path.read_text().strip()


def demo_wish(environment: Mapping[str, str]) -> str:
    """Return whether demo data are written: "yes", "no", or "if-empty"."""
    if wish := environment.get("DEMO", "").lower():
        return "yes" if wish in TRUE else "no"
    return "no" if environment.get("DATABASE_URL") else "if-empty"


def prepare(environment: dict[str, str], stop: StopRequest) -> dict[str, Any]:
    """Run the preparation as its own process and return what it says."""
    wish = demo_wish(environment)
    if wish != "no":
        environment["DEMO_PASSWORD"] = demo_password(environment)
    environment["DEMO"] = "0" if wish == "no" else "1"
    parent = os.getpid()
    process = subprocess.Popen(  # noqa: S603 - our own command, no shell
        [sys.executable, "-m", "partnernotify.preparation", wish],
        stdout=subprocess.PIPE,
        cwd=BASE_DIR,
        env=environment,
        start_new_session=True,
        preexec_fn=lambda: die_with(parent),  # noqa: PLW1509
    )
    stop.on_first = process.terminate
    if stop.asked:
        process.terminate()
    output, _ = process.communicate()
    stop.on_first = None
    if stop.asked:
        return {}
    if process.returncode:
        raise NotPossible("Nothing was started.")
    facts: dict[str, Any] = json.loads(output.splitlines()[-1])
    return facts


# --- The processes ----------------------------------------------------------------------


def children(environment: Mapping[str, str], data_dir: Path, lanes: list[str]) -> list[Child]:
    on_sqlite = not environment.get("DATABASE_URL", "sqlite").startswith(("postgres", "pgsql"))
    python = sys.executable
    web = [
        *(python, "-m", "granian", "--interface", "wsgi", "partnernotify.wsgi:application"),
        *("--host", HOST, "--port", environment["PORT"], "--no-ws"),
        *("--workers", "1" if on_sqlite else environment.get("WEB_WORKERS", "2")),
        *("--blocking-threads", "4", "--workers-kill-timeout", "10"),
        # A worker that dies takes the main process along: then all of it starts again.
        *("--no-respawn-failed-workers", "--no-access-log", "--log-level", "warning"),
    ]
    stream = [python, "-m", "notifications.stream", "--port", environment["STREAM_PORT"]]
    worker = [
        *(python, "-m", "celery", "-A", "partnernotify", "worker", "--pool", "threads"),
        *("--concurrency", "4", "-Q", ",".join(lanes), "--loglevel", "warning"),
        *("--without-mingle", "--without-gossip", "--without-heartbeat"),
    ]
    beat = [
        *(python, "-m", "celery", "-A", "partnernotify", "beat", "--loglevel", "warning"),
        *("-S", "partnernotify.beat:HeartbeatScheduler", "--pidfile="),
    ]
    commands = {"web": web, "stream": stream, "worker": worker, "beat": beat}
    return [
        Child(
            name=name,
            command=command,
            log=Log(data_dir / "logs" / f"{name}.log"),
            environment=environment,
            folder=BASE_DIR,
        )
        for name, command in commands.items()
    ]


class StopRequest:
    """Ctrl-C, SIGTERM or a closed terminal. The second one hurries."""

    def __init__(self, make_pid: int | None) -> None:
        self._make_pid = make_pid
        self.count = 0
        self.on_first: Any = None
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._note)

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self.count += 1
        if self.on_first:
            self.on_first()

    @property
    def asked(self) -> bool:
        return self.count > 0 or bool(self._make_pid and is_interrupted(self._make_pid))

    @property
    def hurry(self) -> bool:
        return self.count > 1


class Supervisor:
    """Start the children, restart what dies, say what matters, stop all."""

    def __init__(self, children: list[Child], stop: StopRequest) -> None:
        self._children = children
        self._stop = stop
        self._greeted = False

    def run(self, greet: Any) -> int:
        port = self._children[0].environment["PORT"]
        for child in self._children:
            child.start()
        while not self._stop.asked:
            for child in self._children:
                self._watch(child)
            if not self._greeted and is_ready(port):
                self._greeted = True
                greet()
            time.sleep(TICK_SECONDS)
        return self._end()

    def _watch(self, child: Child) -> None:
        how = child.ended()
        for line in child.log.noteworthy():
            say(f"[{child.name}] {line}")
        if how:
            pause = child.plan_restart()
            last = child.log.last_line
            say(
                f"[{child.name}] stopped ({how}), is started again in {pause} s. "
                f"Last line of {child.log.path}: {last or 'none'}"
            )
        if not child.is_running and time.monotonic() >= child.start_at:
            child.start()

    def _end(self) -> int:
        say("Stopping; what is being sent is finished first. Ctrl-C again hurries.")
        for child in self._children:
            child.ask_to_stop()
        until = time.monotonic() + STOP_SECONDS
        while any(c.is_running for c in self._children):
            if self._stop.hurry or time.monotonic() > until:
                break
            for child in self._children:
                child.ended()
            time.sleep(TICK_SECONDS)
        killed = [child.name for child in self._children if child.is_running]
        for child in self._children:
            child.kill()
        say(f"Stopped by force: {', '.join(killed)}." if killed else "Stopped.")
        return 0


def is_ready(port: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://{HOST}:{port}/readyz", timeout=2):
            return True
    except (OSError, urllib.error.URLError):
        return False


# --- What a person is told --------------------------------------------------------------


def greeting(environment: Mapping[str, str], port: int, facts: Mapping[str, Any]) -> None:
    site = environment["SITE_URL"].rstrip("/")
    say(f"\npartnernotify is ready: {site}/\n")
    if urlsplit(site).port != port:
        say(f"  This machine serves it at http://{HOST}:{port}/\n")
    if facts["demo"]:
        say(DEMO_WORDS.format(site=site, password=environment["DEMO_PASSWORD"]))
    elif not facts["people"]:
        say(EMPTY_WORDS.format(site=site))
    say(f"Ctrl-C stops everything. Logs: {environment['DATA_DIR']}/logs/\n")


DEMO_WORDS = """\
  Sign in with the password  {password}
    ala@northstar.example      Ala, admin of the partner Northstar Agency
    bartek@northstar.example   Bartek, owner of a shared deal
    celina@southwind.example   Celina, of a second partner
    gosia@northwind.example    Gosia, growth specialist of the vendor Northwind
    admin@northwind.example    operator of this instance ({site}/admin/)

  Try next
    1. {site}/demo/  Visit the vendor's website as one of Ala's leads and look at the
       prices: within seconds Ala is told. Her e-mail lies in {site}/demo/mailbox/
    2. {site}/settings/partners/communication/  As Ala: choose who is told about leads,
       or switch it off; look at the prices again.
    3. {site}/demo/sign-up/  Sign up for the CRM as Piotr Lis: Bartek is told, Celina is
       not. The link “Why am I getting this?” in his e-mail shows every rule.
"""

EMPTY_WORDS = """\
  This instance is empty. Next:
    1. Make an operator:    .venv/bin/python manage.py createsuperuser
    2. Make a write key for the website:
                            .venv/bin/python manage.py create_write_key Website
    3. Load partners, leads and deals:
                            .venv/bin/python manage.py import_program FILE.yaml
       or sign in at {site}/admin/
"""


if __name__ == "__main__":
    sys.exit(main())
