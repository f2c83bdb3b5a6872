"""Words that a process passes on in its own time: who leaves one waits for nobody.

May fail, may be lost: only for what the other side finds by itself if it hears nothing.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Generic, TypeVar

# The other side is left alone for this long after a failure.
PAUSE_SECONDS = 5.0
# A process that ends waits no longer than this for its last word.
EXIT_SECONDS = 1.0

Word = TypeVar("Word")
Line = TypeVar("Line")

log = logging.getLogger(__name__)


class Courier(Generic[Word, Line]):
    """The words that are left, each once, and the thread that says them once there is one.

    `connect` opens a line, `say` says one word on it; any exception is a failure, logged
    after `complaint`. Words within `gather_seconds` are said together.
    """

    def __init__(
        self,
        connect: Callable[[], AbstractContextManager[Line]],
        say: Callable[[Word, Line], object],
        *,
        name: str,
        complaint: str,
        gather_seconds: float = 0,
    ) -> None:
        self._connect, self._say = connect, say
        self._name, self._complaint = name, complaint
        self._gather_seconds = gather_seconds
        self._begin()
        os.register_at_fork(after_in_child=self._begin)  # A forked process has lost the thread.
        atexit.register(self.finish)

    def _begin(self) -> None:
        self._left: set[Word] = set()
        self._wake = threading.Event()
        self._ending = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def leave(self, word: Word) -> None:
        self._left.add(word)
        self._wake.set()
        with self._lock:
            if not self._thread:
                thread = threading.Thread(target=self._work, name=self._name, daemon=True)
                thread.start()
                self._thread = thread

    def finish(self) -> None:
        """Say what is left, unless that takes long."""
        self._ending.set()
        self._wake.set()
        if self._thread:
            self._thread.join(EXIT_SECONDS)

    def _work(self) -> None:
        while not self._ending.is_set():
            try:
                with self._connect() as line:
                    self._speak(line)
            except Exception as error:  # noqa: BLE001 - it fails in many ways, none matters
                log.warning("%s: %s", self._complaint, error)
                self._ending.wait(PAUSE_SECONDS)

    def _speak(self, line: Line) -> None:
        last = False
        while not last:
            self._wake.wait()
            self._wake.clear()
            last = self._ending.is_set()
            while self._left:
                self._say(self._left.pop(), line)
            self._ending.wait(self._gather_seconds)
