"""Write keys: made once, shown once, kept as a hash."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable

from partners.models import Source

PREFIX = "pn_live_"


def create_write_key(name: str, *, origins: Iterable[str] = ()) -> tuple[Source, str]:
    """Create a source and return it with its key; the key cannot be read again."""
    key = PREFIX + secrets.token_urlsafe(32)
    return store_write_key(name, key, origins=origins), key


def store_write_key(name: str, key: str, *, origins: Iterable[str] = ()) -> Source:
    """Create a source whose key is known already (the demo's, kept in a file)."""
    return Source.objects.create(
        name=name,
        key_hash=hash_key(key),
        prefix=key[: len(PREFIX) + 4],
        origins=sorted({origin.rstrip("/") for origin in origins}),
    )


def hash_key(key: str) -> str:
    # The key has 256 random bits: a plain hash cannot be guessed back.
    return hashlib.sha256(key.encode(errors="replace")).hexdigest()
