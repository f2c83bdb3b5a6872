"""What an operator changes about triggers."""

from __future__ import annotations

from django.db import transaction
from django.utils.text import slugify

from accounts.audit import on_off, record_change
from accounts.models import User
from notifications.models import Trigger
from notifications.trigger_selectors import TriggerLine
from notifications.triggers import BUILT_IN

_KEY_LENGTH = 30


@transaction.atomic
def switch_trigger(actor: User, line: TriggerLine, *, enabled: bool) -> None:
    """Switch a built-in or an own trigger. Audited; nothing happens if it is so already."""
    if line.enabled == enabled:
        return
    Trigger.objects.update_or_create(key=line.key, defaults={"enabled": enabled})
    record_change(
        None,
        actor=actor,
        action="trigger.enabled",
        subject=line.label,
        old=on_off(line.enabled),
        new=on_off(enabled),
    )


def unused_key(label: str) -> str:
    """Return a key for an own trigger: readable, no built-in one's, nobody else's."""
    stem = slugify(label).replace("-", "_") or "own"
    taken = {*BUILT_IN, *Trigger.objects.values_list("key", flat=True)}
    key, number = stem[:_KEY_LENGTH], 1
    while key in taken:
        number += 1
        key = f"{stem[: _KEY_LENGTH - 4]}_{number}"
    return key
