"""Text from outside, made harmless for headers, chats and pages (R90)."""

import re

# Line breaks, other controls, and marks that turn the direction of text.
_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]+")
_MAX_NAME_LENGTH = 120


def plain(text: str) -> str:
    """Return text without control characters, whatever its length."""
    return _UNSAFE.sub(" ", text)


def one_line(text: str) -> str:
    """Return text as one harmless line of at most 120 characters."""
    line = _UNSAFE.sub(" ", text)
    # An encoded-word would be decoded by the reader into something else.
    line = " ".join(line.replace("=?", "= ?").split())
    return line if len(line) <= _MAX_NAME_LENGTH else line[: _MAX_NAME_LENGTH - 1] + "…"
