"""The Celery app, its lanes and the timetable of beat.

A message is a doorbell: it says that a lane has work. The work itself is rows in the
database, so a lost message costs seconds and never a notification.
"""

import os
from typing import Any

from celery import Celery
from celery.signals import setup_logging
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "partnernotify.settings")

app = Celery("partnernotify")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.beat_schedule = {
    # Takes back what a dead worker held and rings for what is due. If it stops,
    # workers still look for themselves; only expired leases wait.
    "sweep": {
        "task": "notifications.tasks.sweep",
        "schedule": settings.SWEEP_SECONDS,
        "options": {"queue": "maintenance", "expires": 60, "retry": False},
    },
}
app.autodiscover_tasks()


@setup_logging.connect
def keep_django_logging(**_kwargs: Any) -> None:
    """Leave the loggers as settings.LOGGING made them."""
