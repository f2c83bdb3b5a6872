"""Several workers evaluate at the same moment, over connections of their own."""

from __future__ import annotations

import threading

import pytest
from django.db import connection, transaction

from accounts.models import Membership
from notifications.evaluation import evaluate_due
from notifications.models import Decision, Notification
from notifications.topics import CO_SELLING
from tests.accounts.test_at_once import at_once
from tests.factories import choose
from tests.northstar import PRICING, SIGN_UP, Northstar
from tests.notifications.test_erasure_at_once import somebody_waits_for_this_connection
from tests.sinks import wait_until


def reasons(**filters) -> list[str]:
    decisions = Decision.objects.filter(**filters).order_by("pk")
    return list(decisions.values_list("reason", flat=True))


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_tell_everybody_once():
    """R79, R81: cooldown and first sign-up hold across workers."""
    partner = Northstar()
    partner.share_a_deal()
    choose(partner.ala, "email", CO_SELLING, True)
    for _ in range(20):
        partner.happens(**PRICING)
        partner.happens(**SIGN_UP)
    failures = []

    def work():
        try:
            while evaluate_due(limit=3).taken:
                pass
        except Exception as error:  # noqa: BLE001 - told to the test
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert reasons(reason="sent", trigger="pricing_view") == ["sent"]
    assert reasons(reason="sent", kind="deal") == ["sent"]
    assert reasons(reason="sent", kind="lead", trigger="crm_signup") == ["sent"]
    assert Notification.objects.count() == 2
    assert Decision.objects.count() == 60


@pytest.mark.django_db(transaction=True)
def test_who_works_for_two_partners_hears_once_that_the_limit_is_reached(settings):
    """R71: two workers, one account each."""
    settings.EMAIL_DAILY_CAP = 0
    northstar, southwind = Northstar(), Northstar("southwind", "bolt.example")
    southwind.settings.recipient = Membership.objects.create(
        account=southwind.account, user=northstar.ala.user, role="admin"
    )
    southwind.settings.save()
    northstar.happens()
    northstar.happens(contact=southwind.contact)
    other = threading.Thread(target=at_once, args=[lambda: evaluate_due(limit=1)])
    with transaction.atomic():
        assert evaluate_due(limit=1).taken == 1
        other.start()
        if connection.vendor == "postgresql":  # SQLite lets one in at a time.
            wait_until(
                lambda: somebody_waits_for_this_connection() or not other.is_alive(),
                what="the other worker",
            )
    other.join()
    assert reasons() == ["daily_cap", "daily_cap"]
    assert Notification.objects.filter(notice="daily_cap").count() == 1
