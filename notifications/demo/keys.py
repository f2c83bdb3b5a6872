"""The write key of the pretend website: kept in a file, so that its pages can use it."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings
from django.db import transaction

from partners.keys import create_write_key, hash_key
from partners.models import Source

NAME = "Northwind website (demo)"


def key_file() -> Path:
    return Path(settings.DATA_DIR) / "demo_write_key"


def demo_key() -> str:
    """Return the demo's write key; empty if this machine has none."""
    path = key_file()
    return path.read_text().strip() if path.is_file() else ""


def demo_source() -> Source | None:
    key = demo_key()
    return Source.objects.filter(key_hash=hash_key(key), revoked_at=None).first() if key else None


@transaction.atomic
def ensure_demo_key() -> Source:
    """Return the source of the key in the file; make both if the file is missing or old."""
    source = demo_source()
    if source is None:
        source, key = create_write_key(NAME)
        path = key_file()
        path.unlink(missing_ok=True)
        path.touch(mode=0o600)
        path.write_text(key)
    return source
