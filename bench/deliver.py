"""Claim and finish of due deliveries, against bare SQL that does nothing in between.

The product's part is all that a send is but the wire: fair claims, facts checked again, an
Attempt and the outcome committed. The bell has no wire at all. An e-mail is also rendered, and
its Attempt is committed by itself before the request: that is the price of "at most one copy
for each interrupted send". The floor is a queue in six lines: claim fifty rows, finish each by
its own UPDATE and COMMIT. Each round takes a fifth of the rows, so the last one shows whether
an almost empty queue with its dead rows is as fast as a full one.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import ClassVar

import psycopg

from bench import evaluate
from bench.process import run
from bench.rows import add_due
from tests.instance import Instance

ROUNDS = 5
# A round ends with a whole claim, and so takes a little more than its share.
SPARE = 1_000
# Of the floor.
BARE_CLAIM = 50

_CLAIM = """
    UPDATE bench_queue SET state = 'leased' WHERE id IN (
      SELECT id FROM bench_queue WHERE state = 'pending' AND not_before <= now()
      ORDER BY not_before LIMIT %s FOR UPDATE SKIP LOCKED
    ) RETURNING id
"""
_FINISH = "UPDATE bench_queue SET state = 'delivered', done_at = now() WHERE id = %s"


@dataclass(frozen=True, kw_only=True)
class Deliveries:
    """`REACH` 0: shown, but nothing is asked of it."""

    WORK: str
    REACH: float
    lane: str
    number: int
    FLOOR: ClassVar[str] = "bare SQL claim, then UPDATE + COMMIT each"

    def prepare(self, product: Instance) -> None:
        product.import_program(evaluate.program())
        slugs = [f"p{n}" for n in range(evaluate.PARTNERS)]
        with psycopg.connect(product.environment["DATABASE_URL"], autocommit=True) as connection:
            add_due(connection, self.number + SPARE, slugs, lane=self.lane)
            connection.execute(
                "CREATE TABLE bench_queue AS"
                " SELECT id, public_id, state, not_before, done_at FROM notifications_delivery"
            )
            connection.execute("ALTER TABLE bench_queue ADD PRIMARY KEY (id)")
            connection.execute("CREATE INDEX ON bench_queue (not_before) WHERE state = 'pending'")
            connection.execute("VACUUM ANALYZE")

    def floor(self, product: Instance) -> float:
        left = number = self.number // ROUNDS
        with psycopg.connect(product.environment["DATABASE_URL"], autocommit=True) as connection:
            begun = time.perf_counter()
            while left:
                claimed = connection.execute(_CLAIM, [min(BARE_CLAIM, left)]).fetchall()
                for row in claimed:
                    connection.execute(_FINISH, row)
                left -= len(claimed)
            return number / (time.perf_counter() - begun)

    def result(self, product: Instance) -> float:
        number = str(self.number // ROUNDS)
        return run(product, "bench.deliver_round", self.lane, number)["per_second"]


BELL = Deliveries(
    WORK="claim and finish deliveries to the bell", REACH=0.3, lane="desktop", number=200_000
)
E_MAIL = Deliveries(
    WORK="the same with e-mails, rendered, no wire", REACH=0, lane="email", number=20_000
)
