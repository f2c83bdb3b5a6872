"""The bell. The row in the inbox is the message; there is nothing to put on a wire."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import ClassVar

from notifications.channels.base import Address, Send
from notifications.messages import Message


class DesktopChannel:
    key: ClassVar[str] = "desktop"
    repeats_unknown: ClassVar[bool] = True
    retries: ClassVar[tuple[timedelta, ...]] = (
        timedelta(seconds=5),
        timedelta(minutes=1),
    )

    @contextmanager
    def session(self) -> Iterator[Send]:
        yield self._send

    def _send(self, message: Message, address: Address) -> str:
        return message.public_id
