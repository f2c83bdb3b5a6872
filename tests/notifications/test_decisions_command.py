"""`manage.py decisions`: the contract's lines, for scripts."""

import io
import json
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from notifications.drain import drain
from notifications.models import Decision
from tests.factories import (
    choose,
    make_account,
    make_activity,
    make_company,
    make_contact,
    make_deal,
    make_lead,
    make_member,
    make_source,
    switch_on,
)
from tests.queries import assert_constant_queries

pytestmark = pytest.mark.django_db

KEYS = ["message_id", "kind", "trigger", "account", "user", "outcome", "reason", "deliveries"]


def lines(*args):
    out = io.StringIO()
    call_command("decisions", "--jsonl", *args, stdout=out)
    return [json.loads(line) for line in out.getvalue().splitlines()]


@pytest.fixture
def northstar():
    account = make_account("northstar")
    ala = make_member(account, "ala@northstar.example", role="admin")
    make_lead(account, "acme.example", company="ACME")
    switch_on(account, ala)
    return account


@pytest.fixture
def source():
    return make_source()[0]


def test_a_told_recipient_has_one_line_with_the_deliveries(northstar, source):
    make_activity(source, make_contact("anna@acme.example"), message_id="m/1 ż")
    drain(patience_seconds=0)
    (line,) = lines()
    assert list(line) == KEYS
    assert list(line["deliveries"][0]) == ["channel", "endpoint", "state", "reason"]
    line["deliveries"].sort(key=lambda delivery: delivery["channel"])
    assert line == {
        "message_id": "m/1 ż",
        "kind": "lead",
        "trigger": "demo_request",
        "account": "northstar",
        "user": "ala@northstar.example",
        "outcome": "send",
        "reason": "sent",
        "deliveries": [
            {"channel": "desktop", "endpoint": "user", "state": "delivered", "reason": "sent"},
            {"channel": "email", "endpoint": "user", "state": "delivered", "reason": "sent"},
        ],
    }


def test_a_rule_that_fails_before_anyone_is_known_names_nobody(source):
    make_activity(source, make_contact("who@nobody.example"), message_id="m-1")
    drain(patience_seconds=0)
    (line,) = lines("--message-id", "m-1")
    assert (line["account"], line["user"], line["deliveries"]) == (None, None, [])
    assert (line["outcome"], line["reason"]) == ("no", "no_registration")


def test_no_trigger_no_line(source):
    make_activity(source, make_contact(), event="Read The Blog", message_id="m-1")
    drain(patience_seconds=0)
    assert lines("--message-id", "m-1") == []


def test_a_waiting_delivery_has_no_reason(northstar, source):
    make_activity(source, make_contact("anna@acme.example"))
    from notifications.evaluation import evaluate_due

    evaluate_due()
    (line,) = lines()
    assert {(d["channel"], d["state"], d["reason"]) for d in line["deliveries"]} == {
        ("desktop", "delivered", "sent"),
        ("email", "pending", None),
    }


def test_a_message_for_two_reasons_is_listed_with_both(northstar, source):
    """R61: one message per channel, named by the lead's and the deal's decision."""
    vendor = make_account("northwind", kind="vendor")
    gosia = make_member(vendor, "gosia@northwind.example", role="growth_specialist")
    ala = northstar.memberships.get()
    choose(ala, "email", "co_selling_prospect_activity", True)
    company = make_company("acme.example", owner=gosia.user)
    make_deal(company, shares=(northstar,), owner=ala)
    make_activity(source, make_contact("anna@acme.example", company), event="CRM Signed Up")
    drain(patience_seconds=0)
    found = lines()
    assert [(line["kind"], line["outcome"]) for line in found] == [
        ("lead", "send"),
        ("deal", "send"),
    ]
    assert all("email" in {d["channel"] for d in line["deliveries"]} for line in found)


def test_a_no_of_one_kind_has_no_part_in_what_the_other_sends(northstar, source):
    vendor = make_account("northwind", kind="vendor")
    gosia = make_member(vendor, "gosia@northwind.example", role="growth_specialist")
    ala = northstar.memberships.get()
    choose(ala, "email", "co_selling_prospect_activity", True)
    choose(ala, "email", "registered_lead_activity", False)
    company = make_company("acme.example", owner=gosia.user)
    make_deal(company, shares=(northstar,), owner=ala)
    make_activity(source, make_contact("anna@acme.example", company), event="CRM Signed Up")
    drain(patience_seconds=0)
    lead, deal = lines()
    assert (lead["outcome"], lead["reason"]) == ("no", "topic_off")
    assert {d["channel"] for d in lead["deliveries"]} == {"desktop"}
    assert {d["channel"] for d in deal["deliveries"]} == {"desktop", "email"}


def test_since_is_the_time_of_the_decision(northstar, source):
    contact = make_contact("anna@acme.example")
    make_activity(source, contact, message_id="old")
    make_activity(source, contact, message_id="new")
    drain(patience_seconds=0)
    yesterday = timezone.now() - timedelta(days=1)
    Decision.objects.filter(activity__message_id="old").update(created_at=yesterday)
    hour_ago = timezone.now() - timedelta(hours=1)
    assert [line["message_id"] for line in lines("--since", hour_ago.isoformat())] == ["new"]
    assert len(lines("--since", f"{yesterday:%Y-%m-%d}")) == 2
    assert len(lines("--since", f"{yesterday - timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}")) == 2


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01", "2026-02-30T10:00:00Z", "12"])
def test_a_bad_time_is_refused_with_a_sentence(text):
    with pytest.raises(CommandError, match="is not a time"):
        lines("--since", text)


@pytest.mark.parametrize("text", ["", "a\0b"])
def test_an_impossible_message_id_is_refused(text):
    with pytest.raises(CommandError, match="printable"):
        lines("--message-id", text)


def test_without_jsonl_it_prints_a_table(northstar, source):
    make_activity(source, make_contact("anna@acme.example"), message_id="m-1")
    drain(patience_seconds=0)
    out = io.StringIO()
    call_command("decisions", stdout=out)
    head, row = out.getvalue().splitlines()
    assert head.split() == KEYS
    assert "ala@northstar.example" in row
    assert "email delivered" in row


def test_the_queries_of_a_chunk_are_constant(northstar, source):
    def grow():
        contact = make_contact("jan@acme.example")
        for _number in range(5):
            make_activity(source, contact)
        drain(patience_seconds=0)

    make_activity(source, make_contact("anna@acme.example"))
    drain(patience_seconds=0)
    # The chunk, its deliveries, the end.
    assert assert_constant_queries(lambda: lines(), grow) == 3


def test_chunks_join_without_gap_or_repetition(northstar, source, monkeypatch):
    monkeypatch.setattr("notifications.decision_log.CHUNK_SIZE", 2)
    contact = make_contact("anna@acme.example")
    for number in range(5):
        make_activity(source, contact, message_id=f"m-{number}")
    drain(patience_seconds=0)
    assert [line["message_id"] for line in lines()] == [f"m-{n}" for n in range(5)]
