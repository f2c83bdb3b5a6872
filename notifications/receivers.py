"""One line per announcement of the lower apps."""

from typing import Any

from django.dispatch import receiver

from notifications.doorbell import EVALUATE, ring_after_commit
from partners.signals import activities_recorded


@receiver(activities_recorded)
def on_activities_recorded(**_kwargs: Any) -> None:
    ring_after_commit(EVALUATE)
