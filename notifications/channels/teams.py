"""A channel of Microsoft Teams: an Adaptive Card to the URL of a workflow.

https://learn.microsoft.com/adaptive-cards/ and, for the envelope and the size,
https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any, ClassVar
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from notifications.channels.addresses import allows_any_host, check_url
from notifications.channels.base import Address, DeliveryError, Send
from notifications.channels.chat import RETRIES, clip, encode, post_json
from notifications.channels.http import Answer, refusal
from notifications.messages import Action, Item, Message

_WORKFLOWS = (
    ".logic.azure.com",
    ".logic.azure.us",
    ".logic.azure.cn",
    ".api.powerplatform.com",
    ".api.powerplatform.us",
    ".api.powerplatform.cn",
    ".api.gov.powerplatform.microsoft.us",
    ".powerautomate.com",
    ".flow.microsoft.com",
)
# The connectors of Office 365, which Microsoft has retired.
_RETIRED = (".webhook.office.com", ".webhook.office365.com")
_RETIRED_HOSTS = frozenset({"outlook.office.com", "outlook.office365.com"})

MOST_BYTES = 28_000
TEXT_LENGTH = 1_000
BUTTON_LENGTH = 75
MOST_WHYS, MOST_BUTTONS = 5, 6
MOST_ITEMS = 20  # The inbox has them all.

# A 200 may say that Teams itself refused: "… returned HTTP error 429 with ContextId …".
_HIDDEN_STATUS = re.compile(r"HTTP error (\d{3})", re.IGNORECASE)
_HIDDEN_ERROR = re.compile(r"\b(?:error|failed)\b", re.IGNORECASE)
_BUSY_STATUS = "429"


class TeamsChannel:
    key: ClassVar[str] = "teams"
    # Teams knows no ids to drop a copy by; an endpoint may ask for "never twice".
    repeats_unknown: ClassVar[bool] = True
    retries: ClassVar[tuple[timedelta, ...]] = RETRIES

    @contextmanager
    def session(self) -> Iterator[Send]:
        yield self._send

    def _send(self, message: Message, address: Address) -> str:
        answer = post_json(address.secrets, content(message))
        if error := problem(answer):
            raise error
        return str(answer)


def problem(answer: Answer) -> DeliveryError | None:
    """Return what an answer means; None: it took the message."""
    hidden = _HIDDEN_STATUS.search(answer.text)
    if answer.accepted and not hidden and not _HIDDEN_ERROR.search(answer.text):
        return None
    too_large = answer.status == 413
    return refusal(
        answer,
        gone=answer.status in (404, 410),
        permanent=too_large,
        endpoint_down=not too_large,
        busy=bool(hidden and hidden[1] == _BUSY_STATUS),
    )


def check_address(raw: str) -> str:
    """Return the URL of a workflow. ValidationError for anything else."""
    url = check_url(raw)
    host = urlsplit(url).hostname or ""
    if host.endswith(_RETIRED) or host in _RETIRED_HOSTS:
        raise ValidationError(
            _(
                "Microsoft has retired these addresses: nothing arrives there any more. Make a "
                "workflow in Teams as described above, and enter its address."
            )
        )
    if not host.endswith(_WORKFLOWS) and not allows_any_host():
        raise ValidationError(
            _(
                "This is not the address of a workflow in Teams. It has “logic.azure.com” or "
                "“powerplatform.com” in it."
            )
        )
    return url


# --- Adaptive Card --------------------------------------------------------------------------


def content(message: Message) -> dict[str, Any]:
    """Return the body, below the size that Teams takes: the small print goes first."""
    shorter = replace(message, why=())
    shortest = replace(shorter, facts=(), items=(), actions=message.actions[-1:])
    for attempt in (message, shorter, shortest):
        body = _envelope(attempt)
        if len(encode(body)) < MOST_BYTES:
            return body
    return _envelope(replace(shortest, actions=()))


def _envelope(message: Message) -> dict[str, Any]:
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "lang": message.language,
        "body": list(_body(message)),
        "actions": [_button(action) for action in _chosen(message.actions)],
        "msteams": {"width": "Full"},
    }
    attachment = {
        "contentType": "application/vnd.microsoft.card.adaptive",
        "contentUrl": None,
        "content": card,
    }
    return {"type": "message", "attachments": [attachment]}


def _body(message: Message) -> Iterator[dict[str, Any]]:
    yield _text(_run(message.subject, weight="Bolder", size="Medium"))
    if not message.facts:  # They would say the same.
        yield _text(_run(message.sentence))
    for item in message.items[:MOST_ITEMS]:
        yield _item(item)
    for label, value in message.facts:
        yield _text(_run(f"{label}: ", weight="Bolder"), _run(value), spacing="Small")
    for why in (*message.why[:MOST_WHYS], f"{message.account_name} · {message.vendor_name}"):
        yield _text(_run(why, size="Small", isSubtle=True))


def _item(item: Item) -> dict[str, Any]:
    why = _run(item.explained.label, selectAction=_button(item.explained))
    return _text(_run(f"{item.sentence} · {item.when} · "), why)


def _text(*runs: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a line. TextBlock and FactSet read Markdown, a name could make a link there;
    the runs of a RichTextBlock are shown as they are."""
    return {"type": "RichTextBlock", "inlines": list(runs), **more}


def _run(text: str, **more: Any) -> dict[str, Any]:
    return {"type": "TextRun", "text": clip(text, TEXT_LENGTH), **more}


def _chosen(actions: tuple[Action, ...]) -> Iterable[Action]:
    """The last one says why: it stays, however many come before it."""
    return (*actions[:-1][: MOST_BUTTONS - 1], *actions[-1:])


def _button(action: Action) -> dict[str, Any]:
    return {
        "type": "Action.OpenUrl",
        "title": clip(action.label, BUTTON_LENGTH),
        "url": action.url,
    }
