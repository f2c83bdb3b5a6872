"""Two apps fail the same message at the same moment: one e-mail stands in for both."""

from __future__ import annotations

import uuid

import pytest

from notifications.channels import EMAIL, OTHER_APPS
from notifications.channels.base import DeliveryError, Failure
from notifications.channels.registry import sender_of
from notifications.delivery.claim import claim
from notifications.delivery.health import place_of
from notifications.delivery.outcome import fail, start
from notifications.delivery.recheck import Recheck
from notifications.delivery.routes import Failed, Route
from notifications.evaluation import evaluate_due
from notifications.models import Delivery, EmailCount
from notifications.topics import CO_SELLING
from tests.accounts.test_at_once import at_once
from tests.factories import choose, make_chat
from tests.northstar import SIGN_UP

pytestmark = pytest.mark.django_db(transaction=True)
URL = "https://hooks.slack.com/services/T/B/"


def test_one_e_mail_stands_in_for_both(northstar):
    northstar.lead.delete()
    northstar.share_a_deal()
    choose(northstar.ala, OTHER_APPS, CO_SELLING, True)
    for n in range(4):
        make_chat(northstar.ala, "slack", f"{URL}{n}")
    northstar.happens(**SIGN_UP)
    evaluate_due()
    token = uuid.uuid4()
    recheck = Recheck(claim(OTHER_APPS, token, 10))
    checked = [recheck.check(delivery) for delivery in recheck.deliveries]
    assert [start(one, token) for one in checked] == [None] * 4

    slack = sender_of(OTHER_APPS, "slack")
    error = DeliveryError(Failure.REFUSED, "200 no_text", permanent=True, endpoint_down=False)
    raised = at_once(
        *[
            lambda one=one: fail(
                slack, one, token, [Failed(route=Route(place=place_of(one.delivery)), error=error)]
            )
            for one in checked
        ]
    )

    assert raised == [None] * 4
    assert set(Delivery.objects.filter(channel=OTHER_APPS).values_list("state", flat=True)) == {
        "dead"
    }
    assert Delivery.objects.filter(channel=EMAIL).count() == 1
    assert EmailCount.objects.get().count == 1
