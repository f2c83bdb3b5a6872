"""An address that mail comes back from: admins hear once, its owner frees it (R83)."""

from __future__ import annotations

import re

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.core.cache import cache

from accounts.models import AuditEntry
from notifications.delivery.suspension import suspend
from notifications.drain import drain
from notifications.inbox.selectors import newest
from notifications.invariants import broken
from notifications.models import Notification, Suppression
from tests.factories import make_account, make_member

pytestmark = pytest.mark.django_db
BO = "bo@northstar.example"
PAGE = "/settings/notifications/email/"
CONFIRM = "/settings/notifications/confirm-address/"


@pytest.fixture(autouse=True)
def no_link_was_sent_yet():
    cache.clear()


@pytest.fixture
def northstar(northstar):
    """Bo is the recipient and has had a message; Ala is the admin, Ewa is not."""
    northstar.bo = make_member(northstar.account, BO)
    northstar.ewa = make_member(northstar.account, "ewa@northstar.example")
    northstar.settings.recipient = northstar.bo
    northstar.settings.save()
    northstar.happens()
    drain(patience_seconds=0)
    mail.outbox.clear()
    return northstar


def notices() -> list[str]:
    rows = Notification.objects.exclude(notice="").order_by("pk")
    return list(rows.values_list("membership__user__email", flat=True))


def test_the_admins_hear_once_by_bell_and_e_mail(northstar):
    for cause in ("bounce", "complaint"):
        suspend(BO, cause, "550 5.1.1 no such user")
    drain(patience_seconds=0)
    assert notices() == ["ala@northstar.example"]
    (item,) = newest(northstar.ala)
    assert item.sentence == f"E-mail address suspended: {BO}"
    assert item.why == f"Mail to {BO} came back: the mail server says that it does not exist."
    (message,) = mail.outbox
    assert message.to == ["ala@northstar.example"]
    assert message.subject == f"E-mail address suspended: {BO}"
    assert "You are an admin of Northstar" in message.body
    assert sum(broken().values()) == 0


@pytest.mark.parametrize(
    ("cause", "words"), [("complaint", "reported our e-mail"), ("asked", "asked the mail service")]
)
def test_it_says_why_in_the_readers_language(northstar, cause, words):
    suspend(BO, cause, "")
    drain(patience_seconds=0)
    (item,) = newest(northstar.ala)
    assert words in item.why


def test_an_admin_whose_own_address_it_is_hears_by_the_bell(northstar):
    northstar.settings.recipient = northstar.ala
    northstar.settings.save()
    northstar.happens()
    drain(patience_seconds=0)
    mail.outbox.clear()
    suspend("ala@northstar.example", "bounce", "")
    drain(patience_seconds=0)
    assert "suspended" in newest(northstar.ala)[0].sentence
    assert not mail.outbox


def test_admins_of_other_accounts_hear_nothing(northstar):
    other = make_account("southwind")
    make_member(other, "celina@southwind.example", role="admin")
    suspend(BO, "bounce", "")
    assert notices() == ["ala@northstar.example"]


def test_a_second_suspension_is_told_again(northstar):
    suspend(BO, "bounce", "")
    Suppression.objects.all().delete()
    suspend(BO, "bounce", "")
    assert len(notices()) == 2


def test_nobody_elses_address_is_kept(northstar):
    suspend("stranger@else.example", "bounce", "")
    assert not Suppression.objects.exists()


def test_the_owner_sees_it_and_confirms_it_anew(northstar, client):
    suspend(BO, "bounce", "")
    mail.outbox.clear()
    client.force_login(northstar.bo.user)
    page = client.get(PAGE).content.decode()
    assert "Suspended" in page and "came back" in page and CONFIRM in page

    answer = client.post(CONFIRM, follow=True)
    assert answer.redirect_chain == [(PAGE, 302)]
    assert not EmailAddress.objects.get(email=BO).verified
    (letter,) = mail.outbox
    assert letter.to == [BO]
    link = re.search(r"/accounts/confirm-email/\S+", letter.body).group()

    assert "Confirm" in client.get(link).content.decode()
    assert Suppression.objects.exists()  # A scanner that follows links changes nothing.
    assert client.post(link).status_code == 302
    assert not Suppression.objects.exists()
    assert EmailAddress.objects.get(email=BO).verified
    entry = AuditEntry.objects.get(action="addresses.freed")
    assert (entry.actor, entry.subject, entry.old) == (northstar.bo.user, BO, "bounce")
    page = client.get(PAGE).content.decode()
    assert "Verified" in page and CONFIRM not in page
    assert "used up" in client.get(link).content.decode()

    mail.outbox.clear()
    northstar.happens()
    drain(patience_seconds=0)
    assert [BO] in [message.to for message in mail.outbox]


def test_the_link_is_not_sent_twice_in_a_moment(northstar, client):
    suspend(BO, "bounce", "")
    mail.outbox.clear()
    client.force_login(northstar.bo.user)
    client.post(CONFIRM)
    assert "a moment ago" in client.post(CONFIRM, follow=True).content.decode()
    assert len(mail.outbox) == 1


def test_an_old_page_changes_nothing_of_an_address_that_is_well(northstar, client):
    client.force_login(northstar.bo.user)
    assert client.post(CONFIRM).url == PAGE
    assert EmailAddress.objects.get(email=BO).verified
    assert not mail.outbox


def test_a_confirmed_address_has_no_button(northstar, client):
    client.force_login(northstar.bo.user)
    assert CONFIRM not in client.get(PAGE).content.decode()
