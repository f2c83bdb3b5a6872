"""The broker of `filesystem://`: a folder on this machine. A message is there whole, or not.

kombu's own transport shows a file before it is written; a reader that meets one dies of it.
"""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from pathlib import Path
from queue import Empty
from typing import Any

from kombu.transport import virtual

POLL_SECONDS = 0.1

log = logging.getLogger(__name__)


class Channel(virtual.Channel):
    """One folder per queue, one file per message; the oldest goes first, to one reader."""

    folder: str
    from_transport_options = (*virtual.Channel.from_transport_options, "folder")

    def _put(self, queue: str, message: Any, **_kwargs: Any) -> None:
        folder = self._folder(queue)
        folder.mkdir(parents=True, exist_ok=True)
        # One name per writer, so that writers who die leave no heap behind.
        part = folder / f"{os.getpid()}-{threading.get_ident()}.part"
        part.write_text(json.dumps(message))
        part.replace(folder / f"{time.time_ns()}-{part.stem}.msg")

    def _get(self, queue: str, timeout: float | None = None) -> Any:
        for path in self._waiting(queue):
            try:
                message = self._read(path)
                path.unlink()
            except FileNotFoundError:
                continue  # Another reader was quicker.
            except Exception as error:  # noqa: BLE001 - nothing that lies here stops a worker
                _set_aside(path, error)
            else:
                return message
        raise Empty

    def _read(self, path: Path) -> Any:
        """Return the message in the file; raise if a worker would stumble over it."""
        raw = json.loads(path.read_bytes())
        message = self.Message(raw, channel=self)
        _args, _kwargs, _embed = message.decode()
        if not {"task", "id"} <= message.headers.keys():
            raise ValueError("for no task")
        return raw

    def _size(self, queue: str) -> int:
        return len(self._waiting(queue))

    def _purge(self, queue: str) -> int:
        waiting = self._waiting(queue)
        for path in waiting:
            path.unlink(missing_ok=True)
        return len(waiting)

    def _waiting(self, queue: str) -> list[Path]:
        folder = self._folder(queue)
        try:
            names = os.listdir(folder)
        except OSError:
            return []  # Nobody has written here yet, or the folder was taken away.
        return [folder / name for name in sorted(names) if name.endswith(".msg")]

    def _folder(self, queue: str) -> Path:
        return Path(self.folder) / queue


def _set_aside(path: Path, error: Exception) -> None:
    try:
        path.replace(path.with_suffix(".damaged"))
    except OSError:
        return  # It stays where it is, and is passed over each time.
    log.warning("%s was no message and is set aside (%r)", path, error)


class Transport(virtual.Transport):
    Channel = Channel
    polling_interval = POLL_SECONDS
    # A folder has no host: with one missing, kombu warns and assumes another.
    default_connection_params: dict[str, Any] = {}  # noqa: RUF012

    def drain_events(self, connection: Any, timeout: float | None = None, **_kwargs: Any) -> None:
        """Return soon: Celery notices only between two calls that it should stop."""
        super().drain_events(connection, timeout=timeout and min(timeout, POLL_SECONDS))
