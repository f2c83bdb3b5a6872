"""One event of the intake: from untrusted JSON to an Event, or a reason to reject it.

Pure: no database, no settings. The clock is an argument. Contract, section 3.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import msgspec
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

TYPES = frozenset({"track", "identify", "page", "screen", "group", "alias"})
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
LATEST = datetime(2100, 1, 1, tzinfo=UTC)
MAX_ID_LENGTH = 255
# The context of a batch is kept with each of its events.
MAX_CONTEXT_BYTES = 8 * 1024
# Levels of objects and lists in one event, itself included (B08).
MAX_DEPTH = 20
# Digits that json.loads turns into an int; longer ones are an attack, not a number.
MAX_DIGITS = 4_300
_FIRST_SECOND, _FIRST_MILLISECOND = 1e9, 1e11


class Rejected(Exception):
    """This event cannot be accepted. `code` is stable, `message` is for a developer."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class BadValue:
    """What the JSON parser leaves where a value cannot be kept."""

    code: str
    message: str


@dataclass(slots=True)
class Event:
    """A valid event. `email` is what the event itself says of the person, lower case."""

    type: str
    message_id: str
    name: str
    user_id: str
    anonymous_id: str
    previous_id: str
    email: str
    contact_name: str
    consent_denied: bool
    occurred_at: datetime
    payload: str
    body_hash: str


def read_event(
    raw: object,
    *,
    forced_type: str | None,
    batch: Mapping[str, Any],
    received_at: datetime,
    max_bytes: int,
    suspicious: bool = False,
) -> Event:
    """Return the event in `raw`. Raises Rejected.

    `forced_type` is the type that the path says; `batch` holds what the events of one
    request share: `sentAt`, and `context`, the default of their own, key by key.
    `received_at` is aware UTC. `suspicious` means that the parser left a BadValue
    somewhere in the request.
    """
    if not isinstance(raw, dict):
        raise Rejected("object_expected", "An event is a JSON object.")
    if shared := _object(batch, "context"):
        raw = {**raw, "context": {**shared, **_object(raw, "context")}}
    payload = _encode(raw, suspicious)
    if len(payload) > max_bytes:
        raise Rejected("event_too_large", f"An event has at most {max_bytes} bytes.")
    kind = _type(raw, forced_type)
    context = _object(raw, "context")
    traits = _object(raw, "traits")
    properties = _mapping(raw.get("properties"))
    context_traits = _mapping(context.get("traits"))
    event = Event(
        type=kind,
        message_id=_message_id(raw) or f"pn-{uuid.uuid4()}",
        name=_name(raw, kind),
        user_id=_identifier(raw, "userId"),
        anonymous_id=_identifier(raw, "anonymousId"),
        previous_id=_identifier(raw, "previousId"),
        email=_first_email(context_traits, traits, properties),
        contact_name=_person_name(traits) or _person_name(context_traits),
        consent_denied=any(
            denies(part.get("consent")) for part in (context, traits, context_traits, properties)
        ),
        occurred_at=_occurred_at(raw, batch, received_at),
        payload=payload.decode(),
        body_hash=hashlib.blake2b(payload, digest_size=16).hexdigest(),
    )
    if kind in ("identify", "alias") and not (event.user_id or event.anonymous_id or event.email):
        raise Rejected("missing_user_id", f"`{kind}` needs a userId or an anonymousId.")
    return event


def check_context(batch: Mapping[str, Any], suspicious: bool) -> None:
    """Raise Rejected if the context of a batch cannot be kept with each of its events."""
    if len(_encode(_object(batch, "context"), suspicious)) > MAX_CONTEXT_BYTES:
        words = f"The context of a batch has at most {MAX_CONTEXT_BYTES} bytes."
        raise Rejected("context_too_large", words)


def clean_email(value: object) -> str:
    """Return an e-mail in lower case with an A-label domain, or empty if it is none."""
    # A longer text is no e-mail, and twenty thousand of them would fill the memory.
    is_short = isinstance(value, str) and len(value) <= MAX_ID_LENGTH
    return _clean_email(value) if is_short else ""


@lru_cache(maxsize=20_000)
def _clean_email(value: str) -> str:
    local, at, domain = value.strip().rpartition("@")
    try:
        ascii_domain = domain.rstrip(".").encode("idna").decode("ascii")
        email = f"{local}{at}{ascii_domain}".lower()
        validate_email(email)
    except (UnicodeError, ValidationError):
        return ""
    return email if len(email) <= 254 and "." in ascii_domain else ""


def denies(consent: object) -> bool:
    """Tell whether a consent value says no: `false`, "denied", or every category off."""
    if isinstance(consent, str):
        return consent.strip().lower() in {"denied", "withdrawn", "revoked", "opt-out"}
    if isinstance(consent, Mapping):
        said = [consent[key] for key in ("status", "state", "tracking") if key in consent]
        categories = consent.get("categoryPreferences")
        all_off = (
            isinstance(categories, Mapping) and bool(categories) and not any(categories.values())
        )
        return all_off or any(denies(value) for value in said)
    return consent is False


def _encode(raw: Mapping[str, Any], suspicious: bool) -> bytes:
    """Return the event as compact JSON. What no database can store is rejected here."""
    try:
        payload = msgspec.json.encode(raw)
    except UnicodeEncodeError:
        raise Rejected("invalid_unicode", "A text holds half of a character.") from None
    except RecursionError:
        raise _too_deep() from None
    # Nearly every event has too few brackets to be deep.
    if payload.count(b"{") + payload.count(b"[") > MAX_DEPTH and _is_too_deep(raw):
        raise _too_deep()
    for path, bad in _bad_values(raw) if suspicious else ():
        raise Rejected(bad.code, f"{bad.message} At `{path}`.")
    if b"\\u0000" in payload and _holds_nul(raw):
        raise Rejected("nul_character", "A text holds a NUL character.")
    return payload


def _too_deep() -> Rejected:
    return Rejected("too_deep", f"An event has at most {MAX_DEPTH} levels.")


def _is_too_deep(raw: Mapping[str, Any]) -> bool:
    """Level by level, so that nothing goes down into it before this is known."""
    level: list[Any] = [raw]
    for _ in range(MAX_DEPTH):
        level = [
            value
            for container in level
            for value in (container.values() if isinstance(container, dict) else container)
            if isinstance(value, dict | list)
        ]
        if not level:
            return False
    return True


def _bad_values(value: object, path: str = "") -> Iterator[tuple[str, BadValue]]:
    if isinstance(value, BadValue):
        yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _bad_values(item, f"{path}.{key}".lstrip("."))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _bad_values(item, f"{path}[{index}]")


def _holds_nul(value: object) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any("\0" in key or _holds_nul(item) for key, item in value.items())
    return isinstance(value, list) and any(map(_holds_nul, value))


def _type(raw: Mapping[str, Any], forced: str | None) -> str:
    kind = forced or raw.get("type")
    if kind is None:
        raise Rejected("missing_type", "`type` is missing.")
    if not isinstance(kind, str) or kind not in TYPES:
        raise Rejected("unknown_type", f"`type` is one of: {', '.join(sorted(TYPES))}.")
    return kind


def _name(raw: Mapping[str, Any], kind: str) -> str:
    key = "event" if kind == "track" else "name"
    value = raw.get(key)
    if value is None and kind != "track":
        return ""
    if not isinstance(value, str) or (kind == "track" and not value.strip()):
        raise Rejected(f"missing_{key}", f"`{key}` must be a text.")
    return value


def _message_id(raw: Mapping[str, Any]) -> str:
    value = raw.get("messageId")
    if value is None:
        return ""
    text = value.strip() if isinstance(value, str) else ""
    if not 1 <= len(text) <= MAX_ID_LENGTH or not text.isprintable():
        raise Rejected(
            "invalid_message_id",
            f"`messageId` has 1 to {MAX_ID_LENGTH} printable characters.",
        )
    return text


def _identifier(raw: Mapping[str, Any], key: str) -> str:
    value = raw.get(key)
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise Rejected("invalid_id", f"`{key}` must be a text.")
    text = str(value).strip()
    if len(text) > MAX_ID_LENGTH:
        raise Rejected("invalid_id", f"`{key}` has at most {MAX_ID_LENGTH} characters.")
    return text


def _object(raw: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = raw.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Rejected("object_expected", f"`{key}` must be an object.")
    return value


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _first_email(*places: Mapping[str, Any]) -> str:
    return next((email for p in places if (email := clean_email(p.get("email")))), "")


def _person_name(traits: Mapping[str, Any]) -> str:
    whole = traits.get("name")
    if not isinstance(whole, str):
        parts = (traits.get("firstName"), traits.get("lastName"))
        whole = " ".join(part for part in parts if isinstance(part, str))
    return whole.strip()[:200]


def _occurred_at(
    raw: Mapping[str, Any], batch: Mapping[str, Any], received_at: datetime
) -> datetime:
    """received_at − (sentAt − timestamp): the sender's clock may be wrong, its gap is not."""
    said = _moment(raw, "originalTimestamp") or _moment(raw, "timestamp")
    if said is None:
        return received_at
    sent_at = _moment(raw, "sentAt") or _moment_or_none(batch, "sentAt")
    occurred_at = said if sent_at is None else received_at - (sent_at - said)
    return min(occurred_at, received_at)


def _moment_or_none(raw: Mapping[str, Any], key: str) -> datetime | None:
    try:
        return _moment(raw, key)
    except Rejected:  # A batch is not refused for its envelope's clock.
        return None


def _moment(raw: Mapping[str, Any], key: str) -> datetime | None:
    value = raw.get(key)
    if value is None:
        return None
    try:
        moment = _parse_moment(value)
        in_range = EARLIEST <= moment <= LATEST
    except (ValueError, OverflowError, TypeError):
        raise Rejected("invalid_timestamp", f"`{key}` is not an ISO 8601 time.") from None
    if not in_range:
        raise Rejected("invalid_timestamp", f"`{key}` lies outside the years 2000 to 2099.")
    return moment


def _parse_moment(value: object) -> datetime:
    if isinstance(value, str):
        moment = datetime.fromisoformat(value.strip())
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    if isinstance(value, bool) or not isinstance(value, int | float) or value < _FIRST_SECOND:
        raise ValueError
    seconds = value / 1000 if value >= _FIRST_MILLISECOND else value
    return datetime.fromtimestamp(0, UTC) + timedelta(seconds=seconds)
