"""Any system that takes webhooks: one signed POST per message (Standard Webhooks 1.0)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.conf import settings
from django.utils import timezone

from notifications.channels.base import Address, Send
from notifications.channels.http import post, refusal
from notifications.messages import Message

SECRET_PREFIX = "whsec_"  # noqa: S105 - what marks a secret, not one
# So long the secret before a new one signs as well, while the receiver changes over.
BOTH_SIGN = timedelta(hours=24)


class WebhookChannel:
    key: ClassVar[str] = "webhook"
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
            "User-Agent": f"{settings.WEBHOOK_AGENT}/1",
            **sign(message.public_id, body, valid_secrets(address.secrets), int(time.time())),
        }
        answer = post(address.value, body, headers, deadline=settings.HTTP_DEADLINE)
        if not answer.accepted:
            raise refusal(answer, gone=answer.status == 410)
        return str(answer)


def payload(message: Message) -> dict[str, Any]:
    """Return the body: `type` (lead.activity, lead.visit_ended, deal.signup …), `timestamp`,
    `data`."""
    return {"type": message.type, "timestamp": message.occurred_at, "data": dict(message.data)}


def sign(message_id: str, body: bytes, signing: Iterable[str], timestamp: int) -> dict[str, str]:
    """Return the three headers: HMAC-SHA256 over id, time and body, once for each secret."""
    signed = b".".join((message_id.encode(), str(timestamp).encode(), body))
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(_signature(signed, secret) for secret in signing),
    }


def _signature(signed: bytes, secret: str) -> str:
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX))
    digest = hmac.new(key, signed, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


# --- The secrets of a webhook: `signing`, and for a day after a change `former` ------------


def make_secrets() -> dict[str, str]:
    """Return a fresh secret of 32 random bytes."""
    return {"signing": SECRET_PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()}


def renew(known: Mapping[str, str]) -> dict[str, str]:
    """Return a fresh secret beside the one until now, which signs as well for a day."""
    until = timezone.now() + BOTH_SIGN
    return make_secrets() | {"former": known["signing"], "former_until": until.isoformat()}


def former_until(known: Mapping[str, str]) -> datetime | None:
    """Return until when the former secret signs as well; None: it does not."""
    until = datetime.fromisoformat(known["former_until"]) if "former" in known else None
    return until if until and timezone.now() < until else None


def valid_secrets(known: Mapping[str, str]) -> list[str]:
    return [known["signing"], *([known["former"]] if former_until(known) else [])]
