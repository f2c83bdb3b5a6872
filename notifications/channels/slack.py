"""A Slack channel: Block Kit to an incoming webhook.

https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks/ and, for the
lengths, https://docs.slack.dev/reference/block-kit/blocks/.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, ClassVar
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from notifications.channels.addresses import allows_any_host, check_url
from notifications.channels.base import Address, DeliveryError, Send
from notifications.channels.chat import RETRIES, clip, post_json
from notifications.channels.http import Answer, refusal
from notifications.messages import Action, Item, Message

HOSTS = frozenset({"hooks.slack.com", "hooks.slack-gov.com"})
_PATH = re.compile(r"/services/[\w-]+/[\w-]+/[\w-]+/?", re.ASCII)

HEADER_LENGTH = 150
TEXT_LENGTH = 3_000
FIELD_LENGTH = 2_000
BUTTON_LENGTH = 75
URL_LENGTH = 3_000
MOST_FIELDS, MOST_WHYS, MOST_BUTTONS = 10, 5, 5
MOST_ITEMS = 20  # Of at most 50 blocks; the inbox has them all.

# What Slack answers when nothing will ever arrive at this address again.
_GONE_WORDS = frozenset(
    {
        "action_prohibited",
        "channel_is_archived",
        "channel_not_found",
        "no_active_hooks",
        "no_service",
        "no_service_id",
        "no_team",
        "team_disabled",
    }
)
# What it says of a message that it does not understand.
_BAD_WORDS = re.compile(r"no_text|invalid_|missing_|too_many_|msg_too_long")


class SlackChannel:
    key: ClassVar[str] = "slack"
    # Slack knows no ids to drop a copy by; an endpoint may ask for "never twice".
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
    """Return what an answer means; None: it took the message. That is 200 with `ok` only."""
    word = answer.text
    if answer.status == 200 and word == "ok":
        return None
    gone = answer.status in (404, 410) or word in _GONE_WORDS
    is_bad = answer.status in (400, 413) or answer.status == 200 and bool(_BAD_WORDS.match(word))
    bad = is_bad and not gone
    return refusal(answer, gone=gone, permanent=bad, endpoint_down=not bad)


def check_address(raw: str) -> str:
    """Return the URL of an incoming webhook. ValidationError for anything else."""
    url = check_url(raw)
    parts = urlsplit(url)
    if parts.hostname in HOSTS:
        if parts.path.startswith(("/workflows/", "/triggers/")):
            raise ValidationError(
                _("This address starts a workflow. Take the one of an incoming webhook instead.")
            )
        if not _PATH.fullmatch(parts.path):
            raise ValidationError(_("The address is not complete. Copy it from Slack once more."))
    elif not allows_any_host():
        raise ValidationError(
            _("This is not from Slack: such an address begins with https://hooks.slack.com/.")
        )
    return url


# --- Block Kit ------------------------------------------------------------------------------


def content(message: Message) -> dict[str, Any]:
    """Return the body: blocks, and `text` for where no blocks are shown."""
    return {
        "text": escape(clip(message.sentence, FIELD_LENGTH)),
        "blocks": list(_blocks(message)),
        "unfurl_links": False,
        "unfurl_media": False,
    }


def escape(text: str) -> str:
    """Return text in which Slack finds no mention, link or entity of its own.

    <!channel>, <@U1> and <https://evil|bank> are all begun by the one character.
    """
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _blocks(message: Message) -> Iterator[dict[str, Any]]:
    yield {"type": "header", "text": _plain(message.subject, HEADER_LENGTH)}
    if fields := [_fact(*fact) for fact in message.facts[:MOST_FIELDS]]:
        yield {"type": "section", "fields": fields}
    else:  # The facts would say the same.
        yield {"type": "section", "text": _marked(message.sentence, TEXT_LENGTH)}
    for item in message.items[:MOST_ITEMS]:
        yield _item(item)
    if buttons := list(_buttons(message.actions)):
        yield {"type": "actions", "elements": buttons}
    if reasons := [_marked(why, FIELD_LENGTH) for why in _small_print(message)]:
        yield {"type": "context", "elements": reasons}


def _item(item: Item) -> dict[str, Any]:
    block = {"type": "section", "text": _marked(f"{item.sentence}\n{item.when}", TEXT_LENGTH)}
    if buttons := list(_buttons([item.explained])):
        block["accessory"] = buttons[0]
    return block


def _small_print(message: Message) -> Iterable[str]:
    yield from message.why[:MOST_WHYS]
    yield f"{message.account_name} · {message.vendor_name}"


def _plain(text: str, length: int) -> dict[str, Any]:
    return {"type": "plain_text", "text": _fit(text, length), "emoji": False}


def _marked(text: str, length: int) -> dict[str, Any]:
    # Verbatim: Slack makes no links of what looks like a site's or a channel's name.
    return {"type": "mrkdwn", "text": _fit(text, length), "verbatim": True}


def _fact(label: str, value: str) -> dict[str, Any]:
    text = f"*{_fit(label, BUTTON_LENGTH)}*\n{_fit(value, FIELD_LENGTH - 2 * BUTTON_LENGTH)}"
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def _fit(text: str, length: int) -> str:
    """Escape, then clip, so that what was one character is never cut in two."""
    escaped = escape(text)
    while len(escaped) > length:
        text = clip(text, len(text) - max(1, (len(escaped) - length) // 5))
        escaped = escape(text)
    return escaped


def _buttons(actions: Iterable[Action]) -> Iterator[dict[str, Any]]:
    short = [action for action in actions if len(action.url) <= URL_LENGTH]
    # The last one says why: it stays, however many come before it.
    for n, action in enumerate([*short[:-1][: MOST_BUTTONS - 1], *short[-1:]]):
        yield {
            "type": "button",
            "action_id": f"link-{n}",
            "text": _plain(action.label, BUTTON_LENGTH),
            "url": action.url,
        }
