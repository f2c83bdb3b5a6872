"""What every channel promises."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import ClassVar, Protocol

from notifications.messages import Message
from notifications.text import plain

# Who is busy or did not answer in time is left alone for so long.
QUIET_PAUSE = timedelta(seconds=60)


class Failure(StrEnum):
    """What is known about a send that did not succeed."""

    NOT_SENT = "not_sent"  # Nothing left this machine.
    REFUSED = "refused"  # The other side said no.
    UNKNOWN = "unknown"  # It may have arrived.


class DeliveryError(Exception):
    """A send failed. `permanent`: trying again is useless. `bad_address`: never again.

    `retry_after`: how long the endpoint wants to be left alone. `endpoint_down`: it would
    refuse any other message as well; so by default when nothing, or no answer, came through.
    `detail` quotes the other side, without control characters: PostgreSQL stores no NUL.
    """

    def __init__(
        self,
        failure: Failure,
        detail: str,
        *,
        permanent: bool = False,
        bad_address: bool = False,
        retry_after: timedelta | None = None,
        endpoint_down: bool | None = None,
    ) -> None:
        super().__init__(detail)
        self.failure = failure
        self.detail = plain(detail)
        self.permanent = permanent
        self.bad_address = bad_address
        self.retry_after = retry_after
        is_refusal = failure == Failure.REFUSED
        self.endpoint_down = not is_refusal if endpoint_down is None else endpoint_down

    @property
    def may_go_elsewhere(self) -> bool:
        """Whether another server may be given the message at once: this one certainly has
        nothing of it, and it is not the message's own fault."""
        return self.endpoint_down and self.failure != Failure.UNKNOWN and not self.permanent


@dataclass(frozen=True, kw_only=True)
class Address:
    """Where a message goes: an e-mail address or a URL, and the endpoint's own secrets."""

    value: str
    secrets: Mapping[str, str] = field(default_factory=dict)


_LONGEST_WAIT = timedelta(hours=24)


def read_retry_after(text: str, now: datetime) -> timedelta | None:
    """Return the wait that a Retry-After header asks for (RFC 9110, 10.2.3), a day at most.

    Seconds or a date; None for what is neither, or not ahead.
    """
    try:
        wait = timedelta(seconds=float(text))
    except OverflowError:
        return _LONGEST_WAIT
    except ValueError:
        try:
            wait = parsedate_to_datetime(text) - now
        except (ValueError, TypeError):
            return None
    return min(wait, _LONGEST_WAIT) if wait > timedelta(0) else None


Send = Callable[[Message, Address], str]


class Channel(Protocol):
    """One way to reach a person. It sees a finished message and an address, no model.

    `session` opens what a batch shares (a connection) and yields `send(message, address)`,
    which returns the other side's id, or raises DeliveryError. `retries` are the pauses
    after each failed try; after the last one the delivery is dead. `repeats_unknown`: a
    message that may have arrived is sent again with the same id; False: never twice, a
    person decides. `key`: the channel, or the app that it is of "Other apps".
    """

    key: ClassVar[str]
    retries: ClassVar[tuple[timedelta, ...]]
    repeats_unknown: ClassVar[bool]

    def session(self) -> AbstractContextManager[Send]: ...
