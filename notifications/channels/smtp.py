"""SMTP in which each message ends within a total deadline, connecting included."""

from __future__ import annotations

import smtplib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.core.mail.backends.smtp import EmailBackend

from notifications.channels.deadline import hang_up_after


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
        left = self._ends_at - time.monotonic()
        with hang_up_after(left, lambda: getattr(self, "sock", None)):
            yield


class _DeadlineTls(_Deadline, smtplib.SMTP_SSL):
    pass
