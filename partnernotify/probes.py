"""Is the process up, and can the instance do its work?"""

import logging

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse

from accounts.heartbeats import silent
from partners.storage import is_failing

log = logging.getLogger(__name__)
PROCESSES = ("worker", "beat")


def healthz(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"status": "ok"})


def readyz(request: HttpRequest) -> HttpResponse:
    """200 only with migrations applied, heartbeats of worker and beat under 10 s old, and
    while what was to be stored lately could be.
    """
    try:
        missing = _unapplied_migrations()
        quiet = [] if missing else silent(PROCESSES)
    except DatabaseError as error:
        # The driver's words name hosts and users: for the log, not for whoever asks.
        log.error("The database does not answer: %s", error)
        said = {"status": "no database", "detail": "The database does not answer. See the log."}
        return JsonResponse(said, status=503)
    ready = not missing and not quiet and not is_failing()
    body = {
        "status": "ready" if ready else "not ready",
        "unapplied_migrations": missing,
        "silent": quiet,
        "stores_events": not is_failing(),
    }
    return JsonResponse(body, status=200 if ready else 503)


_applied = False


def _unapplied_migrations() -> list[str]:
    """Return what `migrate` would apply; once nothing is left, that stays true."""
    global _applied  # noqa: PLW0603 - migrations are not unapplied under a running process
    if _applied:
        return []
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    _applied = not plan
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]
