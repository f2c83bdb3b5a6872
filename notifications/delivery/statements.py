"""Our own SQL, one text for both databases, where each message counts its milliseconds.

Django's update() and create() cost a message more than everything else together, and each
transaction two more round trips.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

from django.db import connection, transaction


def ask(sql: str, **values: Any) -> list[tuple[Any, ...]]:
    """Run one statement and return its rows. `{now}` is the database's time."""
    with connection.cursor() as cursor:
        cursor.execute(_with_time(sql), _adapted(values))
        return cursor.fetchall()


def run(statements: Iterable[str], **values: Any) -> list[int]:
    """Run statements in one transaction; return how many rows each changed.

    PostgreSQL gets them as one message, which is a transaction by itself
    (manual, 55.2.2.1): one round trip, also for the commit.
    """
    texts, values = [_with_time(sql) for sql in statements], _adapted(values)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(";".join(texts), values)
            counts = [cursor.rowcount]
            while cursor.nextset():
                counts.append(cursor.rowcount)
            return counts
    with transaction.atomic(), connection.cursor() as cursor:
        return [cursor.execute(text, values).rowcount for text in texts]


def _with_time(sql: str) -> str:
    is_sqlite = connection.vendor == "sqlite"
    now = "strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now')" if is_sqlite else "statement_timestamp()"
    return sql.format(now=now)


def _adapted(values: dict[str, Any]) -> dict[str, Any]:
    if connection.features.has_native_uuid_field:
        return values
    return {k: v.hex if isinstance(v, uuid.UUID) else v for k, v in values.items()}
