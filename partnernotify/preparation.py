"""What must be there before the processes start; only what is missing is done.

Run by the supervisor as a process of its own. Progress goes to stderr; the last line of
stdout is one JSON object for the supervisor.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import sys
import traceback
from importlib.metadata import distributions
from pathlib import Path

import django
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from partnernotify.translations import compile_catalogues


class NotPossible(Exception):
    """The instance cannot start; the message is one sentence for a person."""


def main() -> int:
    try:
        result = prepare(demo_wish=sys.argv[1])
    except NotPossible as error:
        say(str(error))
    except ImproperlyConfigured as error:
        say(f"A setting is wrong: {error}")
    except Exception as error:  # noqa: BLE001 - a person reads a sentence, not a traceback
        trace = Path(os.environ["DATA_DIR"]) / "logs" / "start.log"
        trace.write_text(traceback.format_exc())
        say(f"The start failed ({type(error).__name__}: {error}). Details: {trace}")
    else:
        sys.stdout.write(json.dumps(result) + "\n")
        return 0
    return 1


def prepare(*, demo_wish: str) -> dict[str, object]:
    """Bring files and database up to date and return what the supervisor must know."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "partnernotify.settings")
    for folder in settings.LOCALE_PATHS:
        compile_catalogues(Path(folder))
    django.setup()
    collect_static()
    try:
        migrate()
        demo = seed(demo_wish)
        people = _people()
    except DatabaseError as error:
        reason = str(error).strip().splitlines()[0]
        raise NotPossible(f"The database cannot be used: {reason}") from error
    return {"demo": demo, "people": people, "lanes": _lanes()}


def say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


# --- Static files ---------------------------------------------------------------------


def collect_static() -> None:
    """Collect when a file of static/ or a package is another one than the last time."""
    stamp = Path(settings.STATIC_ROOT) / ".collected"
    state = _static_state()
    if stamp.is_file() and stamp.read_text() == state:
        return
    say("Collecting static files …")
    call_command("collectstatic", interactive=False, clear=True, verbosity=0)
    stamp.write_text(state)


def _static_state() -> str:
    digest = hashlib.sha256()
    for folder in settings.STATICFILES_DIRS:
        for path in sorted(Path(folder).rglob("*")):
            if path.is_file():
                digest.update(f"{path}:{path.stat().st_size}:".encode())
                digest.update(path.read_bytes())
    for package in sorted(f"{d.name}={d.version}" for d in distributions()):
        digest.update(package.encode())
    return digest.hexdigest()


# --- Database -------------------------------------------------------------------------


def migrate() -> None:
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        say("Bringing the database up to date …")
        call_command("migrate", interactive=False, verbosity=0)


def seed(wish: str) -> bool:
    """Write demo data if wished; tell whether this instance has any.

    `wish` is "yes", "no", or "if-empty": data that somebody made stay alone.
    """
    from notifications.demo.seeding import has_demo_data  # noqa: PLC0415 - django.setup()

    if wish == "no":
        return False
    is_there = has_demo_data()
    if wish == "if-empty" and not is_there and _people():
        return False
    if not is_there:
        say("Writing demo data …")
    call_command("seed_demo", stdout=io.StringIO())
    return True


def _people() -> int:
    from accounts.models import User  # noqa: PLC0415 - needs django.setup()

    return User.objects.count()


def _lanes() -> list[str]:
    from notifications.channels import CHANNEL_KEYS  # noqa: PLC0415 - django.setup()
    from notifications.doorbell import EVALUATE, MAINTENANCE  # noqa: PLC0415

    return [EVALUATE, *CHANNEL_KEYS, MAINTENANCE]


if __name__ == "__main__":
    sys.exit(main())
