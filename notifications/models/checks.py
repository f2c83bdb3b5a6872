"""What the instance found out about itself."""

from typing import ClassVar

from django.db import models


class InvariantCheck(models.Model):
    """The one row: what the last check of the invariants found, by the database's clock.

    `broken`: invariant → rows that break it. `checked_at` None: never checked. Before
    `next_at` no process begins another check.
    """

    ONLY: ClassVar[int] = 1

    id = models.PositiveSmallIntegerField(primary_key=True, default=ONLY)
    broken = models.JSONField(default=dict)
    checked_at = models.DateTimeField(null=True)
    next_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.broken}"
