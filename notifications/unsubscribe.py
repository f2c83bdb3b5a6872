"""The signed token of an unsubscribe link: this member, these topics, e-mail (RFC 8058).

Short, because mail programs and people handle short links better: the member's id and a
signature that only these topics can have made.
"""

import base64
from collections.abc import Iterable, Iterator
from itertools import combinations

from django.utils.crypto import constant_time_compare, salted_hmac

from notifications.topics import TOPICS, VISIT_SUMMARY

_SALT = "notifications.unsubscribe"
_SIGNATURE_BYTES = 15  # 120 bits
_KEYS = (*TOPICS, VISIT_SUMMARY)


def make_token(membership_id: int, topics: Iterable[str]) -> str:
    return f"{membership_id}-{_signature(membership_id, topics)}"


def read_token(token: str) -> tuple[int, tuple[str, ...]] | None:
    """Return membership id and topics, or None for a token that we did not make."""
    number, _, signature = token.partition("-")
    if not (number.isascii() and number.isdigit() and len(number) < 19):
        return None
    membership_id = int(number)
    for topics in _possible_topics():
        if constant_time_compare(signature, _signature(membership_id, topics)):
            return membership_id, topics
    return None


def _possible_topics() -> Iterator[tuple[str, ...]]:
    """Yield each topic, then the sets of several: a message may have two reasons (R61)."""
    for size in range(1, len(_KEYS) + 1):
        yield from combinations(_KEYS, size)


def _signature(membership_id: int, topics: Iterable[str]) -> str:
    text = f"{membership_id}:{'+'.join(sorted(topics))}"
    digest = salted_hmac(_SALT, text, algorithm="sha256").digest()
    return base64.urlsafe_b64encode(digest[:_SIGNATURE_BYTES]).decode()
