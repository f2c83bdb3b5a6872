"""What was acknowledged and what became of it, counted as Jepsen's total-queue counts.

The client says what was acknowledged, the receivers what arrived; the database is asked only
why something did not arrive. One pair = one event and one address that must hear of it, by one
delivery: nobody here is told on two channels, and what is sent again keeps its id.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, fields
from statistics import quantiles

import psycopg

from tests.chaos.client import Sent
from tests.sinks import Received

# Who waits for Redis waits at least 200 ms (CACHES in settings.py). A machine that is merely busy
# slows both down.
SLOWER_MS = 150
_WORDS = ("unexcused", "renamed", "notes", "broken")  # Said only when there is something.
# "Why am I getting this?" in each mail; every messageId of ours is made of these.
_EVENT = re.compile(r"/activity/([\w-]+)/")


@dataclass
class Ledger:
    """One run of one scenario. `recovery`: seconds from the last fault until all was settled."""

    test: str
    seed: int
    acknowledged: int = 0
    refused: int = 0
    unknown: int = 0  # Events of which the client never learnt anything.
    recovered: int = 0  # Sent again after an unknown outcome, and they were there already.
    received: int = 0
    lost: int = 0  # Pairs that nobody received, and the database does not say why.
    explained: int = 0  # Pairs that nobody received, and a final row says why.
    duplicated: int = 0  # Copies beyond the first of one delivery.
    unexpected: int = 0  # Received, but never sent for, or a second delivery of its pair.
    interrupted: int = 0  # Sends whose outcome nobody knows.
    unexcused: int = 0  # Copies of a delivery beyond its interrupted sends.
    renamed: int = 0  # Copies with another Message-ID.
    kills: int = 0
    recovery: float | None = None
    notes: dict[str, str] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)

    def check(self, holds: object, words: str) -> None:
        if not holds:
            self.broken.append(words)

    def check_speed(self, usual: Sequence[float], meanwhile: Sequence[float]) -> None:
        """Intake answers during a fault as fast as before it: half of the requests, and nine in
        ten. Now and then one finds out whether Redis is back."""
        deciles = (quantiles(seconds, n=10, method="inclusive") for seconds in (usual, meanwhile))
        before, during = ([seconds * 1000 for seconds in of] for of in deciles)
        for words, place in (("half", 4), ("nine in ten", 8)):
            took, usually = during[place], before[place]
            self.notes[f"{words} within"] = f"{usually:.0f} ms, meanwhile {took:.0f} ms"
            self.check(
                took < usually + SLOWER_MS, f"{words} took {took:.0f} ms instead of {usually:.0f}"
            )

    def judge(self, *, explained: int = 0, never_twice: bool = False) -> None:
        """Apply the rules. `explained`: so many pairs must not arrive, and be explained."""
        self.check(not self.lost, f"{self.lost} lost")
        self.check(not self.unexpected, f"{self.unexpected} unexpected")
        self.check(not self.unknown, f"{self.unknown} unknown to the client at the end")
        self.check(not self.unexcused, f"{self.unexcused} duplicated though nothing was cut")
        self.check(not self.renamed, f"{self.renamed} copies with another Message-ID")
        if never_twice:
            self.check(not self.duplicated, f"{self.duplicated} duplicated, and never may be")
        self.check(
            self.explained == explained, f"{self.explained} explained instead of {explained}"
        )


@dataclass(frozen=True)
class Stored:
    """What the database says. `arrived`: event → Unix time. `why`: (event, address) of what
    ended otherwise, with a word; address "" for all of the event. `interrupted`: delivery →
    sends of which nobody knows the outcome."""

    arrived: Mapping[str, float]
    why: Set[tuple[str, str]]
    interrupted: Mapping[str, int]


def read_stored(database_url: str, events: Iterable[Sent]) -> Stored:
    ids = [event.message_id for event in events]
    with psycopg.connect(database_url) as connection:
        return Stored(
            arrived=dict(connection.execute(_ARRIVED, [ids]).fetchall()),
            why=set(connection.execute(_WHY, {"ids": ids}).fetchall()),
            interrupted=dict(connection.execute(_INTERRUPTED, [ids]).fetchall()),
        )


def count(
    ledger: Ledger, sent: Iterable[Sent], received: Sequence[Received], stored: Stored
) -> None:
    """Fill in what the client, the receivers and the database say."""
    events = {event.message_id: event for event in sent}
    ledger.acknowledged = sum(event.acknowledged for event in events.values())
    ledger.refused = sum(event.refused for event in events.values())
    ledger.unknown = len(events) - ledger.acknowledged - ledger.refused
    ledger.recovered = sum(_was_there(event, stored) for event in events.values())
    ledger.received = len(received)
    copies = Counter(mail.delivery for mail in received)
    ledger.duplicated = copies.total() - len(copies)
    ledger.interrupted = sum(stored.interrupted.values())
    ledger.unexcused = sum(
        max(0, number - 1 - stored.interrupted.get(delivery, 0))
        for delivery, number in copies.items()
    )
    ledger.renamed = len({(m.delivery, m.message_id) for m in received}) - len(copies)
    told = {(event_of(mail), mail.to, mail.delivery) for mail in received}
    arrived = {(event, address) for event, address, _delivery in told}
    wanted = {
        (event.message_id, address)
        for event in events.values()
        if not event.refused
        for address in event.tells
    }
    ledger.unexpected = len(told) - len(arrived & wanted)
    ledger.lost = ledger.explained = 0
    for event in filter(lambda event: event.acknowledged, events.values()):
        missing = {(event.message_id, address) for address in event.tells} - arrived
        known = missing if (event.message_id, "") in stored.why else missing & stored.why
        ledger.explained += len(known)
        ledger.lost += len(missing - known)
        if event.message_id not in stored.arrived and not event.tells:
            ledger.lost += 1  # Nobody would have heard of it, but it was accepted.


def _was_there(event: Sent, stored: Stored) -> bool:
    again = event.unsure_at
    return again is not None and stored.arrived.get(event.message_id, again) < again


def event_of(mail: Received) -> str:
    found = _EVENT.search(mail.text)
    return found[1] if found else ""


_ARRIVED = """
    SELECT message_id, extract(epoch FROM received_at)::float FROM partners_activity
    WHERE message_id = ANY(%s)
"""
_WHY = """
    SELECT a.message_id, u.email
    FROM notifications_delivery d
    JOIN notifications_notification n ON n.id = d.notification_id
    JOIN partners_activity a ON a.id = n.activity_id
    JOIN accounts_membership m ON m.id = n.membership_id
    JOIN accounts_user u ON u.id = m.user_id
    WHERE d.channel <> 'desktop' AND a.message_id = ANY(%(ids)s)
      AND d.state IN ('dead', 'suppressed', 'cancelled', 'expired', 'unknown')
      AND d.reason || d.detail <> ''
    UNION ALL
    SELECT message_id, '' FROM partners_activity
    WHERE message_id = ANY(%(ids)s) AND state = 'quarantined' AND problem <> ''
"""
# Sends on a wire of which nobody knows the outcome; the inbox is no wire.
_INTERRUPTED = """
    SELECT d.public_id::text, count(*) FROM notifications_attempt t
    JOIN notifications_delivery d ON d.id = t.delivery_id
    JOIN notifications_notification n ON n.id = d.notification_id
    JOIN partners_activity a ON a.id = n.activity_id
    WHERE d.channel <> 'desktop' AND t.outcome = 'unknown' AND a.message_id = ANY(%s)
    GROUP BY d.public_id
"""


def columns() -> list[str]:
    return [f.name for f in fields(Ledger) if f.name not in _WORDS]
