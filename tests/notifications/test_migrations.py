"""Migrations of tables that grow: what writes to them is not kept waiting."""

import re
from io import StringIO

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader

from notifications.models import Attempt, Decision, Delivery, Notification, NotificationReason
from partners.models import Activity

pytestmark = pytest.mark.django_db
LARGE = (Activity, Attempt, Decision, Delivery, Notification, NotificationReason)
LAST_RELEASED = {"partners": "0006_lead_owner", "notifications": "0017_suspended_addresses"}
# Before the first that changes an index of a large table in use.
LAST_PLAIN = {"partners": "0006_lead_owner", "notifications": "0023_limits"}


def later_migrations():
    migrations = MigrationLoader(None).disk_migrations
    return sorted((app, name) for app, name in migrations if name > LAST_RELEASED.get(app, "~"))


def changed_indexes(app, migration, *options):
    """Return the statements that build or drop one of a large table."""
    sql = StringIO()
    call_command("sqlmigrate", app, migration, *options, stdout=sql)
    tables = "|".join(model._meta.db_table for model in LARGE)
    builds = rf'CREATE (?:UNIQUE )?INDEX .* ON "(?:{tables})" .*'
    drops = r'DROP INDEX .*"(\w+)";'  # No word of the table.
    return [
        found[0]
        for found in re.finditer(f"{builds}|{drops}", sql.getvalue())
        if found[1] not in names_of_small_tables()
    ]


def names_of_small_tables():
    small = set(apps.get_models()) - set(LARGE)
    return {
        part.name for model in small for part in (*model._meta.indexes, *model._meta.constraints)
    }


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has no other way")
@pytest.mark.parametrize("options", [(), ("--backwards",)], ids=["forwards", "backwards"])
def test_indexes_of_large_tables_change_beside_the_running_product(options):
    changed = [sql for at in later_migrations() for sql in changed_indexes(*at, *options)]
    assert len(changed) >= 5
    assert [sql for sql in changed if "INDEX CONCURRENTLY" not in sql] == []


@pytest.mark.django_db(transaction=True)
def test_and_go_back_and_forth():
    newest = MigrationLoader(connection).graph.leaf_nodes()
    try:
        MigrationExecutor(connection).migrate(list(LAST_PLAIN.items()))
        assert "activity_due" in indexes_of(Activity)
        assert "activity_due_of_key" not in indexes_of(Activity)
    finally:
        MigrationExecutor(connection).migrate(newest)
    test_all_indexes_that_the_models_name_are_there_and_valid()
    assert "activity_due" not in indexes_of(Activity)


def indexes_of(model):
    with connection.cursor() as cursor:
        return connection.introspection.get_constraints(cursor, model._meta.db_table).keys()


def test_all_indexes_that_the_models_name_are_there_and_valid():
    """A build that is broken off leaves an invalid one."""
    for app in LAST_RELEASED:
        for model in apps.get_app_config(app).get_models():
            assert {index.name for index in model._meta.indexes} <= indexes_of(model)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT indexrelid::regclass FROM pg_index WHERE NOT indisvalid")
            assert cursor.fetchall() == []
