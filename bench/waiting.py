"""How long things wait: a claim beside a million rows, quiet accounts beside a flood, a ring.

Seconds and not rates, so each has a bound instead of a floor; the flood is compared with the
same accounts without it, in the same run.
"""

from __future__ import annotations

from typing import Any

import psycopg

from bench import evaluate
from bench.process import run
from bench.rows import add_due
from tests.instance import Instance

ROUNDS = "bench.waiting_rounds"
BESIDE, FLOOD = 1_000_000, 300_000
CLAIM_P99, QUIET_TIMES, RING = 0.100, 3.0, 0.001

# Rows of every account in every state, most of them done: copies of what is there.
_HISTORY = """
    INSERT INTO notifications_delivery (public_id, account_id, notification_id, channel,
      endpoint_key, replay, topic, state, reason, detail, not_before, starts, failures,
      created_at, done_at)
    SELECT gen_random_uuid(), account_id, notification_id,
      CASE WHEN n % 10 = 0 THEN 'desktop' ELSE 'email' END, 'old-' || n, 0, topic, s.state, 'sent',
      '', now() + interval '1 day'
        * (CASE WHEN s.state = 'pending' THEN 1 ELSE -1 END), 1, 0, now(),
      CASE WHEN s.state = 'pending' THEN NULL ELSE now() END
    FROM notifications_delivery d, generate_series(1, %s) n,
      LATERAL (SELECT (ARRAY['delivered', 'delivered', 'dead', 'pending'])[1 + (d.id + n) % 4])
        AS s(state)
    WHERE endpoint_key = 'user'
"""
_BASE = 10_000


def measure(product: Instance) -> dict[str, Any]:
    """Return the figures in seconds, and whether each is within its bound."""
    product.import_program(evaluate.program())
    url = product.environment["DATABASE_URL"]
    with psycopg.connect(url, autocommit=True) as connection:
        add_due(connection, _BASE, _slugs(evaluate.PARTNERS))
        connection.execute(_HISTORY.replace("%s", str(BESIDE // _BASE - 1)))
        connection.execute("VACUUM ANALYZE")
    claims = run(product, ROUNDS, "claims")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("UPDATE notifications_delivery SET not_before = now() + interval '1 d'"
                           " WHERE state = 'pending'")  # fmt: skip
    quiet = run(product, ROUNDS, "quiet")
    with psycopg.connect(url, autocommit=True) as connection:
        add_due(connection, FLOOD, _slugs(1))
        connection.execute("VACUUM ANALYZE")
    flooded = run(product, ROUNDS, "quiet")
    ring = run(product, ROUNDS, "ring")
    times = flooded["p99"] / quiet["p99"]
    return {
        "claim beside 1,000,000 rows, p99 s": claims["p99"],
        "first try of 49 quiet accounts, p99 s": quiet["p99"],
        "the same beside a flood of 300,000": flooded["p99"],
        "times": round(times, 2),
        "ring p99 s": ring["p99"],
        "reached": claims["p99"] < CLAIM_P99 and times <= QUIET_TIMES and ring["p99"] < RING,
    }


def _slugs(count: int) -> list[str]:
    return [f"p{n}" for n in range(count)]
