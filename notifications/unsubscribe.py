"""The signed token of an unsubscribe link: this member, this topic, e-mail (RFC 8058)."""

from django.core import signing

_SALT = "unsubscribe"


def make_token(membership_id: int, topic: str) -> str:
    return signing.dumps([membership_id, topic], salt=_SALT)


def read_token(token: str) -> tuple[int, str] | None:
    """Return membership id and topic, or None for a token that we did not make."""
    try:
        membership_id, topic = signing.loads(token, salt=_SALT)
    except (signing.BadSignature, ValueError, TypeError):
        return None
    return membership_id, topic
