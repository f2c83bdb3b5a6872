"""What the chats have in common: an address that is a secret, short texts, patience.

Whoever knows the URL can write into the channel. So it lies encrypted among the endpoint's
secrets, pages show its host and its end, and no answer that repeats it is written down.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from django.conf import settings

from notifications.channels.http import Answer, post

# Eight tries in 27 h 35 min (research/reliability 2.5).
RETRIES = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=10),
)
DEADLINE = timedelta(seconds=10)
USER_AGENT = "partnernotify/1"
# So much of a secret address is shown.
SHOWN_END = 4
# A piece of an address that is shorter is a common word: services, invoke.
SECRET_LENGTH = 9


def make_secrets(url: str) -> dict[str, str]:
    return {"url": url}


def shown_address(url: str) -> str:
    """Return what pages and people may see of the address: the host and its last characters."""
    parts = urlsplit(url)
    host = parts.netloc.removesuffix(":443")  # Said by every address of a workflow.
    return f"{parts.scheme}://{host}/…{url[-SHOWN_END:]}"


def post_json(secrets: Mapping[str, str], content: Any) -> Answer:
    """Send one JSON POST. The answer is without the address, should it repeat it."""
    url = secrets["url"]
    body = encode(content)
    headers = {"Content-Type": "application/json; charset=utf-8", "User-Agent": USER_AGENT}
    answer = post(url, body, headers, deadline=min(DEADLINE, settings.HTTP_DEADLINE))
    text = answer.text
    for part in _secret_parts(url):
        text = text.replace(part, "…")
    return replace(answer, text=text)


def _secret_parts(url: str) -> list[str]:
    """Return the pieces of the path and the query, the longest first, as they may be repeated."""
    parts = urlsplit(url)
    values = [value for _name, value in parse_qsl(parts.query)]
    pieces = {*parts.path.split("/"), *re.split("[=&]", parts.query), *values}
    return sorted((piece for piece in pieces if len(piece) >= SECRET_LENGTH), key=len)[::-1]


def encode(content: Any) -> bytes:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


def clip(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
