"""Which due deliveries are next: a share for every account that waits, in random order.

First come, first served would let one account's flood of 300,000 rows delay everybody's
first attempt. Accounts are found by jumping along the one index of the claim, (channel,
account, not_before) of pending rows: a step for each account, whatever the number of rows.
"""

from __future__ import annotations

import random
import uuid
from collections import defaultdict
from collections.abc import Iterable
from datetime import timedelta
from itertools import zip_longest

from django.db import connection
from django.db.models.functions import Now

from notifications.delivery.statements import ask
from notifications.models import Delivery

TABLE = Delivery._meta.db_table

# The accounts with something due in the lane.
_ACCOUNTS = f"""
    WITH RECURSIVE waiting(account_id) AS (
      SELECT * FROM (
        SELECT account_id FROM {TABLE} WHERE channel = %(lane)s AND state = 'pending'
        ORDER BY account_id LIMIT 1
      ) AS lowest
      UNION ALL
      SELECT (
        SELECT d.account_id FROM {TABLE} d
        WHERE d.channel = %(lane)s AND d.state = 'pending' AND d.account_id > waiting.account_id
        ORDER BY d.account_id LIMIT 1
      ) FROM waiting WHERE waiting.account_id IS NOT NULL
    ),
    accounts AS (
      SELECT account_id FROM waiting WHERE EXISTS (
        SELECT 1 FROM {TABLE} d
        WHERE d.channel = %(lane)s AND d.state = 'pending'
          AND d.account_id = waiting.account_id AND d.not_before <= {{now}}
      )
    )
"""  # noqa: S608 - our own names

_LIST = f"{_ACCOUNTS} SELECT account_id FROM accounts"  # noqa: S608 - our own names
_IS_ANY = f"{_ACCOUNTS} SELECT EXISTS (SELECT 1 FROM accounts)"  # noqa: S608 - our own names
# MATERIALIZED: the planner may otherwise lock more rows than it returns.
_LEASE = f"""
    {_ACCOUNTS},
    shuffled AS MATERIALIZED (SELECT account_id FROM accounts ORDER BY random()),
    chosen AS MATERIALIZED (
      SELECT own.id FROM shuffled CROSS JOIN LATERAL (
        SELECT d.id FROM {TABLE} d
        WHERE d.channel = %(lane)s AND d.state = 'pending'
          AND d.account_id = shuffled.account_id AND d.not_before <= {{now}}
        ORDER BY d.not_before
        LIMIT (SELECT greatest(1, %(limit)s / greatest(1, count(*))) FROM shuffled)
        FOR NO KEY UPDATE SKIP LOCKED
      ) own
      LIMIT %(limit)s
    )
    UPDATE {TABLE} SET state = 'leased', lease_token = %(token)s, lease_until = {{now}} + %(lasts)s
    FROM chosen WHERE {TABLE}.id = chosen.id
    RETURNING {TABLE}.id
"""  # noqa: S608 - our own names


def lease(lane: str, token: uuid.UUID, limit: int, lasts: timedelta) -> list[int]:
    """Lease up to `limit` due deliveries of the lane; return their ids. In a transaction."""
    if connection.features.has_select_for_update_skip_locked:
        rows = ask(_LEASE, lane=lane, token=token, limit=limit, lasts=lasts)
        return [pk for (pk,) in rows]
    ids = _choose(lane, limit)
    Delivery.objects.filter(pk__in=ids).update(
        state=Delivery.State.LEASED, lease_token=token, lease_until=Now() + lasts
    )
    return ids


def _choose(lane: str, limit: int) -> list[int]:
    """Choose where the transaction holds the whole database (SQLite)."""
    accounts = [pk for (pk,) in ask(_LIST, lane=lane)]
    random.shuffle(accounts)
    ids: list[int] = []
    for account_id in accounts[:limit]:
        due = Delivery.objects.filter(
            channel=lane,
            account=account_id,
            state=Delivery.State.PENDING,
            not_before__lte=Now(),
        )
        share = max(1, limit // len(accounts))
        ids += due.order_by("not_before").values_list("pk", flat=True)[:share]
    return ids


def by_turns(deliveries: Iterable[Delivery]) -> list[Delivery]:
    """Return the first of each account, then the second of each …; accounts in random order.

    The order of work within a claim: it may end long before the claim does.
    """
    queues: dict[int, list[Delivery]] = defaultdict(list)
    for delivery in deliveries:
        queues[delivery.account_id].append(delivery)
    accounts = random.sample(list(queues.values()), len(queues))
    return [delivery for turn in zip_longest(*accounts) for delivery in turn if delivery]


def is_due(lane: str) -> bool:
    """Tell whether the lane has anything to claim."""
    ((found,),) = ask(_IS_ANY, lane=lane)
    return bool(found)
