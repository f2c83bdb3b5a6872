from typing import Any

from django.core.management.base import BaseCommand

from notifications.program.dump import dump_program


class Command(BaseCommand):
    help = (
        "Print the database as a program file (YAML), without secrets, in a stable order. "
        "Importing it again changes nothing."
    )

    def handle(self, **_options: Any) -> None:
        self.stdout.write(dump_program(), ending="")
