"""The trigger catalogue, and the matcher that built-in and own triggers compile to.

Event names match without regard to case. A page matches by the path of its URL.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

# A page of a website, a screen of an app.
PAGE_TYPES = frozenset({"page", "screen"})


class Repeat(enum.Enum):
    """What a second activity of the same kind does (R59, R81)."""

    ALWAYS = "always"
    COOLDOWN = "cooldown"
    ONCE = "once"


class Strength(enum.IntEnum):
    """How much an action says. ASK: somebody waits for an answer, so it is never held back."""

    LOOK = 1
    STEP = 2
    ASK = 3


@dataclass(frozen=True, kw_only=True)
class TriggerType:
    """One row of the catalogue. `deal_eligible`: it causes deal notifications (R8)."""

    key: str
    label: str | Promise
    # "Anna Nowak …": what the person did, for subjects and sentences.
    did: str | Promise
    events: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    properties: Mapping[str, str] = field(default_factory=dict)
    repeat: Repeat = Repeat.ALWAYS
    strength: Strength = Strength.STEP
    page_view: bool = False
    deal_eligible: bool = False
    on_by_default: bool = True


CATALOGUE: tuple[TriggerType, ...] = (
    TriggerType(
        key="pricing_view",
        label=_("Viewed pricing page"),
        did=_("viewed the pricing page"),
        events=("pricing page viewed",),
        paths=("/pricing*",),
        repeat=Repeat.COOLDOWN,
        strength=Strength.LOOK,
        page_view=True,
    ),
    TriggerType(
        key="demo_request",
        label=_("Requested a demo"),
        did=_("requested a demo"),
        events=("demo requested",),
        strength=Strength.ASK,
    ),
    TriggerType(
        key="crm_signup",
        label=_("Signed up for the CRM"),
        did=_("signed up for the CRM"),
        events=("crm signed up", "signed up"),
        properties={"signed up": "crm"},
        repeat=Repeat.ONCE,
        deal_eligible=True,
        strength=Strength.ASK,
    ),
    TriggerType(
        key="contact_sales",
        label=_("Asked to talk to sales"),
        did=_("asked to talk to sales"),
        events=("contact sales requested", "sales contact requested"),
        strength=Strength.ASK,
    ),
    TriggerType(
        key="trial_start",
        label=_("Started a trial"),
        did=_("started a trial"),
        events=("trial started",),
        strength=Strength.ASK,
    ),
    TriggerType(
        key="meeting_booked",
        label=_("Booked a meeting"),
        did=_("booked a meeting"),
        events=("meeting booked",),
        strength=Strength.ASK,
    ),
    TriggerType(
        key="chat_started",
        label=_("Started a chat"),
        did=_("started a chat"),
        events=("chat started",),
        repeat=Repeat.COOLDOWN,
    ),
    TriggerType(
        key="quote_or_checkout",
        label=_("Opened a quote or the checkout"),
        did=_("opened a quote or the checkout"),
        events=("quote viewed", "checkout started"),
        paths=("/quote*", "/checkout*"),
        repeat=Repeat.COOLDOWN,
        page_view=True,
    ),
    TriggerType(
        key="product_view",
        label=_("Viewed a product page"),
        did=_("viewed a product page"),
        events=("product page viewed",),
        paths=("/product/*", "/products/*"),
        repeat=Repeat.COOLDOWN,
        strength=Strength.LOOK,
        page_view=True,
        on_by_default=False,
    ),
    TriggerType(
        key="comparison_view",
        label=_("Viewed a comparison page"),
        did=_("viewed a comparison page"),
        events=("comparison page viewed",),
        paths=("/compare*",),
        repeat=Repeat.COOLDOWN,
        strength=Strength.LOOK,
        page_view=True,
        on_by_default=False,
    ),
    TriggerType(
        key="content_offer",
        label=_("Downloaded a content offer"),
        did=_("downloaded a content offer"),
        events=("content downloaded",),
        repeat=Repeat.COOLDOWN,
        on_by_default=False,
    ),
    TriggerType(
        key="webinar_signup",
        label=_("Signed up for a webinar"),
        did=_("signed up for a webinar"),
        events=("webinar signed up",),
        on_by_default=False,
    ),
)
BUILT_IN: Mapping[str, TriggerType] = {trigger.key: trigger for trigger in CATALOGUE}


@dataclass(frozen=True, kw_only=True)
class Match:
    trigger: TriggerType
    enabled: bool


class Matcher:
    """Find the trigger of an event without a query.

    Enabled triggers win over switched-off ones, then the order of the catalogue counts;
    an event has one trigger at most.
    """

    def __init__(self, triggers: Iterable[tuple[TriggerType, bool]]) -> None:
        ordered = sorted(triggers, key=lambda pair: not pair[1])
        self._by_event: dict[str, list[Match]] = {}
        self._by_path: list[tuple[re.Pattern[str], Match]] = []
        for trigger, enabled in ordered:
            match = Match(trigger=trigger, enabled=enabled)
            for name in trigger.events:
                self._by_event.setdefault(name.casefold(), []).append(match)
            self._by_path += [(_path_pattern(path), match) for path in trigger.paths]

    def match(self, *, type: str, name: str, payload: Mapping[str, Any]) -> Match | None:
        if type == "track":
            return self._match_event(name.strip().casefold(), payload)
        if type == "page":
            return self._match_page(payload)
        return None

    def _match_event(self, name: str, payload: Mapping[str, Any]) -> Match | None:
        for match in self._by_event.get(name, ()):
            product = match.trigger.properties.get(name)
            if product is None or _property(payload, "product").casefold() == product:
                return match
        return None

    def _match_page(self, payload: Mapping[str, Any]) -> Match | None:
        path = page_path(payload)
        return next((m for pattern, m in self._by_path if pattern.fullmatch(path)), None)


def page_path(payload: Mapping[str, Any]) -> str:
    """Return the path of a page event: properties, then the page of its context."""
    for page in (
        payload.get("properties"),
        _mapping(payload.get("context")).get("page"),
    ):
        for key in ("url", "path"):
            value = _mapping(page).get(key)
            if isinstance(value, str) and value:
                return _path_of(value)
    return ""


def _path_of(url: str) -> str:
    try:
        return urlsplit(url).path or "/"
    except ValueError:  # For example an unfinished IPv6 address.
        return ""


def _path_pattern(path: str) -> re.Pattern[str]:
    """`/pricing*` means the page, what lies below it, and `/pricing-plans`."""
    stem = re.escape(path.removesuffix("*"))
    return re.compile(f"{stem}.*" if path.endswith("*") else f"{stem}/?", re.IGNORECASE)


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _property(payload: Mapping[str, Any], key: str) -> str:
    value = _mapping(payload.get("properties")).get(key)
    return value if isinstance(value, str) else ""
