"""Typed reading of a document that knows where in the file it is.

A value that is wrong is a problem with its place, and reads as absent (None), so that
reading goes on and finds the next problem.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from notifications.program.errors import Problems
from partners.domains import registrable_domain
from partners.events import clean_email

_FARTHEST_ZONE = timedelta(hours=14)


class Node:
    """A mapping of the file, at a place such as `accounts[0].users[1]`.

    Each reader returns None for an absent key. `null` means absent, unless a reader says
    otherwise.
    """

    def __init__(self, value: object, place: str, problems: Problems) -> None:
        self.place = place
        self._problems = problems
        self._values: Mapping[Any, Any] = value if isinstance(value, Mapping) else {}
        if value is not None and not isinstance(value, Mapping):
            self.refuse("", f"must be a mapping of keys to values, not {_kind(value)}.")

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def is_null(self, key: str) -> bool:
        return key in self._values and self._values[key] is None

    def at(self, key: str) -> str:
        return f"{self.place}.{key}".lstrip(".")

    def refuse(self, key: str, sentence: str) -> None:
        self._problems.add(self.at(key) if key else self.place, sentence)

    def allow(self, *keys: str) -> None:
        """Refuse every key but these."""
        for key in self._values:
            if key not in keys:
                near = difflib.get_close_matches(str(key), keys, n=1)
                hint = f"Did you mean {near[0]!r}?" if near else f"Known: {', '.join(keys)}."
                self.refuse(str(key), f"unknown key. {hint}")

    def keys(self) -> list[str]:
        return [key for key in self._values if isinstance(key, str)]

    def child(self, key: str) -> Node:
        """Return the mapping at `key`; an empty one when it is absent or null."""
        return Node(self._values.get(key), self.at(key), self._problems)

    def children(self, key: str) -> Iterator[Node]:
        """Yield the mappings of the list at `key`."""
        for index, item in enumerate(self.items(key) or ()):
            place = f"{self.at(key)}[{index}]"
            if isinstance(item, Mapping):
                yield Node(item, place, self._problems)
            else:
                self._problems.add(place, f"must be a mapping, not {_kind(item)}.")

    def items(self, key: str) -> list[Any] | None:
        """Return the list at `key`; null is an empty list."""
        if key not in self._values:
            return None
        value = self._values[key]
        if value is None or isinstance(value, list):
            return value or []
        self.refuse(key, f"must be a list, not {_kind(value)}.")
        return None

    def required(self, key: str, value: str | None) -> str:
        """Return `value`, which was read at `key`; empty is a problem."""
        if value is None and self._values.get(key) is not None:
            return ""  # Refused already, for another reason.
        if not value or value.isspace():
            self.refuse(key, "is missing.")
            return ""
        return value

    def text(self, key: str, max_length: int) -> str | None:
        value = self._values.get(key)
        return None if value is None else self._text(value, key, max_length)

    def _text(self, value: object, key: str, max_length: int) -> str | None:
        if not isinstance(value, str):
            self.refuse(key, f"must be a text, not {_kind(value)} (put it in quotes).")
        elif "\0" in value or not _storable(value):
            self.refuse(key, "holds a character that cannot be stored.")
        elif len(value) > max_length:
            self.refuse(key, f"is longer than {max_length} characters.")
        else:
            return value
        return None

    def choice(self, key: str, choices: Iterable[str]) -> str | None:
        if key not in self._values:
            return None
        known = list(choices)
        value = self._values[key]
        if isinstance(value, str) and value in known:
            return value
        self.refuse(key, f"{_shown(value)} is not one of {', '.join(known)}.")
        return None

    def flag(self, key: str) -> bool | None:
        if key not in self._values:
            return None
        value = self._values[key]
        if isinstance(value, bool):
            return value
        self.refuse(key, f"must be true or false, not {_shown(value)}.")
        return None

    def number(self, key: str, least: int, most: int) -> int | None:
        value = self._values.get(key)
        if value is None:
            return None
        if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
            return value
        range_ = f"from {least} to {most}"
        self.refuse(key, f"must be a whole number {range_}, not {_shown(value)}.")
        return None

    def email(self, key: str) -> str | None:
        """Return an e-mail in lower case; an empty text stays empty."""
        value = self.text(key, 254)
        return self.as_email(value, key) if value else value

    def as_email(self, value: object, key: str) -> str | None:
        email = clean_email(value) or _local_email(value)
        if not email:
            self.refuse(key, f"{_shown(value)} is not an e-mail address.")
        return email or None

    def emails(self, key: str) -> list[str] | None:
        """Return the distinct addresses of the list at `key`, in their order."""
        listed = self.items(key)
        if listed is None:
            return None
        found = [self.as_email(value, f"{key}[{i}]") for i, value in enumerate(listed)]
        return list(dict.fromkeys(email for email in found if email))

    def domain(self, key: str) -> str | None:
        value = self.text(key, 2_000)
        if not value or value.isspace():
            return value
        domain = registrable_domain(value)
        if not domain:
            self.refuse(key, f"{_shown(value)} is not a domain that can be registered.")
            return None
        return domain

    def day(self, key: str) -> date | None:
        value = self._values.get(key)
        if value is None:
            return None
        if isinstance(value, date) and not isinstance(value, datetime):
            return value
        try:
            return date.fromisoformat(value if isinstance(value, str) else "")
        except ValueError:
            self.refuse(key, f"{_shown(value)} is not a day such as 2026-08-01.")
            return None

    def moment(self, key: str) -> datetime | None:
        value = self._values.get(key)
        if value is None:
            return None
        try:
            return _as_utc(value)
        except (ValueError, OverflowError):
            self.refuse(key, f"{_shown(value)} is not a date or time (ISO 8601).")
            return None


def _local_email(value: object) -> str:
    """An operator may have an address of this machine, such as root@localhost."""
    try:
        validate_email(value if isinstance(value, str) else "")
    except ValidationError:
        return ""
    return str(value).lower()


def _as_utc(value: object) -> datetime:
    """A naive time is UTC; a date is its midnight."""
    if isinstance(value, str):
        value = datetime.fromisoformat(value.strip())
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day, tzinfo=UTC)
    if not isinstance(value, datetime):
        raise ValueError
    moment = (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(UTC)
    # In every time zone of a reader it must still be a time, else this overflows.
    assert moment - _FARTHEST_ZONE < moment < moment + _FARTHEST_ZONE
    return moment


def _storable(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _kind(value: object) -> str:
    names = {
        "dict": "a mapping",
        "list": "a list",
        "str": "a text",
        "bool": "true or false",
        "int": "a number",
        "float": "a number",
        "date": "a date",
        "datetime": "a date",
        "NoneType": "nothing",
    }
    return names.get(type(value).__name__, type(value).__name__)


def _shown(value: object) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, dict | list):
        return _kind(value)
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= 80 else f"{text[:77]}…"
