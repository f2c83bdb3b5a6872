"""The scenarios by their key; each is one function in `scenarios/`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.chaos.stage import Run

Act = Callable[["Run"], None]


@dataclass(frozen=True)
class Scenario:
    key: str
    what: str
    act: Act


SCENARIOS: dict[str, Scenario] = {}


def scenario(key: str, what: str) -> Callable[[Act], Act]:
    def register(act: Act) -> Act:
        assert key not in SCENARIOS, key
        SCENARIOS[key] = Scenario(key, what, act)
        return act

    return register
