"""Any system that takes webhooks: one signed POST per message (Standard Webhooks 1.0)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, ClassVar

from django.conf import settings

from notifications.channels.base import Address, Send
from notifications.channels.http import post, refusal
from notifications.messages import Message

USER_AGENT = "partnernotify-webhooks/1"
SECRET_PREFIX = "whsec_"  # noqa: S105 - what marks a secret, not one


class WebhookChannel:
    key: ClassVar[str] = "other_apps"
    # The receiver drops copies by webhook-id; an endpoint may ask for "never twice".
    repeats_unknown: ClassVar[bool] = True
    # Ten tries in 75 h 35 min, as the specification proposes.
    retries: ClassVar[tuple[timedelta, ...]] = (
        timedelta(seconds=5),
        timedelta(minutes=5),
        timedelta(minutes=30),
        timedelta(hours=2),
        timedelta(hours=5),
        timedelta(hours=10),
        timedelta(hours=14),
        timedelta(hours=20),
        timedelta(hours=24),
    )

    @contextmanager
    def session(self) -> Iterator[Send]:
        yield self._send

    def _send(self, message: Message, address: Address) -> str:
        body = json.dumps(payload(message), ensure_ascii=False, separators=(",", ":")).encode()
        headers = {
            "Content-Type": "application/json",
            "User-Agent": USER_AGENT,
            **sign(message.public_id, body, address.secrets["signing"], int(time.time())),
        }
        answer = post(address.value, body, headers, deadline=settings.HTTP_DEADLINE)
        if not answer.accepted:
            raise refusal(answer, gone=answer.status == 410)
        return str(answer)


def payload(message: Message) -> dict[str, Any]:
    """Return the body: `type` (lead.activity, deal.signup …), `timestamp`, `data`."""
    return {"type": message.type, "timestamp": message.occurred_at, "data": dict(message.data)}


def sign(message_id: str, body: bytes, secret: str, timestamp: int) -> dict[str, str]:
    """Return the three headers: HMAC-SHA256 over id, time and body."""
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX))
    signed = b".".join((message_id.encode(), str(timestamp).encode(), body))
    digest = hmac.new(key, signed, hashlib.sha256).digest()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }


def make_secret() -> str:
    """Return a fresh signing secret of 32 random bytes."""
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()
