"""What is said, in no channel's format: finished, translated, with absolute links."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Action:
    label: str
    url: str


@dataclass(frozen=True, kw_only=True)
class Item:
    """One of several things that a message tells."""

    when: str
    sentence: str
    url: str
    explained: Action


@dataclass(frozen=True, kw_only=True)
class Message:
    """One message to one person.

    `public_id` is the same on every try. `subject` and `sentence` are single lines of
    plain text. `facts` are label and value; `why` says why this person gets it, and
    `stop` how it stops. `unsubscribe_url` is for a one-click POST (RFC 8058); it and `list_id`
    are empty in a letter that belongs to no list and is sent to no member. `glance`: one line
    for where others may read along; without names unless the member wants them. `replaces`: the
    public id of the message in whose place it comes; `is_quiet`: it asks for no attention.
    `explained`: leads, in one word, to why this person gets it; of a digest each item does.
    """

    public_id: str
    language: str
    subject: str
    sentence: str
    facts: tuple[tuple[str, str], ...]
    why: tuple[str, ...]
    stop: tuple[Action, ...]
    actions: tuple[Action, ...]
    account_name: str
    vendor_name: str
    # What happened, when it tells several things; there are no facts then.
    items: tuple[Item, ...] = ()
    glance: str = ""
    unsubscribe_url: str = ""
    list_id: str = ""
    # What belongs together in a mailbox: the same for every message about one lead.
    thread: str = ""
    replaces: str = ""
    explained: Action | None = None
    is_quiet: bool = False
    # For systems instead of people: "lead.activity", when it happened (ISO 8601), the facts.
    type: str = ""
    occurred_at: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
