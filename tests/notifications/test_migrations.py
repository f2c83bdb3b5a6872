"""Migrations of tables that grow: what writes to them is not kept waiting."""

import re
from io import StringIO

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from notifications.models import Attempt, Decision, Delivery, Notification, NotificationReason
from partners.models import Activity

pytestmark = pytest.mark.django_db
LARGE = (Activity, Attempt, Decision, Delivery, Notification, NotificationReason)
LAST_RELEASED = {"partners": "0006_lead_owner", "notifications": "0017_suspended_addresses"}


def later_migrations():
    migrations = MigrationLoader(None).disk_migrations
    return sorted((app, name) for app, name in migrations if name > LAST_RELEASED.get(app, "~"))


def indexes_of_large_tables(app, migration):
    """Return the statements that build one, without those for a table that is new itself."""
    sql = StringIO()
    call_command("sqlmigrate", app, migration, stdout=sql)
    tables = "|".join(model._meta.db_table for model in LARGE)
    return re.findall(rf'CREATE (?:UNIQUE )?INDEX .* ON "(?:{tables})" .*', sql.getvalue())


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has no other way")
def test_indexes_of_large_tables_are_built_beside_the_running_product():
    built = [sql for at in later_migrations() for sql in indexes_of_large_tables(*at)]
    assert len(built) >= 5
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
