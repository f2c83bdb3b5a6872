"""Cells of the Notifications page in a program file: by channel, switches before topics."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from notifications.channels import CHANNEL_KEYS
from notifications.eligibility import Cell
from notifications.program.reading import Node
from notifications.topics import CHANNEL_SWITCHES, TOPICS


def read_cells(node: Node) -> Iterator[tuple[Cell, bool]]:
    """Yield the cells that the file mentions."""
    node.allow(*CHANNEL_KEYS)
    for channel in CHANNEL_KEYS:
        cells = node.child(channel)
        switches = _switches(channel)
        cells.allow(*switches, "topics")
        topics = cells.child("topics")
        topics.allow(*TOPICS)
        for place, keys in ((cells, switches), (topics, list(TOPICS))):
            for key in keys:
                chosen = place.flag(key)
                if chosen is not None:
                    yield (channel, key), chosen


def dump_cells(chosen: Mapping[Cell, bool]) -> dict[str, Any]:
    """Return the cells in the order of the Notifications page."""
    document: dict[str, Any] = {}
    for channel in CHANNEL_KEYS:
        cells: dict[str, Any] = {
            key: chosen[channel, key] for key in _switches(channel) if (channel, key) in chosen
        }
        topics = {key: chosen[channel, key] for key in TOPICS if (channel, key) in chosen}
        if topics:
            cells["topics"] = topics
        if cells:
            document[channel] = cells
    return document


def _switches(channel: str) -> list[str]:
    return [key for owner, key in CHANNEL_SWITCHES if owner == channel]
