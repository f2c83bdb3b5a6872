"""Text messages, by a gateway that takes the text as a POST to a number's own URL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import ClassVar

from django.conf import settings

from notifications.channels.base import Address, Send
from notifications.channels.http import post, refusal
from notifications.messages import Message


class SmsChannel:
    key: ClassVar[str] = "sms"
    repeats_unknown: ClassVar[bool] = True
    retries: ClassVar[tuple[timedelta, ...]] = (timedelta(minutes=1),)

    @contextmanager
    def session(self) -> Iterator[Send]:
        yield self._send

    def _send(self, message: Message, address: Address) -> str:
        text = message.sentence.encode()
        answer = post(address.value, text, {}, deadline=settings.HTTP_DEADLINE)
        if not answer.accepted:
            raise refusal(answer, gone=answer.status == 410)
        return str(answer)
