"""Admins are warned once that nobody could be told (R33, R55)."""

from __future__ import annotations

import pytest
from django.core import mail

from notifications.drain import drain
from notifications.evaluation import evaluate_due
from notifications.inbox.selectors import newest
from notifications.invariants import broken
from notifications.models import Delivery, Notification
from tests.factories import choose, make_member
from tests.northstar import SIGN_UP, Northstar

pytestmark = pytest.mark.django_db
TOPIC = "delivery_problems"


@pytest.fixture
def northstar():
    """The recipient, Bo, is deactivated; Ala is the admin."""
    partner = Northstar()
    partner.bo = make_member(partner.account, "bo@northstar.example", active=False)
    partner.settings.recipient = partner.bo
    partner.settings.save()
    return partner


def notices() -> list[tuple[str, str]]:
    rows = Notification.objects.exclude(notice="").order_by("pk")
    return list(rows.values_list("membership__user__name", "notice"))


def test_the_admin_is_warned_once_and_not_for_every_event(northstar):
    make_member(northstar.account, "ewa@northstar.example")
    for _ in range(3):
        northstar.happens()
    evaluate_due()
    northstar.happens()
    drain(patience_seconds=0)
    assert notices() == [("Ala", "recipient_inactive")]
    (item,) = newest(northstar.ala)
    assert item.sentence == "Nobody was told: anna@acme.example (ACME) requested a demo"
    assert "is deactivated" in item.why
    assert mail.outbox == []
    assert sum(broken().values()) == 0


def test_it_comes_again_after_somebody_was_told_meanwhile(northstar):
    northstar.happens()
    evaluate_due()
    for active in (True, False):
        northstar.bo.is_active = active
        northstar.bo.save()
        northstar.happens()
        evaluate_due()
    assert notices() == [("Ala", "recipient_inactive")] * 2


def test_by_e_mail_only_who_ticked_it(northstar):
    choose(northstar.ala, "email", TOPIC, True)
    northstar.happens()
    drain(patience_seconds=0)
    (message,) = mail.outbox
    assert message.to == ["ala@northstar.example"]
    assert message.subject == "Nobody was told: ACME: anna@acme.example requested a demo"
    assert "Choose another recipient" in message.body
    assert "You are an admin of Northstar" in message.body


def test_who_does_not_want_it_gets_nothing(northstar):
    choose(northstar.ala, "desktop", TOPIC, False)
    northstar.happens()
    evaluate_due()
    assert notices() == []


def test_an_admin_who_left_meanwhile_gets_nothing(northstar):
    choose(northstar.ala, "email", TOPIC, True)
    northstar.happens()
    evaluate_due()
    northstar.ala.is_active = False
    northstar.ala.save()
    drain(patience_seconds=0)
    assert Delivery.objects.get(channel="email").reason == "user_inactive"


def test_a_deal_with_nobody_left(northstar):
    """R55."""
    northstar.lead.delete()
    deal = northstar.share_a_deal()
    deal.members.update(membership=northstar.bo)
    for _ in range(2):
        northstar.happens(**SIGN_UP)
        drain(patience_seconds=0)
    assert notices() == [("Ala", "no_recipient")]
    (item,) = newest(northstar.ala)
    assert "Everybody from Northstar on the shared deal is deactivated" in item.why


def test_other_accounts_admins_hear_nothing(northstar):
    Northstar("southwind", "other.example")
    northstar.happens()
    evaluate_due()
    assert [name for name, _ in notices()] == ["Ala"]
    assert Notification.objects.get().account == northstar.account


def test_whose_limit_of_e_mails_is_reached_hears_of_it_once(settings):
    """R71: the bell goes on, and says once that no more e-mail goes today."""
    settings.EMAIL_DAILY_CAP = 1
    northstar = Northstar()
    for _ in range(2):
        northstar.happens()
    evaluate_due()
    northstar.happens()
    drain(patience_seconds=0)
    assert notices() == [("Ala", "daily_cap")]
    assert [message.subject for message in mail.outbox] == [
        "ACME: anna@acme.example requested a demo"
    ]
    items = newest(northstar.ala)
    assert len(items) == 4
    (item,) = [item for item in items if "limit of e-mails" in item.sentence]
    assert "1 e-mail about this topic has gone to you today" in item.why
    assert sum(broken().values()) == 0


def test_the_word_about_the_limit_goes_where_warnings_are_wanted(settings):
    settings.EMAIL_DAILY_CAP = 1
    northstar = Northstar()
    choose(northstar.ala, "email", TOPIC, True)
    for _ in range(2):
        northstar.happens()
    drain(patience_seconds=0)
    (word,) = [message for message in mail.outbox if "limit of e-mails" in message.subject]
    assert "This comes once a day for each topic." in word.body
    assert "/settings/when/" in word.body
