"""How many messages a day may disturb a member on a channel, and which have to wait.

Pure. The limit is the member's own ("at most 5 a day"); what exceeds it is not dropped, it
comes together with the next digest, or the next morning (timing.py).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from notifications.triggers import BUILT_IN, Strength

MOST = 50


@dataclass(frozen=True, kw_only=True, slots=True)
class Ask:
    """A delivery that would disturb. One notification on two devices disturbs once."""

    delivery_id: int
    notification_id: int
    strength: int

    @property
    def is_urgent(self) -> bool:
        return self.strength >= Strength.ASK


def strength_of(trigger: str) -> Strength:
    """Return how much it says; of an operator's own trigger nobody knows."""
    return BUILT_IN[trigger].strength if trigger in BUILT_IN else Strength.STEP


def who_waits(asks: Iterable[Ask], most: int, told: Collection[int]) -> set[int]:
    """Return the ids of the deliveries that have to wait. `told`: the notifications that have
    disturbed today. The strongest come first; what is urgent always goes, and counts."""
    known, waits = set(told), set()
    for ask in sorted(asks, key=lambda ask: (-ask.strength, ask.delivery_id)):
        if ask.notification_id in known:
            continue
        if ask.is_urgent or len(known) < most:
            known.add(ask.notification_id)
        else:
            waits.add(ask.delivery_id)
    return waits
