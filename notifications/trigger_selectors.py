"""The trigger catalogue as a reader sees it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.translation import gettext as _

from notifications.facts.triggers import load_triggers
from notifications.triggers import TriggerType
from notifications.words import repeat_words


@dataclass(frozen=True, kw_only=True)
class TriggerLine:
    key: str
    label: str
    enabled: bool
    matches: tuple[str, ...]
    repeat: str
    deal_eligible: bool


def trigger_lines() -> list[TriggerLine]:
    """Return every trigger, those that are on first. 1 query."""
    lines = [
        TriggerLine(
            key=trigger.key,
            label=str(trigger.label or trigger.key),
            enabled=enabled,
            matches=tuple(_matches(trigger)),
            repeat=repeat_words(trigger.repeat),
            deal_eligible=trigger.deal_eligible,
        )
        for trigger, enabled in load_triggers()
    ]
    return sorted(lines, key=lambda line: not line.enabled)


def _matches(trigger: TriggerType) -> Iterator[str]:
    for name in trigger.events:
        product = trigger.properties.get(name)
        if product:
            yield _("the event “%(name)s” for the product “%(product)s”") % {
                "name": name,
                "product": product,
            }
        else:
            yield _("the event “%(name)s”") % {"name": name}
    for path in trigger.paths:
        if path.endswith("*"):
            yield _("pages whose path begins with %(path)s") % {"path": path.removesuffix("*")}
        else:
            yield _("the page %(path)s") % {"path": path}
