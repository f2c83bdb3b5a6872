import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from notifications.invariants import broken


class Command(BaseCommand):
    help = "Count the rows that break an invariant. Exit code 1 if there is one."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, **options: Any) -> None:
        counts = dict(broken())
        if options["json"]:
            self.stdout.write(json.dumps(counts))
        else:
            for name, count in counts.items():
                self.stdout.write(f"{count:>6}  {name}")
        if any(counts.values()):
            sys.exit(1)
