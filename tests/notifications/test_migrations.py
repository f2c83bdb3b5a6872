"""Migrations of tables that grow: what writes to them is not kept waiting."""

import re
from io import StringIO

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from notifications.models import Attempt, Decision, Delivery, Notification, NotificationReason

pytestmark = pytest.mark.django_db
LARGE = (Attempt, Decision, Delivery, Notification, NotificationReason)
LAST_RELEASED = "0017_suspended_addresses"


def later_migrations():
    names = [name for app, name in MigrationLoader(None).disk_migrations if app == "notifications"]
    return sorted(name for name in names if name > LAST_RELEASED)


def indexes_of_large_tables(migration):
    """Return the statements that build one, without those for a table that is new itself."""
    sql = StringIO()
    call_command("sqlmigrate", "notifications", migration, stdout=sql)
    tables = "|".join(model._meta.db_table for model in LARGE)
    return re.findall(rf'CREATE (?:UNIQUE )?INDEX .* ON "(?:{tables})" .*', sql.getvalue())


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has no other way")
def test_indexes_of_large_tables_are_built_beside_the_running_product():
    built = [sql for name in later_migrations() for sql in indexes_of_large_tables(name)]
    assert len(built) >= 4
    assert [sql for sql in built if "INDEX CONCURRENTLY" not in sql] == []


def test_all_indexes_that_the_models_name_are_there_and_valid():
    """A build that is broken off leaves an invalid one."""
    for model in apps.get_app_config("notifications").get_models():
        named = {index.name for index in model._meta.indexes}
        with connection.cursor() as cursor:
            found = connection.introspection.get_constraints(cursor, model._meta.db_table)
        assert named <= found.keys()
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT indexrelid::regclass FROM pg_index WHERE NOT indisvalid")
            assert cursor.fetchall() == []
