"""Where a text speaks of a person: their very address, not a longer one that contains it."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import quote, unquote

from django.db.models import Q

# What JSON and repr write for a line break; its letter is none of the address's.
_ESCAPE = re.compile(r"\\(u[0-9a-f]{4}|x[0-9a-f]{2}|.)", re.IGNORECASE)


def mentions(email: str) -> Callable[[str], bool]:
    """Return a test for texts: plain ones, addresses of pages (`%40`), JSON and repr.

    `johanna@…`, `x+anna@…` and `anna@acme.example.com` are other people than `anna@…`.
    """
    address = re.compile(rf"(?<![\w.+-]){re.escape(email)}(?!-*\w|\.\w)", re.IGNORECASE)

    def mentions_it(text: str) -> bool:
        readings = (text, unquote(text), _ESCAPE.sub(" ", text))
        return any(address.search(reading) for reading in readings)

    return mentions_it


def perhaps_mentions(email: str, *fields: str) -> Q:
    """Return what a database can ask: it finds longer addresses, too."""
    found = Q()
    for field in fields:
        for written in (email, quote(email)):
            found |= Q(**{f"{field}__icontains": written})
    return found
