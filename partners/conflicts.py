"""Transactions that stood in each other's way: the database ends one, and it may be repeated."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from django.db import OperationalError

P = ParamSpec("P")
Result = TypeVar("Result")

TRIES = 3
# Serialization failure and deadlock, as SQLSTATE names them.
CONFLICTS = frozenset({"40001", "40P01"})


def repeated_after_conflict(transaction: Callable[P, Result]) -> Callable[P, Result]:
    """Run a whole transaction again if it was ended for another one's sake, at most twice."""

    @wraps(transaction)
    def repeated(*args: P.args, **kwargs: P.kwargs) -> Result:
        for _ in range(TRIES - 1):
            try:
                return transaction(*args, **kwargs)
            except OperationalError as error:
                if getattr(error.__cause__, "sqlstate", None) not in CONFLICTS:
                    raise
        return transaction(*args, **kwargs)

    return repeated
