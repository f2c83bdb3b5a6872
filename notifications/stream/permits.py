"""A page's permission to listen: signed, for one member and one origin, for minutes."""

from __future__ import annotations

import time
from dataclasses import astuple, dataclass

from django.core import signing

_SALT = "notifications.stream"


@dataclass(frozen=True)
class Permit:
    """`member`: whose bell. `origin`: of the page. `until`: seconds since the epoch."""

    member: int
    origin: str
    until: float

    @property
    def seconds_left(self) -> float:
        return self.until - time.time()


def make_token(permit: Permit) -> str:
    return signing.dumps(astuple(permit), salt=_SALT)


def read_token(token: str) -> Permit | None:
    """Return the permit, or None for one that is not ours or has ended."""
    try:
        permit = Permit(*signing.loads(token, salt=_SALT))
    except (signing.BadSignature, ValueError):
        return None
    return permit if permit.seconds_left > 0 else None
