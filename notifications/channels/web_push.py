"""A person's browser or phone: one encrypted push per message (RFC 8030, 8188, 8291, 8292)."""

from __future__ import annotations

import base64
import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from functools import cache
from typing import Any, ClassVar
from urllib.parse import urlsplit

import http_ece
from cryptography.hazmat.primitives.asymmetric import ec
from django.conf import settings
from py_vapid import Vapid02

from notifications.channels.base import Address, Send
from notifications.channels.http import post, refusal
from notifications.messages import Message

# How long the push service keeps it for a device that is off.
TTL = timedelta(hours=4)
# VAPID tokens may last a day (RFC 8292); clocks differ.
TOKEN_VALID = timedelta(hours=12)
# The device left. 401 and 403 would be our own key's fault, so nothing is removed for them.
_GONE = frozenset({404, 410})


class WebPushChannel:
    key: ClassVar[str] = "mobile"
    # The push service replaces a waiting copy with the same Topic.
    repeats_unknown: ClassVar[bool] = True
    retries: ClassVar[tuple[timedelta, ...]] = (
        timedelta(seconds=5),
        timedelta(minutes=1),
        timedelta(minutes=10),
        timedelta(hours=1),
    )

    @contextmanager
    def session(self) -> Iterator[Send]:
        yield self._send

    def _send(self, message: Message, address: Address) -> str:
        body = encrypt(json.dumps(payload(message)).encode(), address.secrets)
        headers = {
            "Content-Type": "application/octet-stream",
            "Content-Encoding": "aes128gcm",
            "TTL": str(int(TTL.total_seconds())),
            "Urgency": "high",
            "Topic": topic(message),
            "Authorization": _authorization(address.value),
        }
        answer = post(address.value, body, headers, deadline=settings.HTTP_DEADLINE)
        if not answer.accepted:
            too_large = answer.status == 413
            gone = answer.status in _GONE
            raise refusal(answer, gone=gone, permanent=too_large, endpoint_down=not too_large)
        return str(answer)


def payload(message: Message) -> dict[str, str]:
    """Return what the service worker shows. `tag`: a copy replaces the first one."""
    return {
        "title": message.vendor_name,
        "body": message.sentence,
        "url": message.actions[0].url if message.actions else settings.SITE_URL,
        "tag": message.public_id,
    }


def topic(message: Message) -> str:
    """Return the message's Topic: at most 32 URL-safe characters (RFC 8030, 5.4)."""
    return message.public_id.replace("-", "")[:32]


def encrypt(data: bytes, keys: Mapping[str, str]) -> bytes:
    """Encrypt for the device with its public key `p256dh` and its secret `auth` (RFC 8291)."""
    return http_ece.encrypt(
        data,
        salt=os.urandom(16),
        private_key=ec.generate_private_key(ec.SECP256R1()),
        dh=_decode(keys["p256dh"]),
        auth_secret=_decode(keys["auth"]),
        version="aes128gcm",
    )


def _authorization(url: str) -> str:
    parts = urlsplit(url)
    expires = int(time.time() + TOKEN_VALID.total_seconds())
    claims = {
        "aud": f"{parts.scheme}://{parts.netloc}",
        "sub": settings.VAPID_SUBJECT,
        "exp": expires,
    }
    return str(_vapid().sign(claims)["Authorization"])


@cache
def _vapid() -> Any:
    return Vapid02.from_raw(settings.VAPID_PRIVATE_KEY.encode())


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
