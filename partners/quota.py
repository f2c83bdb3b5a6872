"""So many events of one write key in each minute of the clock; a flood stays at the door.

One counter in the cache, added to before anything is stored: with Redis all web processes
share it, without Redis each counts by itself. While Redis is away nobody counts.
"""

from __future__ import annotations

import contextlib
import math
from time import time

from django.conf import settings
from django.core.cache import cache

from partners.models import Source

MINUTE = 60


def quota_of(source: Source) -> int:
    return source.events_per_minute or settings.INTAKE_EVENTS_PER_MINUTE


def seconds_to_wait(source: Source, events: int) -> int:
    """Count the events of a request; return 0 if they fit, else when to send it again.

    A minute takes its quota and not one event more, so any 60 seconds at most twice as
    much. A request that is larger than the whole quota fits if it is the minute's first:
    it would never fit otherwise. What does not fit is not counted.
    """
    minute, second = divmod(time(), MINUTE)
    key = f"intake-events-{source.pk}-{minute:.0f}"
    taken = _add(key, events)
    if taken <= quota_of(source) or taken == events:
        return 0
    with contextlib.suppress(ValueError):  # Emptied since: there is nothing to give back.
        cache.decr(key, events)
    return math.ceil(MINUTE - second)


def _add(key: str, events: int) -> int:
    while True:
        try:
            return cache.incr(key, events)
        except ValueError:  # The minute's first request, unless another one was quicker.
            if cache.add(key, events, timeout=2 * MINUTE):
                return events
