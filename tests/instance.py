"""A whole instance of the product in processes of its own: web, stream, worker, beat.

Used through commands and HTTP only, as an operator and a customer would.
"""

from __future__ import annotations

import atexit
import base64
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import psycopg

from tests.servers import free_port

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 40
LANES = "evaluate,email,desktop,other_apps,mobile,maintenance"


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Instance:
    """Start with `instance(...)`. `manage` runs a command, `post` sends an event."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.stream_port = free_port()
        self.stream_url = f"http://127.0.0.1:{self.stream_port}"
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")},
            "DJANGO_SETTINGS_MODULE": "partnernotify.settings",
            "DATA_DIR": str(folder),
            "SITE_URL": self.url,
            "STREAM_URL": self.stream_url,
            "STATIC_CHECKS": "0",
            "PYTHONWARNINGS": "ignore",
            **environment,
        }
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    # --- commands ---------------------------------------------------------------

    def manage(self, *arguments: str, ok: bool = True) -> str:
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if ok and done.returncode:
            raise AssertionError(f"{arguments} failed:\n{done.stdout}\n{done.stderr}")
        if not ok:
            assert done.returncode, f"{arguments} should have failed:\n{done.stdout}"
            return done.stdout + done.stderr
        return done.stdout

    def import_program(self, program: Mapping[str, Any]) -> str:
        path = self.folder / f"program-{uuid.uuid4().hex}.json"
        path.write_text(json.dumps(program))
        return self.manage("import_program", str(path))

    def write_key(self, name: str = "Website", *arguments: str) -> str:
        return self.manage("create_write_key", name, *arguments).strip().splitlines()[-1]

    def decisions(self, *arguments: str) -> list[dict[str, Any]]:
        out = self.manage("decisions", "--jsonl", *arguments)
        return [json.loads(line) for line in out.splitlines()]

    # --- processes --------------------------------------------------------------

    def start(self, *names: str, **environment: str) -> None:
        """Start processes; what `environment` adds is for these only."""
        for name in names:
            log = open(self.folder / f"{name}.log", "ab")  # noqa: SIM115 - the child's
            self.processes[name] = subprocess.Popen(
                self._command(name),
                cwd=ROOT,
                env={**self.environment, **environment},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
            log.close()
        if "web" in names:
            self._wait("/healthz")

    def _command(self, name: str) -> list[str]:
        python = [sys.executable, "-m"]
        if name == "web":
            return [*python, "granian", "--interface", "wsgi", "--host", "127.0.0.1",
                    "--port", str(self.port), "--workers", self.environment.get("WEB_WORKERS", "1"),
                    "--blocking-threads", "4",
                    "--no-ws", "partnernotify.wsgi:application"]  # fmt: skip
        if name == "stream":
            return [*python, "notifications.stream", "--port", str(self.stream_port)]
        if name.startswith("worker"):
            return [*python, "celery", "-A", "partnernotify", "worker", "--pool", "threads",
                    "--concurrency", "4", "-Q", LANES, "-n", f"{name}@%h", "--without-mingle",
                    "--without-gossip", "--without-heartbeat"]  # fmt: skip
        return [*python, "celery", "-A", "partnernotify", "beat",
                "-S", "partnernotify.beat:HeartbeatScheduler", "--pidfile="]  # fmt: skip

    def stop(self, name: str, sig: int = signal.SIGTERM, *, seconds: float = 20) -> int:
        process = self.processes.pop(name)
        if sig == signal.SIGKILL:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, sig)
        else:
            process.send_signal(sig)
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise

    def stop_all(self) -> None:
        for name in list(self.processes):
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.stop(name)

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text()

    def wait_ready(self) -> None:
        self._wait("/readyz")

    def _wait(self, path: str) -> None:
        until = time.monotonic() + START_SECONDS
        answer = None
        while time.monotonic() < until:
            with contextlib.suppress(OSError):
                answer = self.get(path)
                if answer.status == 200:
                    return
            time.sleep(0.1)
        logs = "\n".join(self.log(name)[-3000:] for name in self.processes)
        raise AssertionError(f"{path} did not answer 200: {answer}\n{logs}")

    # --- HTTP -------------------------------------------------------------------

    def get(self, path: str) -> Answer:
        return self.request("GET", path)

    def post(
        self, path: str, body: Any, *, key: str = "", headers: Mapping[str, str] | None = None
    ) -> Answer:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {"Content-Type": "application/json", **(headers or {})}
        if key:
            sent["Authorization"] = "Basic " + base64.b64encode(f"{key}:".encode()).decode()
        return self.request("POST", path, data, sent)

    def request(
        self,
        method: str,
        path: str,
        data: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        request = urllib.request.Request(
            self.url + path, data=data, headers=dict(headers or {}), method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=20) as response:
                return Answer(response.status, response.headers, response.read())
        except urllib.error.HTTPError as error:
            return Answer(error.code, error.headers, error.read())


@contextlib.contextmanager
def instance(backend: str, folder: Path, **environment: str) -> Iterator[Instance]:
    """Yield a migrated instance on `backend`: "sqlite" (folder broker) or "postgresql"."""
    with contextlib.ExitStack() as stack:
        if backend == "sqlite":
            servers = {
                "DATABASE_URL": f"sqlite:///{folder}/db.sqlite3",
                "CELERY_BROKER_URL": "filesystem://",
                "REDIS_URL": "",
            }
        else:
            servers = {
                "DATABASE_URL": stack.enter_context(_database()),
                "REDIS_URL": _redis_database(),
                "CELERY_BROKER_URL": _redis_database(),
            }
        shutil.copytree(_prepared(), folder, dirs_exist_ok=True)
        product = Instance(folder, {**servers, **environment})
        if "DATABASE_URL" in environment:
            product.manage("migrate", "-v", "0")
        stack.callback(product.stop_all)
        yield product


@cache
def _prepared() -> Path:
    """Return a folder as `migrate` and `collectstatic` leave it: made once, copied often."""
    folder = Path(tempfile.mkdtemp(prefix="pn-prepared-"))
    atexit.register(shutil.rmtree, folder)
    product = Instance(folder, {"DATABASE_URL": f"sqlite:///{folder}/db.sqlite3"})
    product.manage("migrate", "-v", "0")
    product.manage("collectstatic", "--noinput", "-v", "0")
    return folder


@contextlib.contextmanager
def _database() -> Iterator[str]:
    """Yield the URL of a migrated database."""
    server = os.environ["TEST_DATABASE_URL"]
    name, template = _new_name(), _template(server)
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    try:
        yield _url_of(server, name)
    finally:
        _drop(server, name)


@cache
def _template(server: str) -> str:
    """Return the name of a migrated database there, which is copied often."""
    name = _new_name()
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    atexit.register(_drop, server, name)
    with tempfile.TemporaryDirectory(prefix="pn-template-") as folder:
        Instance(Path(folder), {"DATABASE_URL": _url_of(server, name)}).manage("migrate", "-v", "0")
    return name


def _new_name() -> str:
    return f"pn_{uuid.uuid4().hex[:12]}"


def _url_of(server: str, name: str) -> str:
    return f"{server.rpartition('/')[0]}/{name}"


def _drop(server: str, name: str) -> None:
    with (
        contextlib.suppress(psycopg.OperationalError),  # The server is gone, and all with it.
        psycopg.connect(server, autocommit=True) as connection,
    ):
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _redis_database() -> str:
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    return f"{os.environ['TEST_REDIS_URL'].rpartition('/')[0]}/{1 + int(worker) % 15}"
