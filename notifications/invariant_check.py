"""Check the invariants now and then, once for the whole instance, and keep what was found.

They read whole tables, so nobody waits for them: the gauges show the last result and its age.
"""

from __future__ import annotations

import time
from datetime import timedelta

from django.db.models.functions import Now

from notifications.invariants import queries
from notifications.models import InvariantCheck
from partnernotify.shutdown import stopping

PAUSE = timedelta(minutes=5)
# On a large database a check is long: it may take a tenth of the time, not more.
SHARE = 0.1
# Longer than a check takes; whoever dies in the middle delays the next one by this.
TURN = timedelta(minutes=30)


def check_if_due() -> bool:
    """Check, unless somebody else does or did so lately. Return whether it was done.

    Any number of processes may ask at any time. A process that stops leaves the last result.
    """
    row = InvariantCheck.objects.filter(pk=InvariantCheck.ONLY)
    InvariantCheck.objects.get_or_create(pk=InvariantCheck.ONLY, defaults={"next_at": Now()})
    if not row.filter(next_at__lte=Now()).update(next_at=Now() + TURN):
        return False
    began = time.monotonic()
    broken = {}
    for name, rows in queries().items():
        if stopping.is_set():
            row.update(next_at=Now())
            return False
        broken[name] = rows.count()
    took = timedelta(seconds=time.monotonic() - began)
    pause = max(PAUSE, took / SHARE - took)
    row.update(broken=broken, checked_at=Now(), next_at=Now() + pause)
    return True
