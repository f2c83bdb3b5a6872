"""What every channel promises."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from enum import StrEnum
from typing import ClassVar, Protocol

from notifications.messages import Message


class Failure(StrEnum):
    """What is known about a send that did not succeed."""

    NOT_SENT = "not_sent"  # Nothing left this machine.
    REFUSED = "refused"  # The other side said no.
    UNKNOWN = "unknown"  # It may have arrived.


class DeliveryError(Exception):
    """A send failed. `permanent`: trying again is useless. `bad_address`: never again."""

    def __init__(
        self,
        failure: Failure,
        detail: str,
        *,
        permanent: bool = False,
        bad_address: bool = False,
    ) -> None:
        super().__init__(detail)
        self.failure = failure
        self.detail = detail
        self.permanent = permanent
        self.bad_address = bad_address


Send = Callable[[Message, str], str]


class Channel(Protocol):
    """One way to reach a person. It sees a finished message and an address, no model.

    `session` opens what a batch shares (a connection) and yields `send(message, address)`,
    which returns the other side's id, or raises DeliveryError. `retries` are the pauses
    after each failed try; after the last one the delivery is dead.
    """

    key: ClassVar[str]
    retries: ClassVar[tuple[timedelta, ...]]

    def session(self) -> AbstractContextManager[Send]: ...
