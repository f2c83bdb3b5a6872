"""Writing rows that may be there already: only what differs is written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from django.db import models

from notifications.program.references import chunks
from notifications.program.summary import Change

Row = TypeVar("Row", bound=models.Model)


def fetch(rows: models.QuerySet[Row], field: str, values: Iterable[Any]) -> list[Row]:
    """Return the rows whose `field` is one of `values`. 1 query for 500 of them."""
    distinct = dict.fromkeys(values)
    return [row for chunk in chunks(distinct) for row in rows.filter(**{f"{field}__in": chunk})]


def update(row: models.Model, values: Mapping[str, Any]) -> Change:
    """Write the values that differ into a stored row."""
    names = [name for name, value in values.items() if getattr(row, name) != value]
    if not names:
        return Change.SAME
    for name in names:
        setattr(row, name, values[name])
    row.save(update_fields=names)
    return Change.UPDATED


def write(row: Row | None, new: Row, values: Mapping[str, Any]) -> tuple[Row, Change]:
    """Update `row`, or insert `new` when there is none, with `values`."""
    if row is not None:
        return row, update(row, values)
    for name, value in values.items():
        setattr(new, name, value)
    new.save(force_insert=True)
    return new, Change.NEW
