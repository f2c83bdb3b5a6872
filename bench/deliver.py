"""Claim and finish of 200,000 due deliveries, against bare SQL that does nothing in between.

The product's part is all that a send is but the wire: fair claims, facts checked again, the
message rendered, an Attempt committed before the request, the outcome committed after it.
The floor is a queue in six lines: claim fifty rows, finish each by its own UPDATE and COMMIT.
Each round takes a fifth of the rows, so the last one shows whether an almost empty queue with
its dead rows is as fast as a full one.
"""

from __future__ import annotations

import time

import psycopg

from bench import evaluate
from bench.process import run
from bench.rows import add_due
from tests.instance import Instance

WORK = "claim and finish deliveries, no wire"
FLOOR = "bare SQL claim, then UPDATE + COMMIT each"
REACH = 0.3
DELIVERIES, ROUNDS, CLAIM_SIZE = 200_000, 5, 50

_CLAIM = """
    UPDATE bench_queue SET state = 'leased' WHERE id IN (
      SELECT id FROM bench_queue WHERE state = 'pending' AND not_before <= now()
      ORDER BY not_before LIMIT %s FOR UPDATE SKIP LOCKED
    ) RETURNING id
"""
_FINISH = "UPDATE bench_queue SET state = 'delivered', done_at = now() WHERE id = %s"


def prepare(product: Instance) -> None:
    product.import_program(evaluate.program())
    slugs = [f"p{n}" for n in range(evaluate.PARTNERS)]
    with psycopg.connect(product.environment["DATABASE_URL"], autocommit=True) as connection:
        add_due(connection, DELIVERIES, slugs)
        connection.execute(
            "CREATE TABLE bench_queue AS"
            " SELECT id, public_id, state, not_before, done_at FROM notifications_delivery"
        )
        connection.execute("ALTER TABLE bench_queue ADD PRIMARY KEY (id)")
        connection.execute("CREATE INDEX ON bench_queue (not_before) WHERE state = 'pending'")
        connection.execute("VACUUM ANALYZE")


def floor(product: Instance) -> float:
    left = number = DELIVERIES // ROUNDS
    with psycopg.connect(product.environment["DATABASE_URL"], autocommit=True) as connection:
        begun = time.perf_counter()
        while left:
            claimed = connection.execute(_CLAIM, [min(CLAIM_SIZE, left)]).fetchall()
            for row in claimed:
                connection.execute(_FINISH, row)
            left -= len(claimed)
        return number / (time.perf_counter() - begun)


def result(product: Instance) -> float:
    return run(product, "bench.deliver_round", str(DELIVERIES // ROUNDS))["per_second"]
