"""Read the e-mails that the embedded mode writes into a folder."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from email.parser import BytesHeaderParser, BytesParser
from pathlib import Path

from django.conf import settings

LISTED = 200
_NAME = re.compile(r"(\d{10,20})-\d+(?:-\d+)?")


@dataclass(frozen=True, kw_only=True)
class Letter:
    """An e-mail in the list. `name` identifies it, `at` is when it was sent."""

    name: str
    at: datetime
    to: str
    subject: str


@dataclass(frozen=True, kw_only=True)
class OpenLetter:
    name: str
    at: datetime
    sender: str
    to: str
    subject: str
    headers: tuple[tuple[str, str], ...]
    text: str
    html: str


def in_folder() -> bool:
    """Tell whether e-mails go to the folder at all, and not to a mail server."""
    return str(settings.EMAIL_BACKEND).endswith("FolderBackend")


def letters(*, to: str = "") -> list[Letter]:
    """Return the latest e-mails, newest first, to one address or to all."""
    found = (_letter(path) for path in _files()[:LISTED])
    return [letter for letter in found if letter and (not to or letter.to == to)]


def open_letter(name: str) -> OpenLetter | None:
    """Return one e-mail with its parts, or None if there is no such file."""
    at = _time(name)
    path = Path(settings.MAILBOX_DIR) / f"{name}.eml"
    if at is None or not path.is_file():
        return None
    with path.open("rb") as file:
        message = BytesParser(_class=EmailMessage, policy=policy.default).parse(file)
    return OpenLetter(
        name=name,
        at=at,
        sender=str(message.get("From", "")),
        to=str(message.get("To", "")),
        subject=str(message.get("Subject", "")),
        headers=tuple((key, str(value)) for key, value in message.items()),
        text=_part(message, "plain"),
        html=_part(message, "html"),
    )


def name_of_delivery(public_id: str) -> str | None:
    """Return the name of the latest e-mail of one delivery, or None."""
    for path in _files()[:LISTED]:
        headers = _headers(path)
        if headers is not None and headers.get("X-PN-Delivery") == public_id:
            return path.stem
    return None


def _files() -> list[Path]:
    """Return the files, newest first: their names begin with the time."""
    found = Path(settings.MAILBOX_DIR).glob("[0-9]*.eml")
    return sorted(found, key=lambda path: path.name, reverse=True)


def _letter(path: Path) -> Letter | None:
    headers, at = _headers(path), _time(path.stem)
    if headers is None or at is None:
        return None
    return Letter(
        name=path.stem,
        at=at,
        to=str(headers.get("To", "")),
        subject=str(headers.get("Subject", "")),
    )


def _headers(path: Path) -> EmailMessage | None:
    try:
        with path.open("rb") as file:
            return BytesHeaderParser(_class=EmailMessage, policy=policy.default).parse(file)
    except OSError:  # Removed while we looked.
        return None


def _time(name: str) -> datetime | None:
    match = _NAME.fullmatch(name)
    return datetime.fromtimestamp(int(match[1]) / 1e9, UTC) if match else None


def _part(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    content = part.get_content() if part is not None else ""
    return content if isinstance(content, str) else ""


def recipients(found: list[Letter]) -> Iterator[str]:
    yield from sorted({letter.to for letter in found})
