"""One activity, from the write key to the mailbox, in one process."""

import json

import pytest
from django.core import mail

from notifications.drain import drain
from notifications.models import Attempt, Decision, Delivery
from tests.factories import (
    choose,
    make_account,
    make_company,
    make_contact,
    make_deal,
    make_lead,
    make_member,
    make_source,
    switch_on,
)

pytestmark = pytest.mark.django_db


def post(client, key, body, path="/v1/track"):
    return client.post(
        path,
        json.dumps(body),
        content_type="text/plain",
        headers={"Authorization": f"Bearer {key}"},
    )


def test_a_demo_request_of_a_registered_lead_reaches_the_recipient(client):
    account = make_account("northstar")
    ala = make_member(account, "ala@northstar.example", role="admin")
    make_lead(account, "acme.example", company="ACME")
    switch_on(account, ala)
    _, key = make_source()
    answer = post(
        client,
        key,
        {
            "event": "Demo Requested",
            "anonymousId": "v1",
            "context": {"traits": {"email": "anna@acme.example"}},
        },
    )
    assert answer.status_code == 200, answer.content
    done = drain(patience_seconds=0)
    assert (done.evaluated, done.delivered, done.failed) == (1, 2, 0)
    (message,) = mail.outbox
    assert message.to == ["ala@northstar.example"]
    assert message.subject == "ACME: anna@acme.example requested a demo"
    decision = Decision.objects.get()
    assert (decision.outcome, decision.reason, decision.membership) == ("send", "sent", ala)
    assert set(Delivery.objects.values_list("channel", "state")) == {
        ("email", "delivered"),
        ("desktop", "delivered"),
    }
    assert Attempt.objects.filter(outcome="ok").count() == 2


def test_a_sign_up_reaches_owner_and_team_of_the_first_partner(client):
    vendor = make_account("northwind", kind="vendor")
    gosia = make_member(vendor, "gosia@northwind.example", role="growth_specialist")
    northstar, southwind = make_account("northstar"), make_account("southwind")
    bartek = make_member(northstar, "bartek@northstar.example")
    celina = make_member(southwind, "celina@southwind.example")
    for person in (bartek, celina):
        choose(person, "email", "co_selling_prospect_activity", True)
    company = make_company("acme.example", owner=gosia.user)
    make_contact("anna@acme.example", company)
    make_deal(company, shares=(northstar, southwind), owner=bartek, team=(bartek, celina))
    _, key = make_source()
    post(
        client,
        key,
        {
            "event": "Signed Up",
            "properties": {"product": "crm", "email": "anna@acme.example"},
        },
    )
    drain(patience_seconds=0)
    assert [m.to for m in mail.outbox] == [["bartek@northstar.example"]]
    lines = Decision.objects.order_by("pk").values_list("kind", "membership__user__email", "reason")
    assert list(lines) == [
        ("lead", None, "no_registration"),
        ("deal", "bartek@northstar.example", "sent"),
        ("deal", "celina@southwind.example", "not_first_partner"),
    ]
