"""A browser, on a computer or a phone: one encrypted push per message.

RFC 8030 (push services), 8188 and 8291 (encryption), 8292 (VAPID: who sends).
"""

from __future__ import annotations

import base64
import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import timedelta
from functools import cache
from typing import Any, ClassVar
from urllib.parse import urlsplit

import http_ece
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.conf import settings
from django.utils import translation
from django.utils.translation import pgettext
from py_vapid import Vapid02

from notifications.channels.base import Address, Send
from notifications.channels.http import post, refusal
from notifications.messages import Action, Message

# How long the push service keeps it for a device that is off.
TTL = timedelta(hours=4)
# VAPID tokens may last a day (RFC 8292); clocks differ.
TOKEN_VALID = timedelta(hours=12)
# Characters of the link beside the message's own. A push service takes 4 kB at most (RFC 8030,
# 7.2), and a message id of a sender's may be long.
URL_LENGTH = 500
# The device left. 401 and 403 would be our own key's fault, so nothing is removed for them.
_GONE = frozenset({404, 410})


RETRIES = (
    timedelta(seconds=5),
    timedelta(minutes=1),
    timedelta(minutes=10),
    timedelta(hours=1),
)


class WebPushChannel:
    key: ClassVar[str] = "mobile"
    # The push service replaces a waiting copy with the same Topic.
    repeats_unknown: ClassVar[bool] = True
    retries: ClassVar[tuple[timedelta, ...]] = RETRIES

    @contextmanager
    def session(self) -> Iterator[Send]:
        yield push


def push(message: Message, address: Address) -> str:
    """Hand the message to the push service of a browser. DeliveryError: it did not take it."""
    body = encrypt(json.dumps(payload(message)).encode(), address.secrets)
    headers = {
        "Content-Type": "application/octet-stream",
        "Content-Encoding": "aes128gcm",
        "TTL": str(int(TTL.total_seconds())),
        "Urgency": "low" if message.is_quiet else "high",
        "Topic": topic(message),
        "Authorization": _authorization(address.value),
    }
    answer = post(address.value, body, headers, deadline=settings.HTTP_DEADLINE)
    if not answer.accepted:
        too_large = answer.status == 413
        gone = answer.status in _GONE
        raise refusal(answer, gone=gone, permanent=too_large, endpoint_down=not too_large)
    return str(answer)


def payload(message: Message) -> dict[str, Any]:
    """Return what the service worker shows (templates/sw.js).

    `tag`: a copy, and what comes in a message's place, replaces the first one; quietly, if it
    asks for no attention. `type` "test": is shown in any case.
    """
    with translation.override(message.language):
        action = pgettext("button", "Open")
    return {
        "type": message.type,
        "title": message.glance or message.sentence,
        "body": message.account_name,
        "url": message.actions[0].url if message.actions else settings.SITE_URL,
        "tag": message.replaces or message.public_id,
        "silent": message.is_quiet,
        "action": action,
        "why": _if_short(message.explained),
        "language": message.language,
    }


def _if_short(action: Action | None) -> dict[str, str] | None:
    return asdict(action) if action and len(action.url) <= URL_LENGTH else None


def topic(message: Message) -> str:
    """Return the message's Topic: at most 32 URL-safe characters (RFC 8030, 5.4)."""
    return (message.replaces or message.public_id).replace("-", "")[:32]


def encrypt(data: bytes, keys: Mapping[str, str]) -> bytes:
    """Encrypt for the device with its public key `p256dh` and its secret `auth` (RFC 8291)."""
    return http_ece.encrypt(
        data,
        salt=os.urandom(16),
        private_key=ec.generate_private_key(ec.SECP256R1()),
        dh=decode(keys["p256dh"]),
        auth_secret=decode(keys["auth"]),
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
def application_server_key() -> str:
    """Return the public half of VAPID_PRIVATE_KEY, as browsers take it (base64url).

    A browser subscribes for this key only; after a change it has to subscribe anew.
    """
    point = _vapid().public_key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return base64.urlsafe_b64encode(point).rstrip(b"=").decode()


@cache
def _vapid() -> Any:
    return Vapid02.from_raw(settings.VAPID_PRIVATE_KEY.encode())


def decode(text: str) -> bytes:
    """Return the bytes of base64url text without padding. ValueError for anything else."""
    padded = text + "=" * (-len(text) % 4)
    return base64.b64decode(padded.encode("ascii"), altchars=b"-_", validate=True)
