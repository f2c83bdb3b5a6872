"""From the bytes of an intake request to JSON: size, compression, encoding, syntax.

Pure but for the reading itself. Whatever is wrong with the whole request is Unusable;
what is wrong with a single value stays in the document as a BadValue.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import math
import zlib
from collections import Counter
from typing import Any, Protocol

from django.http import HttpRequest

from partners.events import MAX_DIGITS, BadValue

_CHUNK = 64 * 1024
_GZIP = b"\x1f\x8b"
DUPLICATE_KEY = "duplicate_key"


class Unusable(Exception):
    """The whole request is refused with `status`, a stable `code` and a `message`.

    `retry_after`: the seconds after which the same request is welcome; 0: it is not.
    """

    def __init__(self, status: int, code: str, message: str, *, retry_after: int = 0) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.retry_after = retry_after


class Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


def open_body(request: HttpRequest) -> Readable:
    """Return where the body is read from.

    Django reads as much as Content-Length says: nothing of a body that comes in chunks. The
    server has undone these and marks the end of the body itself.
    """
    environ = request.META
    ends_by_itself = not environ.get("CONTENT_LENGTH") and environ.get("wsgi.input_terminated")
    return environ["wsgi.input"] if ends_by_itself else request


def declared_length(request: HttpRequest) -> int:
    """Return the Content-Length, 0 if there is none. Raises Unusable."""
    text = request.META.get("CONTENT_LENGTH") or ""
    if not text and "HTTP_TRANSFER_ENCODING" in request.META and open_body(request) is request:
        raise Unusable(411, "length_required", "Send the body with a Content-Length.")
    try:
        return int(text or 0)
    except ValueError:
        raise Unusable(400, "invalid_length", "Content-Length is not a number.") from None


def read_body(stream: Readable, *, declared: int, encoding: str, limit: int) -> bytes:
    """Return the inflated body, at most `limit` bytes of it. Raises Unusable.

    `declared` is the Content-Length, 0 if unknown. The cap is on the inflated size:
    an ordinary batch compresses 36 times, so a ratio would say nothing.
    """
    encoding = encoding.strip().lower()
    if encoding not in ("", "identity", "gzip", "x-gzip"):
        raise Unusable(400, "unsupported_encoding", "Send the body plain or with gzip.")
    if declared > limit:
        raise _too_large(limit)
    body = _read(stream, limit)
    if encoding in ("gzip", "x-gzip"):
        body = _inflate(body, limit)
    if body.startswith(_GZIP):
        raise Unusable(400, "unsupported_encoding", "The body is gzip twice or undeclared gzip.")
    return body


def _read(stream: Readable, limit: int) -> bytes:
    chunks, size = [], 0
    while chunk := stream.read(_CHUNK):
        chunks.append(chunk)
        size += len(chunk)
        if size > limit:
            raise _too_large(limit)
    return b"".join(chunks)


def discard(stream: Readable, limit: int) -> None:
    """Read away what a refused client still sends, at most `limit` bytes.

    A server that answers and closes while the client is sending resets the connection,
    and the client never reads why it was refused.
    """
    with contextlib.suppress(OSError):  # The client has gone: nobody is left to be told.
        while limit > 0 and (chunk := stream.read(_CHUNK)):
            limit -= len(chunk)


def _inflate(body: bytes, limit: int) -> bytes:
    try:
        inflated = gzip.GzipFile(fileobj=io.BytesIO(body)).read(limit + 1)
    except EOFError:
        raise Unusable(400, "invalid_gzip", "The gzip body ends too early.") from None
    except (OSError, zlib.error):
        raise Unusable(400, "invalid_gzip", "The gzip body is damaged.") from None
    if len(inflated) > limit:
        raise _too_large(limit)
    return inflated


def _too_large(limit: int) -> Unusable:
    return Unusable(413, "body_too_large", f"A request has at most {limit} bytes.")


def parse(body: bytes) -> tuple[Any, bool]:
    """Return the document, and whether it holds BadValues. Raises Unusable."""
    text = _decode(body)
    if not text.strip():
        raise Unusable(400, "empty_body", "The body is empty.")
    reader = _Reader()
    try:
        document = json.loads(
            text,
            object_pairs_hook=reader.object,
            parse_constant=reader.constant,
            parse_float=reader.decimal,
            parse_int=reader.integer,
        )
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise Unusable(400, "invalid_json", f"{error.msg} ({where}).") from None
    except RecursionError:
        raise Unusable(400, "too_deep", "The JSON is nested too deeply.") from None
    if reader.found_bad_values:
        _refuse_duplicate_keys(document)
    return document, reader.found_bad_values


def _refuse_duplicate_keys(document: object) -> None:
    """Below the top a key that stands twice spoils one event; here it spoils the request."""
    for key, value in document.items() if isinstance(document, dict) else ():
        if isinstance(value, BadValue) and value.code == DUPLICATE_KEY:
            raise Unusable(400, value.code, f"The key {key[:100]!r} stands twice.")


def _decode(body: bytes) -> str:
    if body[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in body[:4]:
        raise Unusable(400, "utf8_expected", "Send the body as UTF-8.")
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unusable(400, "invalid_utf8", f"Not UTF-8 at byte {error.start}.") from None


class _Reader:
    """How single values are read. What cannot be kept becomes a BadValue."""

    def __init__(self) -> None:
        self.found_bad_values = False

    def object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            times = Counter(key for key, _ in pairs)
            bad = self._bad(DUPLICATE_KEY, "A key stands twice.")
            found |= {key: bad for key in found if times[key] > 1}
        return found

    def constant(self, name: str) -> BadValue:
        return self._bad("invalid_number", f"{name} is not a JSON number.")

    def decimal(self, text: str) -> float | BadValue:
        number = float(text)
        if math.isinf(number):
            return self._bad("number_out_of_range", "A number is too large.")
        return number

    def integer(self, digits: str) -> int | BadValue:
        if len(digits) > MAX_DIGITS:
            return self._bad("number_too_long", f"A number has at most {MAX_DIGITS} digits.")
        return int(digits)

    def _bad(self, code: str, message: str) -> BadValue:
        self.found_bad_values = True
        return BadValue(code, message)
