"""The signed token of an unsubscribe link: this member, this topic, e-mail (RFC 8058).

Short, because mail programs and people handle short links better: the member's id and a
signature that only one topic can have made.
"""

import base64

from django.utils.crypto import constant_time_compare, salted_hmac

from notifications.topics import TOPICS

_SALT = "notifications.unsubscribe"
_SIGNATURE_BYTES = 15  # 120 bits


def make_token(membership_id: int, topic: str) -> str:
    return f"{membership_id}-{_signature(membership_id, topic)}"


def read_token(token: str) -> tuple[int, str] | None:
    """Return membership id and topic, or None for a token that we did not make."""
    number, _, signature = token.partition("-")
    if not (number.isascii() and number.isdigit() and len(number) < 19):
        return None
    membership_id = int(number)
    for topic in TOPICS:
        if constant_time_compare(signature, _signature(membership_id, topic)):
            return membership_id, topic
    return None


def _signature(membership_id: int, topic: str) -> str:
    digest = salted_hmac(_SALT, f"{membership_id}:{topic}", algorithm="sha256").digest()
    return base64.urlsafe_b64encode(digest[:_SIGNATURE_BYTES]).decode()
