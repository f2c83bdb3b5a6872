"""Work off one lane: claim, check again, send."""

from __future__ import annotations

import logging
import time
import uuid
from collections import Counter, deque
from dataclasses import dataclass, field
from enum import StrEnum

from django.conf import settings
from django.db import OperationalError

from notifications.channels.base import Channel, DeliveryError, Failure, Send
from notifications.channels.registry import CHANNELS
from notifications.delivery import outcome
from notifications.delivery.claim import claim, give_back
from notifications.delivery.recheck import Recheck
from notifications.models import Delivery
from notifications.rendering import render
from partnernotify.shutdown import stopping

CLAIM_SIZE = 50
# "Right before it is sent": facts older than this are read again.
FRESH_SECONDS = 1.0

log = logging.getLogger(__name__)


class Result(StrEnum):
    DELIVERED = "delivered"
    RETRIED = "retried"
    FAILED = "failed"
    STOPPED = "stopped"
    LOST = "lost"  # The lease was somebody else's by then.


@dataclass
class Tally:
    """What one call did with the deliveries that it claimed."""

    results: Counter[Result] = field(default_factory=Counter)

    @property
    def taken(self) -> int:
        return self.results.total()

    @property
    def delivered(self) -> int:
        return self.results[Result.DELIVERED]

    @property
    def failed(self) -> int:
        return self.results[Result.FAILED]


def deliver_due(lane: str, limit: int = CLAIM_SIZE) -> Tally:
    """Deliver up to `limit` due deliveries of one lane.

    A send starts only while it can end within the lease; the rest is given back.
    """
    token, tally = uuid.uuid4(), Tally()
    slack = settings.DELIVERY_LEASE - settings.SEND_DEADLINE
    last_start = time.monotonic() + slack.total_seconds()
    waiting = claim(lane, token, limit)
    if not waiting:
        return tally
    channel = CHANNELS[lane]
    with channel.session() as send:
        while waiting and not stopping.is_set() and time.monotonic() < last_start:
            recheck = Recheck(waiting)
            stale_at = min(time.monotonic() + FRESH_SECONDS, last_start)
            todo = deque(recheck.deliveries)
            while todo and not stopping.is_set() and time.monotonic() < stale_at:
                delivery = todo.popleft()
                tally.results[_deliver(channel, send, recheck, delivery, token)] += 1
            waiting = [delivery.pk for delivery in todo]
    give_back(waiting, token)
    return tally


def _deliver(
    channel: Channel, send: Send, recheck: Recheck, delivery: Delivery, token: uuid.UUID
) -> Result:
    try:
        checked = recheck.check(delivery)
        if checked.stop:
            return Result.STOPPED if outcome.stop(checked, token) else Result.LOST
        message = render(checked.context)
        if not outcome.start(checked, token):
            return Result.LOST
    except OperationalError:
        raise  # The database, not this delivery: its lease ends and somebody else tries.
    except Exception as error:
        log.exception("Delivery %s could not be prepared", delivery.public_id)
        again = outcome.stumble(delivery, token, error)
        return Result.RETRIED if again else Result.FAILED
    try:
        detail = send(message, checked.address)
    except DeliveryError as error:
        failure = error
    except Exception as error:
        log.exception("Delivery %s failed in its channel", delivery.public_id)
        failure = DeliveryError(Failure.UNKNOWN, f"{type(error).__name__}: {error}")
    else:
        outcome.finish(delivery, token, detail)
        return Result.DELIVERED
    again = outcome.fail(channel, delivery, token, failure, checked.address)
    return Result.RETRIED if again else Result.FAILED
