"""The Celery app. Its settings and the timetable of beat stand in settings.py.

A message is a doorbell: it says that a lane has work. The work itself is rows in the
database, so a lost message costs seconds and never a notification.
"""

import os
import sys
from typing import Any

from celery import Celery
from celery.signals import setup_logging, task_postrun, task_prerun
from django import db

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "partnernotify.settings")

app = Celery("partnernotify")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
# Celery would open a connection to the database for each task. A thread keeps its own, as a
# web thread does, and looks after it in the same way (CONN_MAX_AGE, CONN_HEALTH_CHECKS).
app.conf["CELERY_DB_REUSE_MAX"] = sys.maxsize


@task_prerun.connect
@task_postrun.connect
def close_old_connections(**_kwargs: Any) -> None:
    db.close_old_connections()


@setup_logging.connect
def keep_django_logging(**_kwargs: Any) -> None:
    """Leave the loggers as settings.LOGGING made them."""
