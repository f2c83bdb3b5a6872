"""One INSERT or UPDATE for many rows of one table, from one JSON parameter.

Measured against Django's bulk_create for thousands of small rows: the rows are encoded
once instead of being prepared field by field. No model instances, signals or defaults:
every column that has no database default must be given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from django.db import connection, models


def insert_rows(
    model: type[models.Model],
    rows: Sequence[Mapping[str, Any]],
    *,
    skip_conflicts: bool = False,
    returning: Sequence[str] = (),
) -> list[tuple[Any, ...]]:
    """Insert `rows` (column → value, the same columns in each); return these columns.

    A value of a JSON column is a `msgspec.Raw` or plain data. With `skip_conflicts` rows
    that break a unique key are left out, also of what is returned.
    """
    if not rows:
        return []
    sql = (_sqlite if _is_sqlite() else _postgresql)(model, list(rows[0]))
    sql += " ON CONFLICT DO NOTHING" if skip_conflicts else ""
    sql += f" RETURNING {', '.join(returning)}" if returning else ""
    with connection.cursor() as cursor:
        cursor.execute(sql, [_document(rows)])
        return cursor.fetchall() if returning else []


def update_rows(model: type[models.Model], rows: Sequence[Mapping[str, Any]]) -> None:
    """Give the rows with these `id`s these values (column → value, the same columns in each)."""
    if not rows:
        return
    columns = [name for name in rows[0] if name != "id"]
    table = model._meta.db_table
    if _is_sqlite():
        values = ", ".join(f"{name} = item.value ->> '{name}'" for name in columns)
        source, key = "json_each(%s) AS item", "item.value ->> 'id'"
    else:
        values = ", ".join(f"{name} = item.{name}" for name in columns)
        typed = ", ".join(f"{name} {_type(model, name)}" for name in rows[0])
        source, key = f"json_to_recordset(%s) AS item({typed})", "item.id"
    sql = f"UPDATE {table} SET {values} FROM {source} WHERE {table}.id = {key}"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql, [_document(rows)])


def _is_sqlite() -> bool:
    return connection.vendor == "sqlite"


def _document(rows: Sequence[Mapping[str, Any]]) -> str:
    known = [_for_sqlite(row) for row in rows] if _is_sqlite() else rows
    return msgspec.json.encode(known).decode()


def _postgresql(model: type[models.Model], columns: list[str]) -> str:
    typed = ", ".join(f"{name} {_type(model, name)}" for name in columns)
    names = ", ".join(columns)
    return (
        f"INSERT INTO {model._meta.db_table} ({names}) "  # noqa: S608 - our own names
        f"SELECT {names} FROM json_to_recordset(%s) AS item({typed})"
    )


def _type(model: type[models.Model], column: str) -> str:
    field = next(f for f in model._meta.concrete_fields if f.column == column)
    return str(field.cast_db_type(connection))


def _sqlite(model: type[models.Model], columns: list[str]) -> str:
    values = ", ".join(f"value ->> '{name}'" for name in columns)
    return (
        f"INSERT INTO {model._meta.db_table} ({', '.join(columns)}) "  # noqa: S608
        f"SELECT {values} FROM json_each(%s) WHERE true"
    )


def _for_sqlite(row: Mapping[str, Any]) -> dict[str, Any]:
    adapt = connection.ops.adapt_datetimefield_value
    return {
        key: adapt(value) if isinstance(value, datetime) else value for key, value in row.items()
    }
