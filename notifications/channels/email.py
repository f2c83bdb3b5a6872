"""E-mail by a mail server: SMTP, an e-mail service by Anymail, or the demo's folder."""

from __future__ import annotations

import re
import smtplib
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from email.policy import Compat32
from email.utils import parseaddr
from functools import cache
from typing import Any, ClassVar

import css_inline
import requests
from anymail.exceptions import AnymailAPIError, AnymailError
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.utils import timezone, translation
from urllib3.exceptions import NewConnectionError

from notifications.channels.base import (
    QUIET_PAUSE,
    Address,
    DeliveryError,
    Failure,
    Send,
    read_retry_after,
)
from notifications.channels.smtp import NothingLeftError
from notifications.messages import Message
from partnernotify.mail_servers import FIRST, MailServer


class EmailChannel:
    key: ClassVar[str] = "email"
    # RFC 1047: a second copy is better than none, and carries the same Message-ID.
    repeats_unknown: ClassVar[bool] = True
    # research/reliability 2.5: eight tries in about 30 hours.
    retries: ClassVar[tuple[timedelta, ...]] = (
        timedelta(seconds=30),
        timedelta(minutes=2),
        timedelta(minutes=10),
        timedelta(minutes=30),
        timedelta(hours=2),
        timedelta(hours=6),
        timedelta(hours=20),
    )

    def __init__(self, server: MailServer = FIRST) -> None:
        self.server = server

    @contextmanager
    def session(self) -> Iterator[Send]:
        """Yield a send over one connection, opened with the first message."""
        connection = self.server.connect()
        try:
            yield lambda message, address: self._send(connection, message, address)
        finally:
            try:
                connection.close()
            except (OSError, smtplib.SMTPException):
                pass  # Everything was answered already; QUIT is a courtesy.

    def _send(self, connection: Any, message: Message, address: Address) -> str:
        mail = build_mail(message, address.value)
        try:
            connection.open()
        except (OSError, smtplib.SMTPException) as error:
            raise DeliveryError(Failure.NOT_SENT, _text(error)) from error
        try:
            connection.send_messages([mail])
        except Exception as error:
            connection.close()
            raise as_delivery_error(error) from error
        status = getattr(mail, "anymail_status", None)
        return str(status.message_id) if status else mail.extra_headers["Message-ID"]


# The service, or what stands before it, does not say what became of the message.
_MAY_HAVE_IT = frozenset({408, 500, 502, 504})


def as_delivery_error(error: Exception) -> DeliveryError:
    """Classify what a mail backend raised: by the first digit of the answer (RFC 5321)."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, text = next(iter(error.recipients.values()))
        return _answered(code, text, bad_address=_is_no_mailbox(code, text))
    if isinstance(error, smtplib.SMTPSenderRefused):
        # Our own address is at fault: every message waits until an operator mends it.
        return _answered(error.smtp_code, error.smtp_error, permanent=False, endpoint_down=True)
    if isinstance(error, smtplib.SMTPResponseException):
        return _answered(error.smtp_code, error.smtp_error)
    if isinstance(error, AnymailAPIError):
        code = getattr(error, "status_code", None) or 0
        if code and (code < 400 or code in _MAY_HAVE_IT):
            return DeliveryError(Failure.UNKNOWN, _text(error), retry_after=_retry_after(error))
        if code:
            permanent = 400 <= code < 500 and code not in (401, 403, 408, 429)
            return DeliveryError(
                Failure.REFUSED,
                _text(error),
                permanent=permanent,
                retry_after=_retry_after(error) or (QUIET_PAUSE if code == 429 else None),
                endpoint_down=not permanent,
            )
        failure = Failure.NOT_SENT if _never_connected(error) else Failure.UNKNOWN
        return DeliveryError(failure, _text(error))
    if isinstance(error, AnymailError):
        return DeliveryError(Failure.NOT_SENT, _text(error), permanent=True)
    if isinstance(error, NothingLeftError):
        return DeliveryError(Failure.NOT_SENT, _text(error))
    if isinstance(error, smtplib.SMTPException | OSError):
        # The connection broke or timed out after the message had started (RFC 1047).
        return DeliveryError(Failure.UNKNOWN, _text(error))
    raise error


def _never_connected(error: AnymailAPIError) -> bool:
    """Whether the service was not even reached. Anymail adds the class of `requests` to its own."""
    reason = getattr(next(iter(getattr(error.__cause__, "args", ())), None), "reason", None)
    return isinstance(error, requests.ConnectTimeout) or isinstance(reason, NewConnectionError)


def _retry_after(error: AnymailAPIError) -> timedelta | None:
    headers = getattr(getattr(error, "response", None), "headers", {})
    return read_retry_after(headers.get("Retry-After", ""), timezone.now())


def _answered(
    code: int,
    text: bytes | str,
    *,
    permanent: bool | None = None,
    bad_address: bool = False,
    endpoint_down: bool = False,
) -> DeliveryError:
    detail = f"{code} {_words(text)}"
    if not 400 <= code < 600:  # Half an answer, or none of RFC 5321.
        return DeliveryError(Failure.UNKNOWN, detail)
    if permanent is None:
        permanent = code >= 500
    return DeliveryError(
        Failure.REFUSED,
        detail,
        permanent=permanent,
        bad_address=permanent and bad_address,
        endpoint_down=endpoint_down or code == 421,  # "Service not available" (RFC 5321).
    )


# Enhanced status codes (RFC 3463), and those that speak of the recipient's mailbox: it does not
# exist, has moved, or is disabled. 5.7.x is a policy, 5.1.7 and 5.1.8 are the sender.
STATUS = re.compile(r"\b[45]\.\d{1,3}\.\d{1,3}\b")
NO_MAILBOX = re.compile(r"\b5\.(?:1\.(?:[12346]|10)|2\.1)\b")
# Answers (RFC 5321) that say the same where there is no such status.
NO_MAILBOX_ANSWERS = frozenset({"550", "551", "553"})


def _is_no_mailbox(code: int, text: bytes | str) -> bool:
    """Whether a refused RCPT says that the address is no good, not that we are."""
    words = _words(text)
    if STATUS.search(words):
        return bool(NO_MAILBOX.search(words))
    return str(code) in NO_MAILBOX_ANSWERS


def _words(text: bytes | str) -> str:
    return text.decode(errors="replace") if isinstance(text, bytes) else text


def _text(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


_SENDER = "partnernotify"  # Five to fifteen characters.
# RFC 5322: 998 at most.
_LINE = 900


class UnfoldedPolicy(Compat32):
    """Headers stay on one line while that is allowed: some readers trip over folded links.

    Django has encoded what is not ASCII, in several lines if it is long.
    """

    def fold_binary(self, name: str, value: Any) -> bytes:
        line = f"{name}: {value}"
        if len(line) <= _LINE and line.isascii() and line.isprintable():
            return f"{line}{self.linesep}".encode()
        return super().fold_binary(name, value)


class UnfoldedMail(EmailMultiAlternatives):
    def message(self, **options: Any) -> Any:
        built = super().message(**options)
        built.policy = UnfoldedPolicy(max_line_length=_LINE)
        # The standard library's own is tried against all text, with an expression per message.
        built.set_boundary(f"={uuid.uuid4().hex}=")
        return built


def build_mail(message: Message, address: str) -> EmailMultiAlternatives:
    """Return the mail: text and HTML, one recipient, Message-ID stable per delivery."""
    with translation.override(message.language):
        context = {"message": message}
        text = render_to_string("messages/mail.txt", context)
        html = render_to_string("messages/mail.html", context)
    mail = UnfoldedMail(
        subject=message.subject,
        body=text,
        to=[address],
        headers={
            "Message-ID": f"<{message.public_id}@{_own_domain()}>",
            "X-PN-Delivery": message.public_id,
            "Auto-Submitted": "auto-generated",
            **_thread_headers(message),
            **_list_headers(message),
        },
    )
    mail.attach_alternative(_inliner().inline(html), "text/html")
    # Anymail sends it along, and it comes back on callbacks.
    mail.metadata = {"delivery_id": message.public_id}  # type: ignore[attr-defined]
    return mail


def _thread_headers(message: Message) -> dict[str, str]:
    """Name a first message that was never sent: mail programs gather what refers to it."""
    if not message.thread:
        return {}
    first = f"<{message.thread}@{_own_domain()}>"
    return {"In-Reply-To": first, "References": first}


def _list_headers(message: Message) -> dict[str, str]:
    if not message.list_id:
        return {}
    return {
        "List-Id": f"<{message.list_id}.{_own_domain()}>",
        "List-Unsubscribe": f"<{message.unsubscribe_url}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        # Gmail counts complaints by it: of this product, and of each topic.
        "Feedback-ID": f"{message.list_id}:{_SENDER}",
    }


@cache
def _inliner() -> css_inline.CSSInliner:
    return css_inline.CSSInliner(keep_style_tags=True, load_remote_stylesheets=False)


def _own_domain() -> str:
    return _domain_of(settings.DEFAULT_FROM_EMAIL)


@cache
def _domain_of(address: str) -> str:
    return parseaddr(address)[1].rpartition("@")[2]
