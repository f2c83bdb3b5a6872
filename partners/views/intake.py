"""The event API: /v1/{track,identify,page,screen,group,alias,batch} and short forms.

Contract, section 3. Segment's clients work unchanged. Webhooks of this product, whichever
instance sent them, are refused with 400 `webhook_not_event`: they would go round for ever.
"""

from __future__ import annotations

import base64
import binascii
import logging
import threading
import time
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db import DatabaseError, InternalError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from partners.events import Rejected, check_context
from partners.intake import Receipt, accept
from partners.keys import hash_key
from partners.models import Source
from partners.quota import quota_of, seconds_to_wait
from partners.storage import note_failed, note_stored
from partners.wire import Unusable, declared_length, discard, open_body, parse, read_body

log = logging.getLogger(__name__)
PATHS: Mapping[str, str] = {
    **{kind: kind for kind in ("track", "identify", "page", "screen", "group", "alias", "batch")},
    **{
        "t": "track",
        "i": "identify",
        "p": "page",
        "s": "screen",
        "g": "group",
        "a": "alias",
    },
    "b": "batch",
}


@csrf_exempt  # Authorised by a write key, never by a cookie.
def intake(request: HttpRequest, path: str) -> HttpResponse:
    try:
        if request.method == "OPTIONS":
            return _preflight(request)
        if request.method != "POST":
            raise Unusable(405, "method_not_allowed", "Send events with POST.")
        return _accept(request, PATHS[path])
    except Unusable as error:
        discard(open_body(request), settings.INTAKE_MAX_DISCARD_BYTES)
        return _refusal(request, error)
    except DatabaseError as error:
        return _refusal(request, _unavailable(error))


def _accept(request: HttpRequest, kind: str) -> HttpResponse:
    _check_no_webhook(request)
    if "writeKey" in request.GET:
        _flag_leak(request.GET["writeKey"])
        raise Unusable(400, "write_key_in_url", "Send the write key in a header or the body.")
    header_key = _key_of_header(request.headers.get("Authorization", ""))
    body = read_body(
        open_body(request),
        declared=declared_length(request),
        encoding=request.headers.get("Content-Encoding", ""),
        limit=settings.INTAKE_MAX_BODY_BYTES,
    )
    source = _source(header_key) if header_key else None
    document, suspicious = parse(body)
    if not isinstance(document, dict):
        raise Unusable(400, "object_expected", "The body is one JSON object.")
    source = source or _source(document.get("writeKey"))
    _check_origin(request, source)
    _check_rate(source)
    is_batch = kind == "batch"
    if is_batch:
        _check_context(document, suspicious)
    raw_events = _events_of(document) if is_batch else [document]
    _check_quota(source, len(raw_events))
    receipt = accept(
        source,
        raw_events,
        forced_type=None if is_batch else kind,
        batch=document if is_batch else {},
        received_at=timezone.now(),
        max_event_bytes=settings.INTAKE_MAX_EVENT_BYTES,
        suspicious=suspicious,
    )
    note_stored()
    return _allow(request, JsonResponse(_summary(receipt, is_batch)))


def _check_no_webhook(request: HttpRequest) -> None:
    """Two instances that fed each other, or one itself, would find no end."""
    if request.headers.get("User-Agent", "").startswith(settings.WEBHOOK_AGENT):
        words = "This is a webhook of this product. Notifications are not taken as events."
        raise Unusable(400, "webhook_not_event", words)


def _unavailable(error: DatabaseError) -> Unusable:
    """Whatever the database cannot do now. It may have stored all and died before it said so."""
    log.error("The database does not take events: %s", str(error).partition("\n")[0])
    if isinstance(error, (OperationalError, InternalError)):
        note_failed()
    words = "The database cannot take it now. Send the request again; no messageId counts twice."
    return Unusable(503, "unavailable", words, retry_after=5)


def _events_of(document: dict[str, Any]) -> list[object]:
    events = document.get("batch")
    if not isinstance(events, list):
        raise Unusable(400, "batch_expected", "`batch` is a list of events.")
    if not events:
        raise Unusable(400, "empty_batch", "`batch` holds no event.")
    if len(events) > settings.INTAKE_MAX_EVENTS:
        limit = settings.INTAKE_MAX_EVENTS
        raise Unusable(413, "batch_too_large", f"A batch has at most {limit} events.")
    return events


def _check_context(document: dict[str, Any], suspicious: bool) -> None:
    try:
        check_context(document, suspicious)
    except Rejected as error:
        status = 413 if error.code == "context_too_large" else 400
        raise Unusable(status, error.code, error.message) from None


def _summary(receipt: Receipt, is_batch: bool) -> dict[str, Any]:
    summary: dict[str, Any] = {
        "success": True,
        "accepted": receipt.accepted,
        "rejected": [
            {"index": r.index, "code": r.code, "message": r.message} for r in receipt.rejected
        ],
    }
    if not is_batch and receipt.message_ids:
        summary["messageId"] = receipt.message_ids[0]
    return summary


# --- The write key ----------------------------------------------------------


def _key_of_header(header: str) -> str:
    scheme, _, value = header.partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value.strip(), validate=True).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError, ValueError):
            raise _unknown_key() from None
    return ""


def _source(key: object) -> Source:
    source = None
    if isinstance(key, str) and key:
        source = Source.objects.filter(key_hash=hash_key(key), revoked_at=None).first()
    if source is None:
        raise _unknown_key()
    return source


def _unknown_key() -> Unusable:
    return Unusable(401, "invalid_write_key", "The write key is missing, unknown or revoked.")


def _flag_leak(key: str) -> None:
    Source.objects.filter(key_hash=hash_key(key), leaked_at=None).update(leaked_at=timezone.now())


# --- Rate -------------------------------------------------------------------

_buckets: dict[int, tuple[float, float]] = {}
_buckets_lock = threading.Lock()


def _check_rate(source: Source) -> None:
    """A token bucket per key and process: one second's worth of requests at a time."""
    limit = settings.INTAKE_REQUESTS_PER_SECOND
    now = time.monotonic()
    with _buckets_lock:
        tokens, since = _buckets.get(source.pk, (float(limit), now))
        tokens = min(float(limit), tokens + (now - since) * limit)
        _buckets[source.pk] = (tokens - 1 if tokens >= 1 else tokens, now)
    if tokens < 1:
        words = f"At most {limit} requests a second. Nothing of this request was kept."
        raise Unusable(429, "too_many_requests", words, retry_after=1)


def _check_quota(source: Source, events: int) -> None:
    if seconds := seconds_to_wait(source, events):
        limit = quota_of(source)
        words = f"At most {limit} events a minute. Nothing of this request was kept."
        raise Unusable(429, "too_many_events", words, retry_after=seconds)


# --- Browsers ---------------------------------------------------------------


def _preflight(request: HttpRequest) -> HttpResponse:
    """A preflight carries no key: answer any origin that some key lists; `*` if one lists none."""
    response = HttpResponse(status=204, headers={"Vary": "Origin"})
    origin = request.headers.get("Origin", "")
    lists = list(Source.objects.filter(revoked_at=None).values_list("origins", flat=True))
    is_open = not all(lists)
    if is_open or any(origin in origins for origins in lists):
        response["Access-Control-Allow-Origin"] = "*" if is_open else origin
        response["Access-Control-Allow-Methods"] = "POST, OPTIONS"
        response["Access-Control-Allow-Headers"] = (
            "Authorization, Content-Type, Content-Encoding, X-Retry-Count"
        )
        response["Access-Control-Max-Age"] = "86400"
    return response


def _check_origin(request: HttpRequest, source: Source) -> None:
    origin = request.headers.get("Origin")
    if origin and source.origins and origin not in source.origins:
        raise Unusable(403, "origin_not_allowed", "This write key is for other websites.")


def _allow(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    response["Access-Control-Allow-Origin"] = request.headers.get("Origin", "*")
    response["Vary"] = "Origin"
    return response


def _refusal(request: HttpRequest, error: Unusable) -> HttpResponse:
    response = JsonResponse({"code": error.code, "message": error.message}, status=error.status)
    if error.status == 401:
        response["WWW-Authenticate"] = 'Basic realm="write key"'
    elif error.status == 405:
        response["Allow"] = "POST, OPTIONS"
    if error.retry_after:
        response["Retry-After"] = str(error.retry_after)
    # A page of a foreign origin may read why it was refused, but nothing else.
    return response if error.status == 403 else _allow(request, response)
