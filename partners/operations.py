"""Migrations of large tables: their indexes are built while the product goes on writing."""

from __future__ import annotations

from typing import Any

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations import AddConstraint, AddIndex, RemoveIndex
from django.db.models import Index, Model, UniqueConstraint


class AddIndexInUse(AddIndex):
    """Add an index without a lock that stops writers. The migration must not be atomic."""

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        if schema_editor.connection.vendor == "postgresql":
            model = to_state.apps.get_model(app_label, self.model_name)
            _build(schema_editor, model, self.index)
        else:
            super().database_forwards(app_label, schema_editor, from_state, to_state)


class RemoveIndexInUse(RemoveIndex):
    """Remove an index the same way: a plain DROP waits for whoever reads the table, and all who
    write wait for it."""

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        if schema_editor.connection.vendor == "postgresql":
            name = schema_editor.quote_name(self.name)
            schema_editor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
        else:
            super().database_forwards(app_label, schema_editor, from_state, to_state)


class AddUniqueInUse(AddConstraint):
    """The same for a unique constraint with a condition: PostgreSQL makes an index of it."""

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        if schema_editor.connection.vendor == "postgresql":
            model = to_state.apps.get_model(app_label, self.model_name)
            assert isinstance(self.constraint, UniqueConstraint)
            _build(schema_editor, model, self.constraint)
        else:
            super().database_forwards(app_label, schema_editor, from_state, to_state)


def _build(
    editor: BaseDatabaseSchemaEditor, model: type[Model], what: Index | UniqueConstraint
) -> None:
    # A build that was broken off leaves an index that is used by nothing; then it begins anew.
    editor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {editor.quote_name(what.name)}")
    sql: Any = what.create_sql(model, editor)
    sql.template = sql.template.replace("INDEX", "INDEX CONCURRENTLY", 1)
    editor.execute(sql, params=None)
