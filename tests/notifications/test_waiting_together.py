"""What waits for its member is told once, in one message, whatever happens meanwhile."""

from __future__ import annotations

import smtplib
from datetime import UTC, timedelta

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from notifications.channels import EMAIL
from notifications.delivery import send
from notifications.delivery.claim import sweep
from notifications.delivery.send import deliver_due
from notifications.delivery.waiting import send_now
from notifications.drain import drain
from notifications.erasure import forget
from notifications.evaluation import evaluate_due
from notifications.invariants import broken
from notifications.models import Decision, Delivery, Notification, Pace
from notifications.when.services import snooze, wake
from partners.models import Activity
from tests.accounts.test_at_once import at_once
from tests.factories import make_contact, make_lead, make_member
from tests.northstar import PRICING

pytestmark = pytest.mark.django_db


@pytest.fixture
def daily(northstar):
    """Ala gets her e-mails once a day; three leads have done something today."""
    Pace.objects.create(membership=northstar.ala, channel=EMAIL, every="day")
    northstar.leads = [make_lead(northstar.account, f"lead{n}.example") for n in range(3)]
    for n in range(3):
        northstar.happens(contact=make_contact(f"anna@lead{n}.example"))
    drain(patience_seconds=0)
    return northstar


def states() -> list[str]:
    return list(
        Delivery.objects.filter(channel=EMAIL).order_by("pk").values_list("state", flat=True)
    )


def a_day_passes() -> None:
    """Let everything be a day older than it is."""
    for delivery in Delivery.objects.filter(channel=EMAIL):
        delivery.created_at -= timedelta(days=1)
        delivery.not_before -= timedelta(days=1)
        delivery.save(update_fields=["created_at", "not_before"])


def test_a_digest_is_one_mail_with_everything(daily):
    assert (mail.outbox, states()) == ([], ["pending", "gathered", "gathered"])
    carrier = Delivery.objects.get(channel=EMAIL, state="pending")
    assert carrier.waits_for == "digest"
    assert carrier.not_before.astimezone(UTC).minute == 0
    a_day_passes()
    drain(patience_seconds=0)
    (letter,) = mail.outbox
    assert letter.extra_headers["X-PN-Delivery"] == str(carrier.public_id)
    for n in range(3):
        assert f"anna@lead{n}.example" in letter.body
    assert "3 notifications" in letter.body
    html = letter.alternatives[0][0]
    for activity in Activity.objects.all():  # Why each of them, one by one.
        why = f"/activity/{activity.message_id}/"
        assert why in letter.body and why in html
    assert states() == ["delivered"] * 3
    assert sum(broken().values()) == 0


def test_what_asks_for_an_answer_comes_first_and_is_the_subject(northstar):
    """The message keeps the id of what has waited longest."""
    Pace.objects.create(membership=northstar.ala, channel=EMAIL, every="day")
    looked, asked = (make_contact(f"{name}@acme.example") for name in ("looked", "asked"))
    northstar.happens(contact=looked, **PRICING)
    northstar.happens(contact=asked)
    drain(patience_seconds=0)
    carrier = Delivery.objects.get(channel=EMAIL, state="pending")
    a_day_passes()
    drain(patience_seconds=0)
    (letter,) = mail.outbox
    assert "asked@acme.example requested a demo, and 1 more" in letter.subject
    assert letter.body.index("asked@acme.example") < letter.body.index("looked@acme.example")
    assert letter.extra_headers["X-PN-Delivery"] == str(carrier.public_id)


def test_the_bell_does_not_wait(daily):
    bells = Delivery.objects.filter(channel="desktop")
    assert {bell.state for bell in bells} == {"delivered"}


def test_one_alone_comes_as_itself(northstar):
    Pace.objects.create(membership=northstar.ala, channel=EMAIL, every="hour")
    northstar.happens()
    drain(patience_seconds=0)
    a_day_passes()
    drain(patience_seconds=0)
    (letter,) = mail.outbox
    assert "requested a demo" in letter.subject


def test_what_was_read_in_the_bell_is_left_out_and_the_rest_is_told(daily):
    """R85. The carrier itself was read: another one carries the others."""
    first = Delivery.objects.filter(channel=EMAIL).order_by("pk")[0]
    Notification.objects.filter(pk=first.notification_id).update(read_at=timezone.now())
    a_day_passes()
    drain(patience_seconds=0)
    (letter,) = mail.outbox
    assert "anna@lead0.example" not in letter.body
    assert "anna@lead1.example" in letter.body
    assert "anna@lead2.example" in letter.body
    assert states() == ["cancelled", "delivered", "delivered"]
    # That somebody read it is no reason to say that they were not told.
    assert set(Decision.objects.values_list("outcome", flat=True)) == {"send"}


def test_an_empty_digest_is_not_sent(daily):
    Notification.objects.update(read_at=timezone.now())
    a_day_passes()
    drain(patience_seconds=0)
    assert (mail.outbox, states()) == ([], ["cancelled"] * 3)
    assert sum(broken().values()) == 0


def test_what_does_not_hold_any_more_is_left_out_with_its_reason(daily):
    daily.leads[1].delete()
    daily.settings.recipient = make_member(daily.account, "bo@northstar.example")
    daily.settings.save()
    a_day_passes()
    drain(patience_seconds=0)
    # The new recipient has no digest: what still holds is told at once, each by itself.
    assert [letter.to for letter in mail.outbox] == [["bo@northstar.example"]] * 2
    old = Delivery.objects.filter(channel=EMAIL, notification__membership=daily.ala)
    assert sorted(old.values_list("state", "reason")) == [
        ("cancelled", "no_registration"),
        ("cancelled", "recipient_changed"),
        ("cancelled", "recipient_changed"),
    ]
    assert sum(broken().values()) == 0


def test_a_digest_that_fails_fails_for_all_of_it(daily, settings):
    settings.EMAIL_BACKEND = "tests.notifications.test_waiting_together.Refusing"
    a_day_passes()
    drain(patience_seconds=0)
    assert states() == ["dead"] * 3
    assert sum(broken().values()) == 0


class Refusing(EmailBackend):
    def send_messages(self, messages):
        raise smtplib.SMTPDataError(554, b"5.6.0 no")


def test_a_digest_that_is_tried_again_is_the_same_message(daily, settings):
    working = settings.EMAIL_BACKEND
    settings.EMAIL_BACKEND = "tests.notifications.test_waiting_together.Busy"
    a_day_passes()
    drain(patience_seconds=0)
    assert states() == ["pending", "gathered", "gathered"]
    # Meanwhile something else happens: it waits for the next one.
    daily.happens()
    drain(patience_seconds=0)
    assert states() == ["pending", "gathered", "gathered", "pending"]
    settings.EMAIL_BACKEND = working
    Delivery.objects.filter(starts=1).update(not_before=timezone.now())
    drain(patience_seconds=0)
    assert len(mail.outbox) == 1
    assert states() == ["delivered"] * 3 + ["pending"]


class Busy(EmailBackend):
    def send_messages(self, messages):
        raise smtplib.SMTPDataError(451, b"4.3.0 later")


def test_send_now(daily):
    assert send_now(daily.ala) == 1
    drain(patience_seconds=0)
    assert (len(mail.outbox), states()) == (1, ["delivered"] * 3)


def test_a_snoozed_lead_comes_afterwards_and_only_it_waits(northstar):
    until = timezone.now() + timedelta(days=7)
    snooze(northstar.ala, until, northstar.lead)
    other = make_lead(northstar.account, "other.example")
    northstar.happens()
    northstar.happens(contact=make_contact(f"bo@{other.domain}"))
    drain(patience_seconds=0)
    assert [letter.to for letter in mail.outbox] == [["ala@northstar.example"]]
    (waits,) = Delivery.objects.filter(channel=EMAIL, state="pending")
    assert (waits.waits_for, waits.not_before) == ("snooze", until)
    wake(northstar.ala, northstar.lead)
    drain(patience_seconds=0)
    assert len(mail.outbox) == 2


def test_the_person_is_erased_while_the_digest_waits(daily):
    carrier = Delivery.objects.get(channel=EMAIL, state="pending")
    contact = carrier.notification.activity.contact
    forget(contact.email, contact)
    assert states() == ["cancelled", "gathered", "gathered"]
    sweep()
    a_day_passes()
    drain(patience_seconds=0)
    (letter,) = mail.outbox
    assert contact.email not in letter.body
    assert states() == ["cancelled", "delivered", "delivered"]
    assert sum(broken().values()) == 0


def test_a_removed_carrier_leaves_nothing_behind(daily):
    Delivery.objects.get(channel=EMAIL, state="pending").delete()
    sweep()
    assert states() == ["pending", "gathered"]


def test_two_partners_of_one_person_get_a_digest_each(daily):
    """A person who works for two accounts hears of each by itself."""
    assert (
        Delivery.objects.exclude(carrier=None).exclude(carrier__account=daily.account).count() == 0
    )


def test_a_digest_of_hundreds_costs_as_many_queries_as_one_of_three(daily, northstar):
    def queries() -> int:
        a_day_passes()
        with CaptureQueriesContext(
            connection,
        ) as caught:
            deliver_due(EMAIL)
        return len(caught)

    few = queries()
    contacts = [make_contact(f"p{n}@lead0.example") for n in range(60)]
    for contact in contacts:
        northstar.happens(contact=contact)
    evaluate_due()
    while deliver_due(EMAIL).taken:
        pass
    assert queries() == few
    assert "11 further notifications are in your inbox" in mail.outbox[-1].body or (
        "10 further notifications are in your inbox" in mail.outbox[-1].body
    )


@pytest.mark.django_db(transaction=True)
def test_four_workers_make_one_message_however_often_they_look(northstar, monkeypatch):
    monkeypatch.setattr(send, "CLAIM_SIZE", 3)
    Pace.objects.create(membership=northstar.ala, channel=EMAIL, every="day")
    for n in range(12):
        make_lead(northstar.account, f"lead{n}.example")
        northstar.happens(contact=make_contact(f"anna@lead{n}.example"))
    evaluate_due()
    assert at_once(*[lambda: deliver_due(EMAIL)] * 4) == [None] * 4
    drain(patience_seconds=0)
    assert sorted(states()) == ["gathered"] * 11 + ["pending"]
    a_day_passes()
    for _time in range(2):
        assert at_once(*[lambda: deliver_due(EMAIL)] * 4) == [None] * 4
        assert (len(mail.outbox), states()) == (1, ["delivered"] * 12)
    assert sum(broken().values()) == 0
