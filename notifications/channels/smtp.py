"""SMTP in which each message ends within a total deadline, connecting included.

A socket's own time-out is per answer: a server that sends one byte every few seconds would
hold a worker beyond its lease, and another worker would send the same message again.
"""

from __future__ import annotations

import io
import smtplib
import socket
import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any, cast

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.smtp import EmailBackend
from django.core.mail.message import sanitize_address


class DeadlineEmailBackend(EmailBackend):
    """Django's SMTP backend; each message has settings.EMAIL_DEADLINE, whatever it waits for."""

    @property
    def connection_class(self) -> type[smtplib.SMTP]:
        return _DeadlineTls if self.use_ssl else _Deadline

    def _send(self, email_message: EmailMessage) -> bool:
        # Django's own parses both addresses anew each time, by the whole grammar of headers:
        # a tenth of what an e-mail costs.
        encoding = email_message.encoding or settings.DEFAULT_CHARSET
        sender = _envelope_address(email_message.from_email, encoding)
        recipients = [_envelope_address(to, encoding) for to in email_message.recipients()]
        content = cast("Any", email_message.message()).as_bytes(linesep="\r\n")
        cast("smtplib.SMTP", self.connection).sendmail(sender, recipients, content)
        return True


_envelope_address = lru_cache(maxsize=1_000)(sanitize_address)


class NothingLeftError(smtplib.SMTPException):
    """The connection broke before any of the message was sent."""


class _Deadline(smtplib.SMTP):
    """Each wait is given what is left: one `recv`, all of a `sendall`, all of a TLS handshake."""

    _ends_at: float | None = None
    _message_begun = False

    def connect(self, *args: Any, **options: Any) -> Any:
        self.timeout = max(self._left(), _LEAST)
        return super().connect(*args, **options)

    def sendmail(self, *args: Any, **options: Any) -> Any:
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
        if self._left() <= 0:
            self.close()
            raise smtplib.SMTPServerDisconnected(_OVER)
        # A command is text, the message is bytes: from here on the server may have it.
        self._message_begun = self._message_begun or isinstance(s, bytes)
        self._limit_next_wait()
        super().send(s)

    def getreply(self) -> tuple[int, bytes]:
        if self.file is None and self.sock:
            self.file = io.BufferedReader(_Reader(self.sock, self._left))
        answer = super().getreply()
        self._limit_next_wait()  # After STARTTLS that is the handshake.
        return answer

    def _limit_next_wait(self) -> None:
        if self.sock:
            self.sock.settimeout(max(self._left(), _LEAST))

    def _left(self) -> float:
        """Return how many seconds the next wait may take; 0 or less: the time is over."""
        now = time.monotonic()
        if self._ends_at is None:
            self._ends_at = now + settings.EMAIL_DEADLINE.total_seconds()
        return min(self.timeout, self._ends_at - now)


# A socket with 0 seconds would not wait at all, but fail in another way.
_LEAST = 0.001
_OVER = "The time for this message is over"


class _Reader(io.RawIOBase):
    """Reads from the socket; `left` seconds are given to each wait."""

    def __init__(self, sock: socket.socket, left: Callable[[], float]) -> None:
        self._sock, self._left = sock, left

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left = self._left()
        if left <= 0:
            raise TimeoutError(_OVER)
        self._sock.settimeout(left)
        return self._sock.recv_into(buffer)


def _was_answered(error: smtplib.SMTPException) -> bool:
    """Whether the server said no; otherwise it hung up, or in the middle of its answer."""
    refused = isinstance(error, smtplib.SMTPRecipientsRefused | smtplib.SMTPNotSupportedError)
    return refused or 400 <= getattr(error, "smtp_code", 0) < 600


class _DeadlineTls(_Deadline, smtplib.SMTP_SSL):
    pass
