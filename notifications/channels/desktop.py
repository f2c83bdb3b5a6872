"""The bell, and the browsers of a computer.

The bell is the row in the inbox: there is nothing to put on a wire (delivery/send.py), and open
pages hear that it is there (stream/). A browser gets a push, so that it says something while no
page of ours is open.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import ClassVar

from notifications.channels.base import Send
from notifications.channels.web_push import RETRIES, push


class DesktopChannel:
    key: ClassVar[str] = "desktop"
    repeats_unknown: ClassVar[bool] = True
    retries: ClassVar[tuple[timedelta, ...]] = RETRIES

    @contextmanager
    def session(self) -> Iterator[Send]:
        yield push
