import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from notifications.drain import drain

PATIENCE_SECONDS = 30


class Command(BaseCommand):
    help = (
        "Evaluate and deliver everything that is due now, in this process, then exit. Claims "
        f"only what no worker holds; waits up to {PATIENCE_SECONDS} s for leases held elsewhere."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, **options: Any) -> None:
        done = drain(patience_seconds=PATIENCE_SECONDS).as_dict()
        if options["json"]:
            self.stdout.write(json.dumps(done))
        else:
            self.stdout.write("\n".join(f"{name}: {count}" for name, count in done.items()))
