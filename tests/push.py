"""The keys of a browser that takes pushes, as its user agent keeps them (RFC 8291)."""

from __future__ import annotations

import json
import os
from base64 import urlsafe_b64encode
from typing import Any

import http_ece
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


class BrowserKeys:
    """`keys` is what a subscription tells; `read` decrypts what a push service was handed."""

    def __init__(self) -> None:
        self._private, self._auth = ec.generate_private_key(ec.SECP256R1()), os.urandom(16)

    @property
    def keys(self) -> dict[str, str]:
        public = self._private.public_key()
        point = public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return {"p256dh": as_text(point), "auth": as_text(self._auth)}

    def subscription(self, url: str) -> dict[str, Any]:
        """Return it as PushSubscription.toJSON() does."""
        return {"endpoint": url, "expirationTime": None, "keys": self.keys}

    def read(self, body: bytes) -> Any:
        plain = http_ece.decrypt(body, private_key=self._private, auth_secret=self._auth)
        return json.loads(plain)


def as_text(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
