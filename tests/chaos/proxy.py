"""A relay in front of PostgreSQL that cuts connections at COMMIT, as a failover does."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from enum import Enum

COMMIT = b"COMMIT\0"


class Cut(Enum):
    NONE = "none"
    BEFORE = "before"  # The server never hears of the COMMIT.
    AFTER = "after"  # It is done, and its answer is lost.


class Proxy:
    """`cuts` says for each COMMIT in turn whether it is cut; at its end none is."""

    def __init__(self, target: int, cuts: Iterator[Cut]) -> None:
        self.done = dict.fromkeys(Cut, 0)
        self._target, self._cuts = target, cuts
        self._lock = threading.Lock()

    def __enter__(self) -> Proxy:
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._socket.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # Closed: the end.
            while True:
                client, _address = self._socket.accept()
                server = socket.create_connection(("127.0.0.1", self._target))
                link = _Link(self, client, server)
                threading.Thread(target=link.up, daemon=True).start()
                threading.Thread(target=link.down, daemon=True).start()

    def next_cut(self) -> Cut:
        with self._lock:
            cut = next(self._cuts, Cut.NONE)
            self.done[cut] += 1
            return cut


class _Link:
    def __init__(self, proxy: Proxy, client: socket.socket, server: socket.socket) -> None:
        self._proxy, self._client, self._server = proxy, client, server
        self._is_answer_lost = False

    def up(self) -> None:
        with self._closing():
            while data := self._client.recv(65536):
                if COMMIT in data:
                    cut = self._proxy.next_cut()
                    if cut == Cut.BEFORE:
                        return
                    self._is_answer_lost = cut == Cut.AFTER
                self._server.sendall(data)

    def down(self) -> None:
        with self._closing():
            while (data := self._server.recv(65536)) and not self._is_answer_lost:
                self._client.sendall(data)

    @contextlib.contextmanager
    def _closing(self) -> Iterator[None]:
        try:
            yield
        except OSError:
            pass  # The other direction has closed it.
        finally:
            for side in (self._client, self._server):
                with contextlib.suppress(OSError):
                    side.shutdown(socket.SHUT_RDWR)
                side.close()
