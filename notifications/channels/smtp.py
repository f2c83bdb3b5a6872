"""SMTP in which each message ends within a total deadline, connecting included.

A socket's time-out is per answer: a server that sends one byte every few seconds would
hold a worker beyond its lease, and another worker would send the same mail again.
"""

from __future__ import annotations

import smtplib
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from django.conf import settings
from django.core.mail.backends.smtp import EmailBackend


class DeadlineEmailBackend(EmailBackend):
    """Django's SMTP backend; each message has settings.EMAIL_DEADLINE, whatever it waits for."""

    @property
    def connection_class(self) -> type[smtplib.SMTP]:
        return _DeadlineTls if self.use_ssl else _Deadline


class _Deadline(smtplib.SMTP):
    _ends_at: float | None = None

    def connect(self, *args: Any, **options: Any) -> Any:
        with self._within():
            return super().connect(*args, **options)

    def starttls(self, *args: Any, **options: Any) -> Any:
        with self._within():
            return super().starttls(*args, **options)

    def login(self, *args: Any, **options: Any) -> Any:
        with self._within():
            return super().login(*args, **options)

    def sendmail(self, *args: Any, **options: Any) -> Any:
        with self._within():
            try:
                return super().sendmail(*args, **options)
            finally:
                self._ends_at = None  # The next message has its own time.

    def quit(self) -> Any:
        with self._within():
            return super().quit()

    @contextmanager
    def _within(self) -> Iterator[None]:
        if self._ends_at is None:
            self._ends_at = time.monotonic() + settings.EMAIL_DEADLINE.total_seconds()
        timer = threading.Timer(self._ends_at - time.monotonic(), self._hang_up)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _hang_up(self) -> None:
        """Break the connection: whoever waits for an answer gets an error at once."""
        with suppress(OSError, AttributeError):  # Closed meanwhile.
            self.sock.shutdown(socket.SHUT_RDWR)  # type: ignore[union-attr]


class _DeadlineTls(_Deadline, smtplib.SMTP_SSL):
    pass
