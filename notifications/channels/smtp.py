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


class NothingLeftError(smtplib.SMTPException):
    """The connection broke before any of the message was sent."""


class _Deadline(smtplib.SMTP):
    _ends_at: float | None = None
    _message_begun = False

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
            self._message_begun = False
            try:
                answer = super().sendmail(*args, **options)
            except smtplib.SMTPException as error:
                if self._message_begun or _was_answered(error):
                    raise
                raise NothingLeftError(str(error)) from error
            self._ends_at = None  # The next message has its own time.
            return answer

    def send(self, s: Any) -> None:
        # A command is text, the message is bytes: from here on the server may have it.
        self._message_begun = self._message_begun or isinstance(s, bytes)
        super().send(s)

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


def _was_answered(error: smtplib.SMTPException) -> bool:
    """Whether the server said no; otherwise it hung up, or in the middle of its answer."""
    refused = isinstance(error, smtplib.SMTPRecipientsRefused | smtplib.SMTPNotSupportedError)
    return refused or 400 <= getattr(error, "smtp_code", 0) < 600


class _DeadlineTls(_Deadline, smtplib.SMTP_SSL):
    pass
