"""Several workers evaluate at the same moment, over connections of their own."""

from __future__ import annotations

import threading

import pytest
from django.db import connection

from notifications.evaluation import evaluate_due
from notifications.models import Decision, Notification
from notifications.topics import CO_SELLING
from tests.factories import choose
from tests.northstar import PRICING, SIGN_UP, Northstar


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
