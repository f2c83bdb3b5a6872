"""The real stream process beside the test's own database, and a client that reads it."""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from django.conf import settings
from django.core import signing
from django.db import connection

from tests.servers import free_port

ROOT = Path(__file__).resolve().parent.parent.parent
START_SECONDS = 30
PAGE = "https://partners.example"


class StreamProcess:
    """Start with `start`; `url` stays the same when it is started again."""

    def __init__(self, folder: Path, redis_url: str = "") -> None:
        self.redis_url = redis_url
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._log = folder / "stream.log"
        self._environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "DJANGO_"))},
            "DATABASE_URL": _database_url(),
            "DATA_DIR": str(settings.DATA_DIR),
            "SECRET_KEY": settings.SECRET_KEY,
            "SITE_URL": PAGE,
            "REDIS_URL": redis_url,
            "PYTHONWARNINGS": "ignore",
        }

    def start(self) -> None:
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "notifications.stream", "--port", str(self.port)],
                cwd=ROOT,
                env=self._environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        until = time.monotonic() + START_SECONDS
        while not self._answers():
            assert self.process.poll() is None, self.log
            assert time.monotonic() < until, self.log
            time.sleep(0.05)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=5) as answer:
                return answer.status == 200
        except OSError:
            return False

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(20)

    @property
    def log(self) -> str:
        return self._log.read_text()

    @property
    def kilobytes(self) -> int:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0])


def _database_url() -> str:
    own = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{own['NAME']}"
    who = f"{own['USER']}:{own['PASSWORD']}@" if own["PASSWORD"] else f"{own['USER']}@"
    return f"postgres://{who}{own['HOST']}:{own['PORT']}/{own['NAME']}"


@dataclass(frozen=True)
class Event:
    name: str
    id: str


class Listener:
    """One open stream. `next` waits for the next event and leaves out comments."""

    def __init__(self, url: str, token: str = "", *, seconds: float = 20, **headers: str) -> None:
        host, _, port = url.removeprefix("http://").partition(":")
        self._connection = http.client.HTTPConnection(host, int(port), timeout=seconds)
        path = f"/?{urlencode({'token': token})}" if token else "/"
        self._connection.request(
            "GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()}
        )
        self.answer = self._connection.getresponse()
        self.status, self.headers = self.answer.status, self.answer.headers

    def next(self) -> Event | None:
        """Return the next event, or None when the stream has ended."""
        fields: dict[str, str] = {}
        while line := self.answer.readline():
            name, colon, value = line.decode().rstrip("\n").partition(": ")
            if colon:
                fields[name] = value
            elif "event" in fields:
                return Event(fields["event"], fields.get("id", ""))
        return None

    def names(self, count: int) -> list[str]:
        events = [self.next() for _ in range(count)]
        return [event.name if event else "(end)" for event in events]

    def close(self) -> None:
        self.answer.close()
        self._connection.close()

    def __enter__(self) -> Listener:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def token_for(member: int, *, origin: str = PAGE, seconds: float = 60, key: str = "") -> str:
    """Return a token as the web process makes it, or with somebody else's key."""
    salt = "notifications.stream"
    return signing.dumps((member, origin, time.time() + seconds), key=key or None, salt=salt)
