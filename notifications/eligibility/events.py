"""What stops an event before anyone is known."""

from __future__ import annotations

from notifications.eligibility.facts import (
    Event,
)
from notifications.reasons import Reason


def why_nobody(event: Event) -> Reason | None:
    """R20-R23, in the order in which they are met; None if the event may notify."""
    if event.consent_denied:
        return Reason.NO_CONSENT
    if event.internal:
        return Reason.INTERNAL
    if event.robot and event.page_view:
        return Reason.BOT
    return Reason.STALE if event.stale else None
