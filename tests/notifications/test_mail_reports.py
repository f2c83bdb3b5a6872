"""What Postmark tells later, by its own webhook: arrived, came back, unwanted (R83)."""

from __future__ import annotations

import base64
import json
import smtplib

import pytest
from django.core.mail.backends.locmem import EmailBackend
from django.urls import include, path

from notifications.drain import drain
from notifications.invariants import broken
from notifications.models import Attempt, Delivery, MailReport, Suppression
from partnernotify.urls import _mail_reports
from partnernotify.urls import urlpatterns as own
from tests.factories import make_member
from tests.queries import assert_constant_queries

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]
urlpatterns = [*own, path("anymail/", include("anymail.urls"))]

URL = "/anymail/postmark/tracking/"
AUTH = "Basic " + base64.b64encode(b"postmark:secret").decode()
AT = "2026-11-23T20:01:00.3687915Z"


@pytest.fixture(autouse=True)
def service(settings):
    settings.ANYMAIL = {"WEBHOOK_SECRET": "postmark:secret", "POSTMARK_SERVER_TOKEN": "token"}


@pytest.fixture
def sent(northstar):
    northstar.happens()
    drain(patience_seconds=0)
    return Delivery.objects.get(channel="email")


def report(client, delivery, kind, auth=AUTH, **fields):
    body = {
        "RecordType": kind,
        "MessageID": "0a129aee-e1cd-480d-b08d-4f48548ff48d",
        "Recipient": "Ala@northstar.example",
        "Email": "Ala@northstar.example",
        "Metadata": {"delivery_id": str(delivery.public_id)} if delivery else {},
        "Details": "action: failed",
        "DeliveredAt": AT,
        "BouncedAt": AT,
        **fields,
    }
    headers = {"Authorization": auth} if auth else {}
    return client.post(URL, json.dumps(body), content_type="application/json", headers=headers)


BOUNCE = {"Type": "HardBounce", "ID": 901542550}


def reports() -> list[str]:
    return list(MailReport.objects.order_by("pk").values_list("kind", flat=True))


def test_only_who_knows_the_secret_may_report(client, sent):
    assert report(client, sent, "Delivery", auth="").status_code == 400
    assert report(client, sent, "Delivery", auth=AUTH[:-4] + "AAAA").status_code == 400
    assert reports() == []


def test_without_a_secret_there_is_no_such_address(settings):
    assert len(_mail_reports()) == 1
    settings.ANYMAIL = {}
    assert _mail_reports() == []


def test_the_same_report_twice_and_in_any_order_counts_once(client, sent):
    assert report(client, sent, "Bounce", **BOUNCE).status_code == 200
    for _ in range(2):
        report(client, sent, "Delivery")
        report(client, sent, "Bounce", **BOUNCE)
    assert reports() == ["bounced", "delivered"]
    assert Suppression.objects.count() == 1


@pytest.mark.parametrize(
    ("kind", "fields", "cause"),
    [
        ("Bounce", BOUNCE, "bounce"),
        ("Bounce", {"Type": "SpamComplaint", "ID": 1}, "complaint"),
        ("SpamComplaint", {"ID": 1, "Type": "SpamComplaint"}, "complaint"),
        ("Bounce", {"Type": "SoftBounce", "ID": 1, "Details": "452 4.2.2 mailbox full"}, None),
        ("Bounce", {"Type": "Transient", "ID": 1}, None),
        ("Bounce", {"Type": "SoftBounce", "ID": 1, "Details": "Test"}, None),
        ("Bounce", {"Type": "SoftBounce", "ID": 1, "Details": "552 5.2.2 mailbox full"}, None),
        ("Bounce", {"Type": "HardBounce", "ID": 1, "Details": "550 5.7.1 policy"}, None),
        ("Bounce", {"Type": "HardBounce", "ID": 1, "Details": "550 5.1.1 unknown"}, "bounce"),
        ("Bounce", {"Type": "SoftBounce", "ID": 1, "Details": "550 no such user"}, "bounce"),
        ("Bounce", {"Type": "VirusNotification", "ID": 1}, None),
        ("Bounce", {"Type": "BadEmailAddress", "ID": 1}, "bounce"),
        ("Open", {"ReceivedAt": AT}, None),
        ("Delivery", {}, None),
    ],
)
def test_what_silences_an_address(client, northstar, sent, kind, fields, cause):
    assert report(client, sent, kind, **fields).status_code == 200
    known = Suppression.objects.values_list("address", "cause")
    assert list(known) == ([("ala@northstar.example", cause)] if cause else [])
    northstar.happens()
    drain(patience_seconds=0)
    last = Delivery.objects.filter(channel="email").latest("pk")
    assert last.state == ("suppressed" if cause else "delivered")
    assert last.reason == ("suppressed_address" if cause else "sent")


def test_a_stranger_is_not_written_down(client):
    assert report(client, None, "Bounce", **BOUNCE, Email="x@else.example").status_code == 200
    assert report(client, None, "Delivery", Metadata={"delivery_id": "5"}).status_code == 200
    assert (reports(), Suppression.objects.count()) == ([], 0)


def test_no_control_character_of_a_mail_server_is_kept(client, sent):
    """PostgreSQL stores no NUL; the service would report it for days."""
    report(client, sent, "Bounce", **BOUNCE, Details="550 5.1.1 no\0such\r\nmailbox")
    assert MailReport.objects.get().detail == "550 5.1.1 no such mailbox"


class Breaking(EmailBackend):
    """The connection breaks after the message went: nobody knows whether it arrived."""

    def send_messages(self, messages):
        raise smtplib.SMTPServerDisconnected("Connection unexpectedly closed")


def test_what_had_gone_after_all_is_not_sent_again(client, northstar, settings):
    settings.EMAIL_BACKEND = f"{__name__}.Breaking"
    northstar.happens()
    drain(patience_seconds=0)
    waits = Delivery.objects.get(channel="email")
    assert (waits.state, waits.starts) == ("pending", 1)
    report(client, waits, "Delivery")
    waits.refresh_from_db()
    assert (waits.state, waits.reason) == ("delivered", "sent")
    assert Attempt.objects.get(delivery=waits).outcome == "ok"
    assert sum(broken().values()) == 0


@pytest.mark.parametrize(
    ("kind", "reason"), [("BadEmailAddress", "suppressed_address"), ("SoftBounce", "")]
)
def test_what_came_back_after_all_is_not_said_to_have_arrived(
    client, northstar, settings, kind, reason
):
    """R40: the backup is told if the mailbox is no more."""
    settings.EMAIL_BACKEND = f"{__name__}.Breaking"
    bo = make_member(northstar.account, "bo@northstar.example")
    northstar.account.communication.backup = bo
    northstar.account.communication.save()
    northstar.happens()
    drain(patience_seconds=0)
    waits = Delivery.objects.get(channel="email")
    report(client, waits, "Bounce", Type=kind, ID=1)
    waits.refresh_from_db()
    assert (waits.state, waits.reason) == ("dead", reason)
    assert Attempt.objects.get(delivery=waits).outcome == "refused"
    told = Delivery.objects.filter(channel="email", notification__membership=bo)
    assert told.exists() is bool(reason)
    assert sum(broken().values()) == 0


def test_what_was_refused_is_still_tried_again(client, northstar, settings):
    settings.EMAIL_BACKEND = f"{__name__}.Refusing"
    northstar.happens()
    drain(patience_seconds=0)
    waits = Delivery.objects.get(channel="email")
    report(client, waits, "Delivery")
    waits.refresh_from_db()
    assert waits.state == "pending"


class Refusing(EmailBackend):
    def send_messages(self, messages):
        raise smtplib.SMTPDataError(451, b"4.3.0 later")


def test_the_log_says_what_the_mailbox_said(client, northstar, sent):
    report(client, sent, "Bounce", **BOUNCE)
    client.force_login(northstar.ala.user)
    assert "it came back" in client.get("/deliveries/").content.decode()
    chain = client.get(f"/activity/{sent.notification.activity.message_id}/").content.decode()
    assert "it came back" in chain


def test_the_log_costs_the_same_with_reports(client, northstar, sent):
    def more():
        northstar.happens()
        drain(patience_seconds=0)
        for delivery in Delivery.objects.filter(channel="email"):
            report(client, delivery, "Delivery")

    client.force_login(northstar.ala.user)
    assert_constant_queries(lambda: client.get("/deliveries/"), more)


def test_mails_about_one_lead_refer_to_the_same_beginning(northstar, mailoutbox):
    northstar.happens()
    northstar.happens()
    drain(patience_seconds=0)
    first, second = (letter.extra_headers for letter in mailoutbox)
    assert first["References"] == first["In-Reply-To"] == second["References"]
    assert first["Message-ID"] != second["Message-ID"]
    assert f"lead-{northstar.lead.pk}-{northstar.ala.pk}@" in first["References"]
