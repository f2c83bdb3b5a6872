"""A trigger of the database that refuses any change of a delivery's state but the known ones.

Whatever code writes, a final state stays final. It is made after every migration: SQLite
loses triggers when a table is rebuilt.
"""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.db import connections

from notifications.models import Delivery

TABLE = Delivery._meta.db_table
NAME = "delivery_guard"


def install(using: str) -> None:
    connection = connections[using]
    allowed = ", ".join(
        f"'{old}>{new}'" for old, states in Delivery.NEXT_STATES.items() for new in sorted(states)
    )
    statements = (_on_postgresql if connection.vendor == "postgresql" else _on_sqlite)(allowed)
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def on_migrated(sender: AppConfig, using: str, **_options: Any) -> None:
    if TABLE in connections[using].introspection.table_names():
        install(using)


def _on_postgresql(allowed: str) -> list[str]:
    return [
        f"""
        CREATE OR REPLACE FUNCTION {NAME}() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          IF OLD.state || '>' || NEW.state NOT IN ({allowed}) THEN
            RAISE EXCEPTION 'delivery %: % -> % is not allowed', OLD.id, OLD.state, NEW.state
              USING ERRCODE = 'integrity_constraint_violation';
          END IF;
          RETURN NEW;
        END $$
        """,
        f"""
        CREATE OR REPLACE TRIGGER {NAME} BEFORE UPDATE OF state ON {TABLE}
        FOR EACH ROW WHEN (OLD.state IS DISTINCT FROM NEW.state) EXECUTE FUNCTION {NAME}()
        """,
    ]


def _on_sqlite(allowed: str) -> list[str]:
    return [
        f"DROP TRIGGER IF EXISTS {NAME}",
        f"""
        CREATE TRIGGER {NAME} BEFORE UPDATE OF state ON {TABLE}
        WHEN OLD.state <> NEW.state AND OLD.state || '>' || NEW.state NOT IN ({allowed})
        BEGIN SELECT RAISE(ABORT, 'delivery: this change of state is not allowed'); END
        """,
    ]
