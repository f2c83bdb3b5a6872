"""The Celery app. Its settings and the timetable of beat stand in settings.py.

A message is a doorbell: it says that a lane has work. The work itself is rows in the
database, so a lost message costs seconds and never a notification.
"""

import os
from typing import Any

from celery import Celery
from celery.signals import setup_logging

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "partnernotify.settings")

app = Celery("partnernotify")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def keep_django_logging(**_kwargs: Any) -> None:
    """Leave the loggers as settings.LOGGING made them."""
