from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from notifications.demo.seeding import seed


class Command(BaseCommand):
    help = (
        "Write the demo: a vendor, two partners, leads, companies, deals and a month of "
        "activity. Run again, it changes nothing. DEMO_PASSWORD becomes everybody's password."
    )

    def handle(self, **_options: Any) -> None:
        written = seed(timezone.now())
        self.stdout.write("Demo data written." if written else "The demo data were there already.")
