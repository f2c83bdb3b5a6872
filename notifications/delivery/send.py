"""Work off one lane: claim, check again, send."""

from __future__ import annotations

import logging
import time
import uuid
from collections import Counter, defaultdict, deque
from dataclasses import dataclass, field
from datetime import datetime

from django.conf import settings
from django.db import OperationalError

from notifications.channels.base import Channel, DeliveryError, Failure, Send
from notifications.channels.registry import CHANNELS
from notifications.delivery import outcome
from notifications.delivery.claim import claim, give_back
from notifications.delivery.outcome import Result
from notifications.delivery.recheck import Recheck
from notifications.models import Delivery
from notifications.rendering import render
from partnernotify.shutdown import stopping

CLAIM_SIZE = 50
# "Right before it is sent": facts older than this are read again.
FRESH_SECONDS = 1.0

_TROUBLE = frozenset({Result.RETRIED, Result.FAILED})

log = logging.getLogger(__name__)


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
            todo = deque(_may_go(recheck, token, tally))
            while todo and not stopping.is_set() and time.monotonic() < stale_at:
                result = _deliver(channel, send, recheck, todo.popleft(), token)
                tally.results[result] += 1
                if result in _TROUBLE:
                    break  # The endpoint may have to be left alone: read that first.
            waiting = [delivery.pk for delivery in todo]
    give_back(waiting, token)
    return tally


def _may_go(recheck: Recheck, token: uuid.UUID, tally: Tally) -> list[Delivery]:
    """Return the deliveries whose endpoint may be spoken to, and put the others off."""
    may_go: list[Delivery] = []
    put_off: dict[datetime, list[Delivery]] = defaultdict(list)
    for delivery in recheck.deliveries:
        until = recheck.wait_until(delivery)
        (put_off[until] if until else may_go).append(delivery)
    for until, deliveries in put_off.items():
        tally.results[outcome.postpone(deliveries, token, until)] += len(deliveries)
    return may_go


def _deliver(
    channel: Channel, send: Send, recheck: Recheck, delivery: Delivery, token: uuid.UUID
) -> Result:
    try:
        checked = recheck.check(delivery)
        if checked.stop:
            return outcome.stop(checked, token)
        message = render(checked.context)
        if why_not := outcome.start(checked, token):
            return why_not
    except OperationalError:
        raise  # The database, not this delivery: its lease ends and somebody else tries.
    except Exception as error:
        log.exception("Delivery %s could not be prepared", delivery.public_id)
        return outcome.stumble(delivery, token, error)
    try:
        detail = send(message, checked.address)
    except DeliveryError as error:
        failure = error
    except Exception as error:
        log.exception("Delivery %s failed in its channel", delivery.public_id)
        failure = DeliveryError(Failure.UNKNOWN, f"{type(error).__name__}: {error}")
    else:
        return outcome.finish(checked, token, detail)
    return outcome.fail(channel, checked, token, failure)
