from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import IntegrityError, OperationalError
from django.utils import timezone

from notifications.program.errors import ProgramError
from notifications.program.load import import_program
from notifications.program.parsing import read_document
from notifications.program.summary import Summary


class Command(BaseCommand):
    help = (
        "Load a program file (YAML or JSON): vendor, accounts, users, leads, clients, companies, "
        "deals, triggers. All or nothing; loading it again changes nothing. Nobody is notified. "
        "Its optional keys: docs/decisions/0006-what-a-program-file-may-add.md."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="a YAML file, or JSON if it ends in .json")
        parser.add_argument("--dry-run", action="store_true", help="say what would change")

    def handle(self, *, file: Path, dry_run: bool, **_options: Any) -> None:
        self.stdout.write(str(_import(file, dry_run)))
        if dry_run:
            self.stdout.write("Dry run: nothing was changed.")


def _import(file: Path, dry_run: bool) -> Summary:
    try:
        return import_program(read_document(file), now=timezone.now(), dry_run=dry_run)
    except ProgramError as error:
        count = len(error.problems)
        counted = "1 problem" if count == 1 else f"{count} problems"
        raise CommandError(f"{error}\nNothing was imported: {counted}.") from error
    except IntegrityError as error:
        raise CommandError(
            f"Nothing was imported: somebody changed the same rows meanwhile ({error})."
        ) from error
    except OperationalError as error:
        raise CommandError(f"Nothing was imported: the database says: {error}.") from error
