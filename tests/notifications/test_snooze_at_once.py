"""A second click on a pause while the first is not done yet."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from notifications.models import Snooze
from notifications.when.services import snooze, wake
from tests.accounts.test_at_once import at_once
from tests.notifications.test_erasure_at_once import somebody_waits_for_this_connection
from tests.sinks import wait_until
from tests.world import World

pytestmark = pytest.mark.django_db(transaction=True)
NOW = timezone.now()
TOMORROW, MONDAY = NOW + timedelta(days=1), NOW + timedelta(days=4)


@pytest.fixture
def ala():
    """Paused for an hour."""
    ala = World().ala
    snooze(ala, NOW + timedelta(hours=1))
    return ala


@pytest.mark.parametrize(
    ("first", "until"), [(lambda ala: snooze(ala, MONDAY), MONDAY), (wake, TOMORROW)]
)
def test_the_second_click_sees_what_the_first_has_done(ala, first, until):
    """It shortens nothing, and pauses anew what was just resumed."""
    raised = []
    click = threading.Thread(target=lambda: raised.extend(at_once(lambda: snooze(ala, TOMORROW))))
    with transaction.atomic():
        first(ala)
        click.start()
        if connection.vendor == "postgresql":  # SQLite lets one in at a time.
            wait_until(somebody_waits_for_this_connection, what="the second click")
    click.join()
    assert raised == [None]
    assert Snooze.objects.get(membership=ala).until == until
