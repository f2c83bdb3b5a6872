"""What somebody can be on: a lead, a client or a deal; and how long their word holds."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

# After that it has to be said anew: what happens then is escalated again.
CLAIM_HOLDS = timedelta(days=7)


class Matter(NamedTuple):
    """`kind`: LEAD, CLIENT or DEAL."""

    kind: str
    id: int


def claim_holds(claimed_at: datetime, now: datetime, *, current: bool = True) -> bool:
    """Whether somebody is still on it. `current`: they can still sign in."""
    return current and now - claimed_at < CLAIM_HOLDS
