"""Migrations of large tables: indexes are built and dropped while the product goes on writing.

Forwards and backwards. A plain CREATE INDEX stops all who write; a plain DROP waits for whoever
reads the table, and all who write wait for it. The migration must not be atomic.
"""

from __future__ import annotations

from typing import Any

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations import (
    AddConstraint,
    AddIndex,
    RemoveConstraint,
    RemoveIndex,
)
from django.db.migrations.operations.base import Operation
from django.db.models import Index, Model, UniqueConstraint


class _Adds(Operation):
    model_name: str

    def added(self) -> Index | UniqueConstraint:
        raise NotImplementedError

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        if schema_editor.connection.vendor == "postgresql":
            _build(schema_editor, to_state.apps.get_model(app_label, self.model_name), self.added())
        else:
            super().database_forwards(app_label, schema_editor, from_state, to_state)

    def database_backwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        if schema_editor.connection.vendor == "postgresql":
            _drop(schema_editor, self.added().name)
        else:
            super().database_backwards(app_label, schema_editor, from_state, to_state)


class AddIndexInUse(_Adds, AddIndex):
    def added(self) -> Index:
        return self.index


class AddUniqueInUse(_Adds, AddConstraint):
    """For a unique constraint with a condition: PostgreSQL makes an index of it."""

    def added(self) -> UniqueConstraint:
        assert isinstance(self.constraint, UniqueConstraint)
        return self.constraint


class _Removes(Operation):
    model_name: str
    name: str

    def removed(self, model: Any) -> Index | UniqueConstraint:
        """Return what it was, as the state of its model knows it."""
        raise NotImplementedError

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        if schema_editor.connection.vendor == "postgresql":
            _drop(schema_editor, self.name)
        else:
            super().database_forwards(app_label, schema_editor, from_state, to_state)

    def database_backwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        if schema_editor.connection.vendor == "postgresql":
            removed = self.removed(to_state.models[app_label, self.model_name.lower()])
            _build(schema_editor, to_state.apps.get_model(app_label, self.model_name), removed)
        else:
            super().database_backwards(app_label, schema_editor, from_state, to_state)


class RemoveIndexInUse(_Removes, RemoveIndex):
    def removed(self, model: Any) -> Index:
        return model.get_index_by_name(self.name)


class RemoveUniqueInUse(_Removes, RemoveConstraint):
    """For a unique constraint with a condition, as `AddUniqueInUse`."""

    def removed(self, model: Any) -> UniqueConstraint:
        return model.get_constraint_by_name(self.name)


def _build(
    editor: BaseDatabaseSchemaEditor, model: type[Model], what: Index | UniqueConstraint
) -> None:
    _drop(editor, what.name)  # A build that was broken off leaves one that is used by nothing.
    sql: Any = what.create_sql(model, editor)
    sql.template = sql.template.replace("INDEX", "INDEX CONCURRENTLY", 1)
    editor.execute(sql, params=None)


def _drop(editor: BaseDatabaseSchemaEditor, name: str) -> None:
    editor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {editor.quote_name(name)}")
