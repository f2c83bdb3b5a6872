"""Slack and Teams on loopback: they judge what arrives by the services' own rules.

What they answer to a good message is chosen by the path: `/services/T0/B0/says-<answer>` of
Slack, `/workflows/says-<answer>` of Teams, so that each test and each channel has its own.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from typing import Any

from tests.sinks import HttpSink, Request

Reply = tuple[int, Mapping[str, str], bytes]

SLACK: dict[str, Reply] = {
    "ok": (200, {}, b"ok"),
    "no_text": (200, {}, b"no_text"),
    "invalid_payload": (400, {}, b"invalid_payload"),
    "channel_is_archived": (410, {}, b"channel_is_archived"),
    "channel_not_found": (404, {}, b"channel_not_found"),
    "no_service": (404, {}, b"no_service"),
    "no_active_hooks": (403, {}, b"no_active_hooks"),
    "action_prohibited": (403, {}, b"action_prohibited"),
    "not-found": (404, {}, b""),
    "gone": (410, {}, b""),
    "busy": (429, {"Retry-After": "120"}, b"rate_limited"),
    "page": (200, {}, b"<html>Please sign in</html>"),
    "broken": (500, {}, b"rollup_error"),
}
TEAMS: dict[str, Reply] = {
    "ok": (202, {}, b""),
    "one": (200, {}, b"1"),
    "hidden-429": (
        200,
        {},
        b"Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP "
        b"error 429 with ContextId tcid=0,server=x.",
    ),
    "hidden-500": (200, {}, b"Microsoft Teams endpoint returned HTTP error 500 with ContextId x"),
    "not-found": (404, {}, b'{"error":{"code":"WorkflowNotFound"}}'),
    "gone": (410, {}, b""),
    "busy": (429, {"Retry-After": "120"}, b""),
    "too-large": (413, {}, b""),
}


class Chats(HttpSink):
    """`slack(answer)` and `teams(answer)` are URLs. `change` lets one answer otherwise."""

    def __init__(self) -> None:
        super().__init__()
        self._over = threading.Event()
        self._changed: dict[str, str] = {}
        self.answer = self._reply

    def __exit__(self, *error: object) -> None:
        self._over.set()
        super().__exit__(*error)

    def slack(self, answer: str = "ok") -> str:
        return f"{self.url}/services/T0/B0/says-{answer}"

    def teams(self, answer: str = "ok") -> str:
        return f"{self.url}/workflows/says-{answer}?sig=Secret-Signature-of-{answer}"

    def change(self, url: str, answer: str) -> None:
        self._changed[url.removeprefix(self.url)] = answer

    def to(self, url: str) -> list[Request]:
        """Return what has arrived there."""
        return self.at(url.removeprefix(self.url))

    def _reply(self, request: Request) -> Reply:
        path = request.path.partition("?")[0]
        answer = self._changed.get(request.path, path.rpartition("/says-")[2])
        if answer == "hang":
            self._over.wait()
            raise HttpSink.Hangup
        if path.startswith("/services/"):
            problem = slack_problem(request.body)
            return (400, {}, problem.encode()) if problem else SLACK[answer]
        problem = teams_problem(request.body)
        return (400, {}, problem.encode()) if problem else TEAMS[answer]


# --- What Slack takes (docs.slack.dev/reference/block-kit/blocks) ------------------------------


def slack_problem(body: bytes) -> str:
    """Return what Slack would answer to a body that it does not take, or an empty text."""
    try:
        content = json.loads(body)
    except ValueError:
        return "invalid_payload"
    if not content.get("text"):
        return "no_text"
    blocks = content.get("blocks", [])
    good = len(blocks) <= 50 and all(map(_is_block, blocks))
    return "" if good and len(content["text"]) <= 4_000 else "invalid_blocks"


def _is_block(block: Mapping[str, Any]) -> bool:
    kind = block["type"]
    if kind == "header":
        return block["text"]["type"] == "plain_text" and _is_text(block["text"], 150)
    if kind == "section":
        fields = block.get("fields", [])
        has_text = "text" in block and _is_text(block["text"], 3_000)
        beside = [block["accessory"]] if "accessory" in block else []
        good = (has_text or bool(fields)) and _are_texts(fields, 10, 2_000)
        return good and all(map(_is_button, beside))
    if kind == "context":
        return bool(block["elements"]) and _are_texts(block["elements"], 10, 3_000)
    buttons = block["elements"]
    ids = {button["action_id"] for button in buttons}
    return (
        kind == "actions"
        and 0 < len(buttons) <= 25
        and len(ids) == len(buttons)
        and all(map(_is_button, buttons))
    )


def _is_button(button: Mapping[str, Any]) -> bool:
    return _is_text(button["text"], 75) and len(button["url"]) <= 3_000


def _are_texts(texts: list[Mapping[str, Any]], most: int, length: int) -> bool:
    return len(texts) <= most and all(_is_text(text, length) for text in texts)


def _is_text(text: Mapping[str, Any], length: int) -> bool:
    # An ampersand or an angle bracket that is not escaped would begin something of Slack's.
    bare = text["text"].replace("&amp;", "").replace("&lt;", "").replace("&gt;", "")
    return 0 < len(text["text"]) <= length and not set(bare) & set("&<>")


# --- What Teams takes (learn.microsoft.com, "Create Incoming Webhooks") -------------------------


def teams_problem(body: bytes) -> str:
    if len(body) > 28_000:
        return "too large"
    content = json.loads(body)
    (attachment,) = content["attachments"]
    card = attachment["content"]
    good = (
        content["type"] == "message"
        and attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
        and card["type"] == "AdaptiveCard"
        and tuple(map(int, card["version"].split("."))) >= (1, 4)
        and len(card["actions"]) <= 6
        and bool(card["body"])
    )
    return "" if good else "bad card"


def texts_of(content: Any) -> list[str]:
    """Return every text in a body, wherever it stands."""
    if isinstance(content, Mapping):
        return [text for value in content.values() for text in texts_of(value)]
    if isinstance(content, list):
        return [text for value in content for text in texts_of(value)]
    return [content] if isinstance(content, str) else []
