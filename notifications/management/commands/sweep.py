from typing import Any

from django.core.management.base import BaseCommand

from notifications.delivery import claim
from notifications.doorbell import ring
from notifications.tasks import lanes_due
from notifications.visits.closing import end_visits


class Command(BaseCommand):
    help = (
        "Take back expired leases, close visits that have ended and ring for what is due. "
        "Safe to run many times at once."
    )

    def handle(self, **_options: Any) -> None:
        taken_back = claim.sweep()
        ended = end_visits()
        lanes = lanes_due()
        for lane in lanes:
            ring(lane)
        self.stdout.write(
            f"unsent leases taken back: {taken_back['unsent']}, "
            f"interrupted sends: {taken_back['interrupted']}, "
            f"visits closed: {ended}, "
            f"lanes with work: {', '.join(lanes) or 'none'}"
        )
