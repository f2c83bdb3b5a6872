"""What a browser says of itself, read: its name for people, and its subscription (RFC 8291)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from notifications.channels import MOBILE
from notifications.channels.addresses import check_url
from notifications.channels.web_push import decode

POINT_BYTES, AUTH_BYTES = 65, 16
# A browser's subscription has some hundred characters; its address at most 2,000.
MAX_BODY_BYTES = 8_000

# The first that is found counts: most browsers name others, too.
_PROGRAMS = (
    *(("Edg", "Edge"), ("OPR/", "Opera"), ("SamsungBrowser", "Samsung Internet")),
    *(("Vivaldi", "Vivaldi"), ("FxiOS", "Firefox"), ("Firefox", "Firefox")),
    *(("CriOS", "Chrome"), ("Chrome", "Chrome"), ("Safari", "Safari")),
)
_SYSTEMS = (
    *(("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows")),
    *(("CrOS", "ChromeOS"), ("Macintosh", "Mac"), ("Linux", "Linux")),
)


def browser_name(user_agent: str, channel: str) -> str:
    """Return for example "Chrome on Android", from the header that browsers send."""
    if channel == MOBILE:  # Where an iPad calls itself a Mac, and no Mac is added.
        user_agent = user_agent.replace("Macintosh", "iPad")
    program, system = (_first(user_agent, known) for known in (_PROGRAMS, _SYSTEMS))
    if program and system:
        return _("%(browser)s on %(system)s") % {"browser": program, "system": system}
    return program or system or _("Browser")


def _first(user_agent: str, known: tuple[tuple[str, str], ...]) -> str:
    return next((name for mark, name in known if mark in user_agent), "")


@dataclass(frozen=True, kw_only=True)
class Subscription:
    """Where a browser takes pushes, and the keys to encrypt them with: p256dh and auth."""

    address: str
    keys: Mapping[str, str]


def read_subscription(raw: Any) -> Subscription:
    """Return what `PushSubscription.toJSON()` holds. ValidationError if it cannot be used."""
    keys = raw.get("keys") if isinstance(raw, dict) else None
    if not (isinstance(keys, dict) and isinstance(raw.get("endpoint"), str)):
        raise ValidationError(_("Your browser gave no usable subscription. Nothing has changed."))
    found = {name: str(keys.get(name, "")).rstrip("=") for name in ("p256dh", "auth")}
    if not (_is_point(found["p256dh"]) and _is_secret(found["auth"])):
        raise ValidationError(_("Your browser gave no usable keys. Nothing has changed."))
    return Subscription(address=check_url(raw["endpoint"]), keys=found)


def _is_point(text: str) -> bool:
    """Whether it is a public key on P-256, not compressed."""
    try:
        point = decode(text)
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    except ValueError:
        return False
    return len(point) == POINT_BYTES


def _is_secret(text: str) -> bool:
    try:
        return len(decode(text)) == AUTH_BYTES
    except ValueError:
        return False
