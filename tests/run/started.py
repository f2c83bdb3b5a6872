"""`make run` as a person starts it: in a folder and on a port of its own."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlencode

from tests.servers import free_port

ROOT = Path(__file__).resolve().parent.parent.parent
START_SECONDS = 90
OURS = (
    "STREAM_URL",
    "STREAM_PORT",
    "DATABASE_URL",
    "CELERY_BROKER_URL",
    "REDIS_URL",
    "EMAIL_URL",
    "DEMO",
    "SITE_URL",
)


class Started:
    """A running supervisor. `output` is what it said so far."""

    def __init__(self, folder: Path, *, command: list[str] | None = None, **given: str) -> None:
        self.folder, self.port = folder, int(given.pop("PORT", 0)) or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        environment = {k: v for k, v in os.environ.items() if k not in OURS}
        environment.pop("DJANGO_SETTINGS_MODULE", None)
        environment |= {"DATA_DIR": str(folder), "PORT": str(self.port), **given}
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            command or [sys.executable, "-m", "partnernotify.supervisor"],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            preexec_fn=_hear_interrupts,
        )
        self.output = ""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.output += line

    def wait_ready(self) -> float:
        self.wait_until(lambda: "is ready" in self.output, START_SECONDS)
        return time.monotonic() - self.began

    def wait_until(self, holds: Callable[[], Any], seconds: float = 20) -> None:
        until = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < until, self.output
            time.sleep(0.05)

    def status(self, path: str) -> int:
        try:
            with urllib.request.urlopen(self.url + path, timeout=10) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code

    def descendants(self, pid: int | None = None) -> dict[int, str]:
        """Return the processes below the supervisor (or `pid`): id → command line."""
        children: dict[int, list[int]] = {}
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = stat.read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if fields[0] != "Z":
                children.setdefault(int(fields[1]), []).append(int(stat.parent.name))
        found, waiting = {}, [pid or self.process.pid]
        while waiting:
            for child in children.get(waiting.pop(), []):
                found[child] = _command(child)
                waiting.append(child)
        return found

    def pid_of(self, words: str) -> int:
        return next(pid for pid, command in self.descendants().items() if words in command)

    def ask_for_demo(self, email: str) -> str:
        """Send an event of a lead and return its message id."""
        message_id = f"run-{uuid.uuid4()}"
        event = {
            "event": "Demo Requested",
            "messageId": message_id,
            "context": {"traits": {"email": email}},
            "writeKey": (self.folder / "demo_write_key").read_text(),
        }
        request = urllib.request.Request(f"{self.url}/v1/track", json.dumps(event).encode())
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert answer.status == 200
        return message_id

    def push_key(self) -> str:
        """Return the VAPID key that a page of a member who has logged in gives to browsers."""
        browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        login = f"{self.url}/accounts/login/"
        with browser.open(login, timeout=10) as page:
            token = _found(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
        fields = {
            "csrfmiddlewaretoken": token,
            "login": "ala@northstar.example",
            "password": (self.folder / "demo_password").read_text(),
        }
        with browser.open(login, urlencode(fields).encode(), timeout=10) as page:
            return _found(r'data-key="([^"]*)"', page)

    def mails(self) -> list[str]:
        return [path.read_text() for path in sorted((self.folder / "mail").glob("*.eml"))]

    def wait_for_mail_about(self, message_id: str, seconds: float = 20) -> None:
        self.wait_until(lambda: any(message_id in text for text in self.mails()), seconds)

    def stop(self, number: int = signal.SIGINT, seconds: float = 25) -> int:
        self.process.send_signal(number)
        code = self.process.wait(seconds)
        self._reader.join(5)
        return code

    def end(self) -> None:
        """Leave nothing behind, whatever the test did."""
        left = self.descendants()
        if self.process.poll() is None:
            try:
                self.stop(signal.SIGTERM)
            except subprocess.TimeoutExpired:
                self.process.kill()
        for pid, command in left.items():
            if alive(pid, command):
                os.kill(pid, signal.SIGKILL)


def _found(pattern: str, page: IO[bytes]) -> str:
    found = re.search(pattern, page.read().decode())
    assert found, pattern
    return found[1]


def _hear_interrupts() -> None:
    """As from a terminal: a suite that runs in the background is deaf to Ctrl-C, and make too."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def alive(pid: int, command: str) -> bool:
    """Tell whether the process is still the one it was, and no zombie."""
    return bool(command) and _command(pid) == command
