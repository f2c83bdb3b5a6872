"""Celery beat without a schedule file: every job is idempotent, so none need remember."""

from typing import Any

from celery.beat import Scheduler
from django.db import DatabaseError, close_old_connections

from accounts.heartbeats import beat


class HeartbeatScheduler(Scheduler):
    """Say "beat lives" on every turn of the loop, whatever the broker does."""

    def tick(self, *args: Any, **kwargs: Any) -> float:
        try:
            close_old_connections()
            beat("beat")
        except DatabaseError as error:
            self.logger.warning("heartbeat not written: %s", error)
        return min(super().tick(*args, **kwargs), 2.0)

    def _ensure_connected(self) -> Any:
        """Do not wait for the broker, silently: what cannot be sent is due again in a moment."""
        return self.connection

    @property
    def logger(self) -> Any:
        return self.app.log.get_default_logger()
