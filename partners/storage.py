"""Whether this process can store events.

A full disk or a database that became read-only still answers questions and keeps heartbeats
going; only who stores something notices. `/readyz` asks here.
"""

from __future__ import annotations

import time

from django.conf import settings

_failed_at: float | None = None


def note_stored() -> None:
    global _failed_at  # noqa: PLW0603 - of the whole process
    _failed_at = None


def note_failed() -> None:
    global _failed_at  # noqa: PLW0603
    _failed_at = time.monotonic()


def is_failing() -> bool:
    """Tell whether the last try to store something failed, and lately.

    Not for longer: whoever keeps events away because of it would keep away the next try.
    """
    lately = settings.HEARTBEAT_STALE.total_seconds()
    return _failed_at is not None and time.monotonic() - _failed_at < lately
