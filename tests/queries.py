"""Count the queries of an action, let the data grow, count again."""

from __future__ import annotations

from collections.abc import Callable

from django.db import connection
from django.test.utils import CaptureQueriesContext


def assert_constant_queries(act: Callable[[], object], grow: Callable[[], object]) -> int:
    """Return how many queries `act` makes. Fails, with each statement, if growth adds one."""
    act()
    before = _queries(act)
    grow()
    after = _queries(act)
    assert len(after) == len(before), "\n".join(["", *before, "--- after growth:", *after])
    return len(before)


def _queries(act: Callable[[], object]) -> list[str]:
    with CaptureQueriesContext(connection) as queries:
        act()
    return [query["sql"] for query in queries]
