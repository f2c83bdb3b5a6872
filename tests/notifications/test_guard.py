"""Final states are final for any code: the database refuses every unknown change of state."""

from __future__ import annotations

from itertools import product

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from notifications.evaluation import evaluate_due
from notifications.models import Delivery
from tests.northstar import Northstar

pytestmark = pytest.mark.django_db
STATES = [state.value for state in Delivery.State]


def fields_of(state: str) -> dict[str, object]:
    held = state in Delivery.HELD
    return {
        "state": state,
        "lease_token": "0" * 32 if held else None,
        "lease_until": timezone.now() if held else None,
        "done_at": timezone.now() if state in Delivery.FINAL else None,
    }


def test_exactly_the_known_changes_are_possible():
    Northstar().happens()
    evaluate_due()
    row = Delivery.objects.filter(channel="email")
    template = row.values().get()
    allowed = set()
    for old, new in product(STATES, STATES):
        row.delete()
        Delivery.objects.create(**{**template, **fields_of(old)})
        try:
            with transaction.atomic():
                row.update(**fields_of(new))
            allowed.add((old, new))
        except IntegrityError:
            pass
    known = {(old, new) for old, states in Delivery.NEXT_STATES.items() for new in states}
    assert allowed == known | {(state, state) for state in STATES}


def test_the_guard_is_there_after_a_migration():
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT count(*) FROM sqlite_master WHERE name = 'delivery_guard'")
        else:
            cursor.execute("SELECT count(*) FROM pg_trigger WHERE tgname = 'delivery_guard'")
        assert cursor.fetchone() == (1,)
