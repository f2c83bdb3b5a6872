"""Built-in and own triggers, and the activities that they match."""

from collections.abc import Iterable

from django.utils.functional import Promise

from notifications.models import (
    Trigger,
)
from notifications.triggers import CATALOGUE, Match, Matcher, Repeat, Strength, TriggerType
from partners.models import (
    Activity,
)


def load_triggers() -> list[tuple[TriggerType, bool]]:
    """Return every trigger and whether it is on: the built-in ones, then own ones. 1 query."""
    rows = {row.key: row for row in Trigger.objects.order_by("pk")}
    built_in = [(t, rows[t.key].enabled if t.key in rows else t.on_by_default) for t in CATALOGUE]
    keys = {trigger.key for trigger in CATALOGUE}
    own = [(_own_trigger(row), row.enabled) for key, row in rows.items() if key not in keys]
    return built_in + own


def load_matcher() -> Matcher:
    """Return the matcher of built-in and own triggers. 1 query."""
    return Matcher(load_triggers())


def _own_trigger(row: Trigger) -> TriggerType:
    return TriggerType(
        key=row.key,
        label=row.label,
        did=row.label,
        events=(row.event_name,) if row.event_name else (),
        paths=(row.page_path,) if row.page_path else (),
        repeat=Repeat.COOLDOWN if row.page_path else Repeat.ALWAYS,
        strength=Strength.LOOK if row.page_path else Strength.STEP,
        page_view=bool(row.page_path),
    )


def load_deeds() -> dict[str, str | Promise]:
    """Return what the person did by the trigger's key: "requested a demo". 1 query."""
    return {trigger.key: trigger.did or trigger.key for trigger, _on in load_triggers()}


def match_triggers(activities: Iterable[Activity]) -> list[tuple[Activity, Match]]:
    """Return the activities that some trigger matches. 1 query."""
    matcher = load_matcher()
    matched = []
    for activity in activities:
        match = matcher.match(type=activity.type, name=activity.name, payload=activity.payload)
        if match:
            matched.append((activity, match))
    return matched
