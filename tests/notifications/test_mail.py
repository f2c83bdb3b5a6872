"""The e-mail: what it says, to whom, in which language; what names cannot do to it."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from django.core import mail
from django.template import engines

from notifications.delivery.recheck import Recheck
from notifications.drain import drain
from notifications.evaluation import evaluate_due
from notifications.models import Delivery, Preference, Trigger
from notifications.rendering import render
from notifications.text import one_line, plain
from notifications.topics import CO_SELLING
from tests.factories import choose, make_client, make_contact
from tests.northstar import PRICING, SIGN_UP
from tests.queries import assert_constant_queries

pytestmark = pytest.mark.django_db


def sent(northstar, **fields):
    northstar.happens(**fields)
    drain(patience_seconds=0)
    return mail.outbox[-1]


def html(message) -> str:
    return message.alternatives[0].content


def test_it_says_what_happened_why_and_how_to_stop(northstar):
    """R89, B4."""
    northstar.lead.first_name, northstar.lead.last_name = "Anna", "Nowak"
    northstar.lead.email, northstar.lead.company = "anna@acme.example", "ACME sp. z o.o."
    northstar.lead.save()
    message = sent(northstar)
    assert message.subject == "ACME sp. z o.o.: Anna Nowak requested a demo"
    for text in (message.body, html(message)):
        assert "Anna Nowak (ACME sp. z o.o.) requested a demo." in text
        assert "is a lead registered to Northstar" in text
        assert "/settings/partners/communication/?account=northstar" in text
        assert f"/leads/{northstar.lead.pk}/?account=northstar" in text
        assert "/u/" in text


def test_a_mail_about_a_client_leads_to_what_the_person_did(northstar):
    make_client(northstar.account, northstar.lead.domain)
    northstar.lead.delete()
    body = sent(northstar).body
    assert "See what this person did\n" in body
    assert "/activity/?account=northstar&q=anna%40acme.example" in body


def test_members_are_sent_to_their_own_switch(northstar):
    """R89: who may not change the account's setting is told whom to ask."""
    northstar.ala.role = "member"
    northstar.ala.save()
    body = sent(northstar).body
    assert "ask your admin" in body and "/settings/notifications/email/?account=northstar" in body


def test_a_deal_mail_names_the_deal_and_the_users_own_topic(northstar):
    northstar.share_a_deal()
    northstar.lead.delete()
    choose(northstar.ala, "email", CO_SELLING, True)
    message = sent(northstar, **SIGN_UP)
    assert message.subject.startswith("Shared deal “Deal ")
    assert "/settings/notifications/email/?account=northstar" in message.body
    assert "/deals/" in message.body


def test_unsubscribing_from_a_mail_of_two_kinds_stops_both(northstar, client):
    """R61, RFC 8058: one click stops what this mail was."""
    northstar.share_a_deal()
    choose(northstar.ala, "email", CO_SELLING, True)
    first = sent(northstar, **SIGN_UP)
    assert first.body.count("/u/") == 1
    assert "registered to Northstar" in first.body and "shared deal" in first.body
    link = first.extra_headers["List-Unsubscribe"].strip("<>")
    answer = client.post(urlsplit(link).path, {"List-Unsubscribe": "One-Click"})
    page = answer.content.decode()
    assert "Co Selling Prospect Activity" in page and "Registered lead activity" in page
    mail.outbox.clear()
    northstar.happens(contact=make_contact("jan@acme.example"), **SIGN_UP)
    drain(patience_seconds=0)
    assert not mail.outbox


def test_unsubscribing_from_a_mail_of_one_kind_stops_only_that(northstar, client):
    choose(northstar.ala, "email", CO_SELLING, True)
    link = sent(northstar).extra_headers["List-Unsubscribe"].strip("<>")
    client.post(urlsplit(link).path, {"List-Unsubscribe": "One-Click"})
    off = Preference.objects.filter(is_on=False).values_list("channel", "key")
    assert list(off) == [("email", "registered_lead_activity")]


def test_headers(northstar):
    message = sent(northstar)
    delivery = Delivery.objects.get(channel="email")
    headers = message.extra_headers
    assert headers["X-PN-Delivery"] == str(delivery.public_id)
    assert headers["Message-ID"].startswith(f"<{delivery.public_id}@")
    assert headers["Auto-Submitted"] == "auto-generated"
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert headers["List-Unsubscribe"].startswith("<http")
    assert headers["Feedback-ID"] == "registered-lead-activity:partnernotify"  # Whoever reads it.
    raw = message.message().as_bytes()
    assert b"\nList-Unsubscribe: <http" in raw  # Not folded away from its name.
    assert message.to == ["ala@northstar.example"] and not message.cc and not message.bcc


def test_times_are_in_the_recipients_zone_and_say_so(northstar):
    """R88."""
    northstar.ala.user.timezone = "Europe/Warsaw"
    northstar.ala.user.save()
    assert "(Europe/Warsaw)" in sent(northstar).body


HOSTILE = [
    "Anna\r\nBcc: victim@evil.example",
    "<script>alert(1)</script>",
    "\u202egnp.exe",
    "=?utf-8?q?Evil=0ABcc:_v@evil.example?=",
    "A" * 500,
    "\u2028\x00\x07",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_injects_anything(northstar, name):
    """R90, B55, B56: in headers, text and HTML."""
    northstar.contact.name = name.replace("\0", "")[:200]
    northstar.contact.save()
    northstar.lead.company = northstar.contact.name
    northstar.lead.save()
    message = sent(northstar)
    raw = message.message()
    assert "\n" not in message.subject and "\r" not in message.subject
    assert raw.get_all("Bcc") is None and message.recipients() == ["ala@northstar.example"]
    assert "<script>" not in html(message)
    assert "\u202e" not in message.body + html(message)
    assert "=?utf-8?q?Evil" not in message.subject
    assert len(message.subject) < 400


def test_a_batch_of_own_triggers_asks_for_their_labels_once(northstar):
    Trigger.objects.create(key="viewed", label="viewed the docs", event_name="Viewed")
    numbers = iter(range(99))

    def grow():
        for _ in range(3):
            northstar.happens(
                contact=make_contact(f"p{next(numbers)}@acme.example"), event="Viewed"
            )
        evaluate_due()

    def make_messages():
        recheck = Recheck(list(Delivery.objects.values_list("pk", flat=True)))
        messages = [render(recheck.check(delivery).context) for delivery in recheck.deliveries]
        assert all("viewed the docs" in message.subject for message in messages)

    grow()
    assert_constant_queries(make_messages, grow)


def test_no_label_of_an_own_trigger_injects_anything(northstar):
    """R90: one that was stored before labels were checked."""
    Trigger.objects.create(
        key="viewed", label="Saw it\nBcc: victim@evil.example", event_name="Viewed"
    )
    message = sent(northstar, event="Viewed")
    assert message.subject == "ACME: anna@acme.example Saw it Bcc: victim@evil.example"
    assert message.message().get_all("Bcc") is None


BIDI_CONTROLS = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


@pytest.mark.parametrize("mark", BIDI_CONTROLS, ids=lambda mark: f"U+{ord(mark):04X}")
def test_no_mark_turns_the_direction_of_text(mark):
    """R90: all that Unicode calls Bidi_Control."""
    assert one_line(f"Anna{mark}Nowak") == plain(f"Anna{mark}Nowak") == "Anna Nowak"


@pytest.fixture
def marked(settings):
    """Let a missing template variable show up in what is rendered."""
    engine = engines["django"].engine
    engine.string_if_invalid = "MISSING<%s>"
    yield
    engine.string_if_invalid = ""


@pytest.mark.parametrize("language", ["en", "pl"])
@pytest.mark.parametrize("event", [{}, PRICING, SIGN_UP])
def test_no_variable_is_missing_in_any_language(northstar, marked, language, event):
    northstar.ala.user.language = language
    northstar.ala.user.save()
    northstar.share_a_deal()
    choose(northstar.ala, "email", CO_SELLING, True)
    message = sent(northstar, **event)
    assert "MISSING" not in message.body + html(message)
    assert f'<html lang="{language}">' in html(message)


def test_a_polish_reader_gets_polish(northstar):
    """R88, R103."""
    northstar.ala.user.language = "pl"
    northstar.ala.user.save()
    message = sent(northstar)
    assert message.subject.endswith("– prośba o demo")
    assert "Dlaczego" in message.body
