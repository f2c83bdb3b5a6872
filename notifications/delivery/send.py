"""Work off one lane: claim, check again, send."""

from __future__ import annotations

import logging
import time
import uuid
from collections import Counter, defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from django.conf import settings
from django.db import OperationalError

from notifications.channels.base import Channel, DeliveryError, Failure, Send
from notifications.channels.registry import CHANNELS
from notifications.delivery import outcome
from notifications.delivery.claim import claim, give_back
from notifications.delivery.health import place_of
from notifications.delivery.outcome import Accepted, Result
from notifications.delivery.recheck import Checked, Recheck
from notifications.messages import Message
from notifications.models import Delivery
from notifications.rendering import render
from partnernotify.shutdown import stopping

CLAIM_SIZE = 50
# "Right before it is sent": facts older than this are read again.
FRESH_SECONDS = 1.0

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

    A claim lasts as long as its facts are fresh, and the rest is given back: the next one is
    fair again, however slow this lane's receivers are. A send starts only while it can end
    within the lease.
    """
    token, tally = uuid.uuid4(), Tally()
    slack = settings.DELIVERY_LEASE - settings.SEND_DEADLINE
    last_start = time.monotonic() + slack.total_seconds()
    waiting = claim(lane, token, limit)
    if not waiting:
        return tally
    channel = CHANNELS[lane]
    with channel.session() as send:
        batch = _Batch(channel, send, token, tally, waiting)
        left = batch.deliver(until=min(time.monotonic() + FRESH_SECONDS, last_start))
    give_back(left, token)
    return tally


@dataclass(frozen=True, kw_only=True)
class _Ready:
    """What may be sent now."""

    checked: Checked
    message: Message


class _Batch:
    """Deliveries whose facts were read together."""

    def __init__(
        self,
        channel: Channel,
        send: Send,
        token: uuid.UUID,
        tally: Tally,
        delivery_ids: Iterable[int],
    ) -> None:
        self._channel, self._send_one = channel, send
        self._token, self._tally = token, tally
        self._recheck = Recheck(delivery_ids)
        self._todo = deque(self._put_off())

    def deliver(self, *, until: float) -> list[int]:
        """Send one after the other until the facts are too old; return what is left.

        Each commit that starts a send finishes the one before: half the commits. The next one
        is made ready before a send, not after it, so that no outcome waits for a check.
        """
        self._until = until
        current, accepted = self._next(), None
        while current:
            begun = self._start(current, accepted)
            following = self._next()
            accepted = self._send(current) if begun else None
            # Its endpoint may have to be left alone now: that is to be read first.
            in_trouble = begun and accepted is None
            if following and (in_trouble or not self._is_fresh()):
                self._todo.appendleft(following.checked.delivery)
                following = None
            if accepted and not following:
                outcome.finish(accepted, self._token)
            current = following
        return [delivery.pk for delivery in self._todo]

    def _put_off(self) -> list[Delivery]:
        """Return the deliveries whose endpoint may be spoken to, and put the others off."""
        may_go: list[Delivery] = []
        put_off: dict[datetime, list[Delivery]] = defaultdict(list)
        for delivery in self._recheck.deliveries:
            until = self._recheck.wait_until(delivery)
            (put_off[until] if until else may_go).append(delivery)
        for until, deliveries in put_off.items():
            result = outcome.postpone(deliveries, self._token, until)
            self._tally.results[result] += len(deliveries)
        return may_go

    def _is_fresh(self) -> bool:
        return not stopping.is_set() and time.monotonic() < self._until

    def _next(self) -> _Ready | None:
        """Return the next one that may be sent; write down what may not."""
        while self._todo and self._is_fresh():
            if ready := self._prepare(self._todo.popleft()):
                return ready
        return None

    def _prepare(self, delivery: Delivery) -> _Ready | None:
        try:
            checked = self._recheck.check(delivery)
            if not checked.stop:
                return _Ready(checked=checked, message=render(checked.context))
            self._count(outcome.stop(checked, self._token))
        except OperationalError:
            raise  # The database, not this delivery: its lease ends and somebody else tries.
        except Exception as error:  # noqa: BLE001 - one message must not hold up the others
            self._stumble(delivery, error)
        return None

    def _start(self, ready: _Ready, accepted: Accepted | None) -> bool:
        behind = self._behind(ready.checked)
        try:
            why_not = outcome.start(ready.checked, self._token, accepted, behind)
        except Exception as error:
            if accepted:  # What was sent does not hang on what comes next.
                outcome.finish(accepted, self._token)
            if isinstance(error, OperationalError):
                raise
            self._stumble(ready.checked.delivery, error)
            return False
        if why_not:
            self._count(why_not)
        if why_not == Result.POSTPONED:
            for delivery in behind:
                self._todo.remove(delivery)
                self._count(why_not)
        return why_not is None

    def _behind(self, checked: Checked) -> list[Delivery]:
        """Return what waits for the same endpoint: put off with it, it need not ask itself."""
        if checked.endpoint is None:
            return []
        place = place_of(checked.delivery)
        return [delivery for delivery in self._todo if place_of(delivery) == place]

    def _stumble(self, delivery: Delivery, error: Exception) -> None:
        log.error("Delivery %s could not be prepared", delivery.public_id, exc_info=error)
        self._count(outcome.stumble(delivery, self._token, error))

    def _send(self, ready: _Ready) -> Accepted | None:
        """Send it. What failed is written down, what was accepted is returned for that."""
        checked = ready.checked
        try:
            detail = self._send_one(ready.message, checked.address)
        except DeliveryError as error:
            failure = error
        except Exception as error:
            log.exception("Delivery %s failed in its channel", checked.delivery.public_id)
            failure = DeliveryError(Failure.UNKNOWN, f"{type(error).__name__}: {error}")
        else:
            self._count(Result.DELIVERED)
            return Accepted(checked=checked, detail=detail)
        self._count(outcome.fail(self._channel, checked, self._token, failure))
        return None

    def _count(self, result: Result) -> None:
        self._tally.results[result] += 1
