"""Our own SQL, where each message counts its milliseconds.

Django's update() and create() cost a message more than everything else together, and each
transaction two more round trips. So on PostgreSQL a start and the finish of the send before
are one statement, planned and committed once; SQLite takes the same changes one by one.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from django.db import connection, transaction


def ask(sql: str, **values: Any) -> list[tuple[Any, ...]]:
    """Run one statement and return its rows. `{now}` is the database's time."""
    with connection.cursor() as cursor:
        cursor.execute(_with_time(sql), _adapted(values))
        return cursor.fetchall()


def run(statements: Sequence[str], **values: Any) -> int:
    """Run statements in one transaction; return how many rows the last one changed."""
    values = _adapted(values)
    if len(statements) == 1:  # A transaction by itself.
        return _run_one(statements[0], values)
    with transaction.atomic():
        return [_run_one(sql, values) for sql in statements][-1]


def _run_one(sql: str, values: dict[str, Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(_with_time(sql), values)
        return cursor.rowcount


def together(last: str, **parts: str) -> str:
    """Return one statement of several changes (PostgreSQL's manual, 7.8.4).

    They all see the rows as they were before; what a part returns, a later one reads by the
    part's name.
    """
    return f"WITH {', '.join(f'{name} AS ({sql})' for name, sql in parts.items())} {last}"


def is_on_postgresql() -> bool:
    return connection.vendor == "postgresql"


def _with_time(sql: str) -> str:
    is_sqlite = connection.vendor == "sqlite"
    now = "strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now')" if is_sqlite else "statement_timestamp()"
    return sql.format(now=now)


def _adapted(values: dict[str, Any]) -> dict[str, Any]:
    if connection.features.has_native_uuid_field:
        return values
    return {k: v.hex if isinstance(v, uuid.UUID) else v for k, v in values.items()}
