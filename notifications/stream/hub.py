"""Who listens, and what they may have missed. Lives in one event loop, knows no network."""

from __future__ import annotations

import asyncio
import secrets
from collections import OrderedDict, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

# Of so many members it is known when their bell last moved.
REMEMBERED = 20_000


class Hub:
    """The open streams by member.

    An event's id is `<process>-<number>`: how many nudges there had been by then. It tells a
    page that comes back whether its member was nudged since, and nothing to anybody else.
    """

    def __init__(self) -> None:
        self.is_closing = False
        self._process = secrets.token_hex(4)
        self._count = 0
        self._bells: defaultdict[int, set[asyncio.Event]] = defaultdict(set)
        self._last: OrderedDict[int, int] = OrderedDict()
        self._forgotten = 0

    @contextmanager
    def listening(self, member: int) -> Iterator[asyncio.Event]:
        """Yield the event that is set whenever the member's bell moves.

        However often that happens before it is cleared, it is one: nothing queues up.
        """
        bell = asyncio.Event()
        self._bells[member].add(bell)
        try:
            yield bell
        finally:
            self._bells[member].discard(bell)
            if not self._bells[member]:
                del self._bells[member]

    def count(self, member: int) -> int:
        """Return how many streams of the member are open."""
        return len(self._bells.get(member, ()))

    def nudge(self, member: int) -> None:
        self._count += 1
        self._last[member] = self._count
        self._last.move_to_end(member)
        if len(self._last) > REMEMBERED:
            _member, self._forgotten = self._last.popitem(last=False)
        for bell in self._bells.get(member, ()):
            bell.set()

    @property
    def event_id(self) -> str:
        return f"{self._process}-{self._count}"

    def may_have_missed(self, member: int, last_id: str) -> bool:
        """Whether the bell moved, or may have moved, since the event with this id."""
        process, _, number = last_id.rpartition("-")
        if process != self._process or not (number.isascii() and number.isdecimal()):
            return True
        return int(number) < max(self._forgotten, self._last.get(member, 0))

    def close(self) -> None:
        """Let every stream end now."""
        self.is_closing = True
        for bells in self._bells.values():
            for bell in bells:
                bell.set()
