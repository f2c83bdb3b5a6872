"""What the doorbell starts: a lane is worked off until nothing is due in it."""

from celery import shared_task

from notifications import evaluation
from notifications.channels import CHANNEL_KEYS
from notifications.delivery import claim, fairness, send
from notifications.doorbell import EVALUATE, ring
from notifications.escalations.work import escalate_all
from notifications.visits.closing import end_visits
from partnernotify.shutdown import stopping


@shared_task(ignore_result=True)
def evaluate() -> None:
    while not stopping.is_set() and evaluation.evaluate_due().taken:
        pass


@shared_task(ignore_result=True)
def deliver(lane: str) -> None:
    if lane in CHANNEL_KEYS:
        while not stopping.is_set() and send.deliver_due(lane).taken:
            pass


@shared_task(ignore_result=True)
def sweep() -> None:
    try:
        claim.sweep()
        escalate_all()
        end_visits()
    finally:  # Whatever failed, the lanes are worked off.
        for lane in lanes_due():
            ring(lane)


def lanes_due() -> list[str]:
    """Return the lanes that have work, evaluation first."""
    return [lane for lane in (EVALUATE, *CHANNEL_KEYS) if is_due(lane)]


def is_due(lane: str) -> bool:
    return evaluation.has_due() if lane == EVALUATE else fairness.is_due(lane)


def work_off(lane: str) -> None:
    """Run a lane in this process, as its task would."""
    evaluate() if lane == EVALUATE else deliver(lane)
