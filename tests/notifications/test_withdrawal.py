"""What changes between the decision and the send: revised, told to somebody else, or stopped."""

from __future__ import annotations

import pytest
from django.core import mail

from notifications import digest
from notifications.channels.email import EmailChannel
from notifications.delivery import send as sending
from notifications.delivery.send import deliver_due
from notifications.drain import drain
from notifications.evaluation import evaluate_due
from notifications.invariants import broken
from notifications.models import Decision, Delivery, EmailCount
from notifications.topics import CO_SELLING
from tests.factories import choose, make_member
from tests.northstar import SIGN_UP, Northstar, queue_bells
from tests.notifications.told import mailed

pytestmark = pytest.mark.django_db


@pytest.fixture
def bo(northstar):
    return make_member(northstar.account, "bo@northstar.example")


@pytest.fixture
def merged(northstar):
    """A sign-up of which Ala is told for two reasons: her lead, and her deal (R61)."""
    northstar.share_a_deal()
    choose(northstar.ala, "email", CO_SELLING, True)
    northstar.happens(**SIGN_UP)
    evaluate_due()
    return northstar


def choose_recipient(partner, member) -> None:
    partner.settings.recipient = member
    partner.settings.save()


def decided() -> set[tuple[str, str, str]]:
    rows = Decision.objects.values_list("membership__user__name", "kind", "reason")
    return set(rows)


# --- One message, two reasons -------------------------------------------------------------


def test_the_new_recipient_is_told_of_the_lead_and_the_old_one_of_the_deal(merged, bo):
    """R32, R61: the mail still goes to Ala, for her deal only."""
    choose_recipient(merged, bo)
    drain(patience_seconds=0)
    assert sorted(mailed()) == ["ala", "bo"]
    assert decided() == {
        ("Ala", "deal", "sent"),
        ("Ala", "lead", "recipient_changed"),
        ("Bo", "lead", "sent"),
    }
    assert sum(broken().values()) == 0


def test_a_reason_that_ended_is_not_told_although_the_mail_goes(merged):
    merged.settings.receive_lead_activity = False
    merged.settings.save()
    drain(patience_seconds=0)
    assert mailed() == ["ala"]
    assert decided() == {("Ala", "deal", "sent"), ("Ala", "lead", "account_toggle_off")}


def test_one_mail_for_both_reasons_counts_once(merged):
    """R71."""
    assert [row.count for row in EmailCount.objects.all()] == [1]


# --- Another recipient --------------------------------------------------------------------


def test_a_recipient_who_is_chosen_again_is_told_after_all(northstar, bo):
    """R32: Ala, then Bo, then Ala, while no mail could go. Nobody's bell has it twice."""
    northstar.happens()
    evaluate_due()
    for member in (bo, northstar.ala):
        choose_recipient(northstar, member)
        deliver_due("email")
    drain(patience_seconds=0)
    assert mailed() == ["ala"]
    assert decided() == {("Ala", "lead", "sent"), ("Bo", "lead", "recipient_changed")}
    bells = Delivery.objects.filter(channel="desktop", state="delivered").order_by("pk")
    assert [bell.notification.membership for bell in bells] == [northstar.ala, bo]
    assert sum(broken().values()) == 0


def test_back_and_forth_tells_one_person_once(northstar, bo):
    northstar.happens()
    evaluate_due()
    for member in (bo, northstar.ala, bo, northstar.ala, bo):
        choose_recipient(northstar, member)
        deliver_due("email")
    drain(patience_seconds=0)
    assert mailed() == ["bo"]
    assert Delivery.objects.filter(channel="desktop").count() == 2


# --- Stopped ------------------------------------------------------------------------------


def test_what_stops_the_bell_stops_the_mail_too(northstar):
    """R26: and the decision says so, whichever channel was looked at first."""
    northstar.happens()
    evaluate_due()
    queue_bells()
    northstar.settings.receive_lead_activity = False
    northstar.settings.save()
    deliver_due("desktop")
    rows = Delivery.objects.values_list("state", "reason").distinct()
    assert list(rows) == [("cancelled", "account_toggle_off")]
    assert decided() == {("Ala", "lead", "account_toggle_off")}


def test_the_mail_decides_although_the_bell_was_quicker(northstar):
    """R10."""
    northstar.happens()
    evaluate_due()
    northstar.settings.receive_lead_activity = False
    northstar.settings.save()
    deliver_due("email")
    assert decided() == {("Ala", "lead", "account_toggle_off")}


def test_a_switch_is_heard_in_the_middle_of_a_batch(northstar, monkeypatch):
    """R26, R101: facts are read again when they are older than a moment."""
    monkeypatch.setattr(sending, "FRESH_SECONDS", 0.05)
    for _ in range(2):
        northstar.happens()
    evaluate_due()
    send = EmailChannel._send

    def switch_off_meanwhile(*args):
        northstar.settings.receive_lead_activity = False
        northstar.settings.save()
        until = sending.time.monotonic() + 0.05
        while sending.time.monotonic() < until:
            pass
        return send(*args)

    monkeypatch.setattr(EmailChannel, "_send", switch_off_meanwhile)
    deliver_due("email")
    assert len(mail.outbox) == 1


def test_a_bell_switched_off_meanwhile_stays_silent(northstar):
    """R68."""
    northstar.happens()
    evaluate_due()
    queue_bells()
    choose(northstar.ala, "desktop", "bell", False)
    deliver_due("desktop")
    bell = Delivery.objects.get(channel="desktop")
    assert (bell.state, bell.reason) == ("suppressed", "topic_off")
    assert decided() == {("Ala", "lead", "sent")}


def test_a_mail_that_never_went_does_not_count(northstar, settings):
    """R71: the limit is of e-mails sent."""
    settings.EMAIL_DAILY_CAP = 1
    northstar.happens()
    evaluate_due()
    northstar.settings.receive_lead_activity = False
    northstar.settings.save()
    drain(patience_seconds=0)
    northstar.settings.receive_lead_activity = True
    northstar.settings.save()
    northstar.happens()
    drain(patience_seconds=0)
    assert mailed() == ["ala"]


# --- What cannot be prepared ----------------------------------------------------------------


def test_a_delivery_that_cannot_be_prepared_stops_no_other(northstar, monkeypatch):
    """R82."""
    southwind = Northstar("southwind", "other.example")
    for partner in (northstar, southwind):
        partner.happens()
    evaluate_due()
    render = digest.render

    def refuse_northstar(context):
        if context.membership == northstar.ala:
            raise ValueError("poison")
        return render(context)

    monkeypatch.setattr(digest, "render", refuse_northstar)
    deliver_due("email")
    assert mailed() == ["ala"]
    (poison,) = Delivery.objects.filter(channel="email", account=northstar.account)
    assert (poison.state, poison.failures, poison.starts) == ("pending", 1, 0)
    for _ in range(4):
        Delivery.objects.filter(pk=poison.pk).update(not_before=poison.created_at)
        deliver_due("email")
    poison.refresh_from_db()
    assert poison.state == "dead"
    assert "poison" in poison.detail
    assert sum(broken().values()) == 0
