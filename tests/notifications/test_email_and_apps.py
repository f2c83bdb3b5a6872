"""No e-mail beside a chat, and e-mail instead of an app that fails (R87)."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from notifications.channels import EMAIL, OTHER_APPS
from notifications.delivery.claim import claim, sweep
from notifications.delivery.outcome import start
from notifications.delivery.recheck import Recheck
from notifications.delivery.send import deliver_due
from notifications.drain import drain
from notifications.eligibility import CHAT_PATIENCE
from notifications.evaluation import evaluate_due
from notifications.invariants import broken
from notifications.models import Decision, Delivery, EmailCount, Endpoint, Preference
from notifications.services import unsubscribe
from notifications.topics import CO_SELLING, EMAIL_IF_FAILED, LEAD_ACTIVITY, NO_EMAIL_IF_DELIVERED
from tests.chats import Chats
from tests.factories import choose, make_chat, make_contact, make_webhook
from tests.northstar import SIGN_UP
from tests.world import read

pytestmark = pytest.mark.django_db


@pytest.fixture
def chats(settings):
    settings.ALLOW_PRIVATE_WEBHOOKS = True
    with Chats() as chats:
        yield chats


@pytest.fixture
def quiet(northstar):
    """Ala wants no e-mail beside a chat."""
    return choose(northstar.ala, OTHER_APPS, NO_EMAIL_IF_DELIVERED, True)


def happens(northstar, times=1, **fields):
    for _ in range(times):
        northstar.happens(**fields)
    evaluate_due()
    drain(patience_seconds=0)


def the_mail() -> Delivery:
    return Delivery.objects.get(channel=EMAIL, notification__notice="")


def time_is_over() -> None:
    rows = Delivery.objects.filter(channel=EMAIL, state="pending")
    rows.update(not_before=timezone.now() - timedelta(seconds=1))
    drain(patience_seconds=0)


def letters() -> list[str]:
    return [m.subject for m in mail.outbox if "Switched off" not in m.subject]


# --- No e-mail beside a chat ----------------------------------------------------------------------


def test_a_chat_has_it_so_no_e_mail_goes(northstar, chats, quiet):
    make_chat(northstar.ala, "slack", chats.slack())
    happens(northstar)
    wait = the_mail().not_before - timezone.now()
    assert the_mail().state == "pending"
    assert timedelta(0) < wait <= CHAT_PATIENCE
    assert EmailCount.objects.get().count == 1
    time_is_over()
    row = the_mail()
    assert (row.state, row.reason, row.detail) == ("suppressed", "", Delivery.TOLD_IN_CHAT)
    assert letters() == []
    assert EmailCount.objects.get().count == 0
    decision = Decision.objects.get()
    assert (decision.outcome, decision.reason) == ("send", "sent")
    assert sum(broken().values()) == 0


def test_the_log_says_why_no_e_mail_went(client, northstar, chats, quiet):
    make_chat(northstar.ala, "slack", chats.slack())
    happens(northstar)
    time_is_over()
    words = "A chat has it already, and no e-mail was wanted beside it."
    message_id = the_mail().notification.activity.message_id
    for page in ("/deliveries/", f"/activity/{message_id}/"):
        assert words in read(client, northstar.ala.user, page)


def test_without_the_wish_both_go_at_once(northstar, chats):
    make_chat(northstar.ala, "slack", chats.slack())
    happens(northstar)
    assert (the_mail().state, len(letters())) == ("delivered", 1)
    assert "so it comes by e-mail" not in mail.outbox[0].body


def test_a_webhook_is_no_chat(northstar, chats, quiet):
    make_webhook(northstar.ala, f"{chats.url}/hook")
    chats.answer = lambda _request: (200, {}, b"")
    happens(northstar)
    assert (the_mail().state, len(letters())) == ("delivered", 1)


def test_a_chat_that_fails_lets_the_e_mail_go_at_once(northstar, chats, quiet):
    make_chat(northstar.ala, "slack", chats.slack("no_text"))
    happens(northstar)
    drain(patience_seconds=0)
    assert (the_mail().state, len(letters())) == ("delivered", 1)


def test_a_chat_that_is_late_lets_the_e_mail_go_in_time(northstar, chats, quiet):
    make_chat(northstar.ala, "slack", chats.slack("broken"))
    happens(northstar)
    assert the_mail().state == "pending"
    time_is_over()
    assert (the_mail().state, len(letters())) == ("delivered", 1)


def test_one_chat_that_fails_waits_for_the_other(northstar, chats, quiet):
    make_chat(northstar.ala, "slack", chats.slack("no_text"))
    make_chat(northstar.ala, "teams", chats.teams("busy"))
    happens(northstar)
    assert the_mail().state == "pending"
    assert the_mail().not_before > timezone.now()


def test_a_wish_that_was_taken_back_counts(northstar, chats, quiet):
    make_chat(northstar.ala, "slack", chats.slack())
    happens(northstar)
    quiet.delete()
    time_is_over()
    assert (the_mail().state, len(letters())) == ("delivered", 1)


def test_what_the_chat_does_not_say_is_said_by_e_mail(northstar, chats, quiet):
    """The lead is told in the chat, the deal is not: both are in the one e-mail."""
    northstar.share_a_deal()
    choose(northstar.ala, EMAIL, CO_SELLING, True)
    make_chat(northstar.ala, "slack", chats.slack())
    happens(northstar, **SIGN_UP)
    time_is_over()
    assert len(letters()) == 1


# --- E-mail instead of an app -----------------------------------------------------------------


@pytest.fixture
def deal(northstar):
    """What happens is told by "Other apps" only: the topic is not ticked for e-mail."""
    northstar.lead.delete()
    choose(northstar.ala, OTHER_APPS, CO_SELLING, True)
    return northstar.share_a_deal()


def test_what_an_app_cannot_take_comes_by_e_mail(northstar, chats, deal):
    make_chat(northstar.ala, "slack", chats.slack("no_text"))
    happens(northstar, **SIGN_UP)
    drain(patience_seconds=0)
    assert (the_mail().state, the_mail().topic) == ("delivered", CO_SELLING)
    (letter,) = mail.outbox
    assert "One of your apps could not take this message, so it comes by e-mail." in letter.body
    assert "/settings/notifications/other-apps/" in letter.body
    assert EmailCount.objects.get().count == 1
    assert Decision.objects.get(kind="deal").outcome == "send"
    assert sum(broken().values()) == 0


def test_what_waited_behind_one_that_is_gone_comes_by_e_mail(northstar, chats, deal):
    url = chats.slack("channel_is_archived")
    make_chat(northstar.ala, "slack", url)
    others = [make_contact(f"person-{n}@acme.example", deal.company) for n in range(2)]
    for person in (northstar.contact, *others):
        northstar.happens(contact=person, **SIGN_UP)
    evaluate_due()
    for _ in range(2):
        drain(patience_seconds=0)
    assert len(chats.to(url)) == 1
    mails = Delivery.objects.filter(channel=EMAIL, notification__notice="")
    assert list(mails.values_list("state", flat=True)) == ["delivered"] * 3
    assert len(letters()) == 3
    deals = Decision.objects.filter(kind="deal")
    assert set(deals.values_list("outcome", flat=True)) == {"send"}
    assert sum(broken().values()) == 0


def test_two_apps_that_fail_make_one_e_mail(northstar, chats, deal):
    make_chat(northstar.ala, "slack", chats.slack("no_text"))
    make_chat(northstar.ala, "teams", chats.teams("too-large"))
    happens(northstar, **SIGN_UP)
    drain(patience_seconds=0)
    assert len(letters()) == 1


def test_a_send_that_was_cut_for_the_last_time_comes_by_e_mail(northstar, chats, deal):
    make_chat(northstar.ala, "slack", chats.slack())
    northstar.happens(**SIGN_UP)
    evaluate_due()
    rows = Delivery.objects.filter(channel=OTHER_APPS)
    token = uuid.uuid4()
    recheck = Recheck(claim(OTHER_APPS, token, 1))
    start(recheck.check(recheck.deliveries[0]), token)
    rows.update(lease_until=timezone.now() - timedelta(minutes=1), starts=8)
    rows.get().attempts.update(n=8)
    sweep()
    assert rows.get().state == "dead"
    deliver_due(EMAIL)
    assert len(letters()) == 1


def never(northstar):
    choose(northstar.ala, OTHER_APPS, EMAIL_IF_FAILED, False)


def e_mail_off(northstar):
    choose(northstar.ala, EMAIL, "enabled", False)


def unsubscribed(northstar):
    unsubscribe(northstar.ala, [CO_SELLING])


@pytest.mark.parametrize("wish", [never, e_mail_off, unsubscribed])
def test_who_wants_no_e_mail_gets_none(northstar, chats, deal, wish):
    wish(northstar)
    make_chat(northstar.ala, "slack", chats.slack("no_text"))
    happens(northstar, **SIGN_UP)
    drain(patience_seconds=0)
    assert not Delivery.objects.filter(channel=EMAIL).exists()


def test_a_wish_that_changed_before_the_send_counts(northstar, chats, deal):
    make_chat(northstar.ala, "slack", chats.slack("no_text"))
    northstar.happens(**SIGN_UP)
    evaluate_due()
    deliver_due(OTHER_APPS)
    assert the_mail().state == "pending"
    unsubscribed(northstar)
    deliver_due(EMAIL)
    assert (the_mail().state, the_mail().reason) == ("suppressed", "topic_off")
    assert letters() == []


def test_what_came_by_e_mail_does_not_come_again(northstar, chats):
    make_chat(northstar.ala, "slack", chats.slack("no_text"))
    happens(northstar)
    drain(patience_seconds=0)
    assert len(letters()) == 1


def test_what_its_owner_switched_off_is_no_failure(northstar, chats, deal):
    chat = make_chat(northstar.ala, "slack", chats.slack())
    northstar.happens(**SIGN_UP)
    evaluate_due()
    Endpoint.objects.filter(pk=chat.pk).update(disabled_at=timezone.now(), disabled_because="owner")
    drain(patience_seconds=0)
    assert not Delivery.objects.filter(channel=EMAIL).exists()


def test_unsubscribing_from_what_is_ticked_at_first_changes_one_box(northstar):
    unsubscribe(northstar.ala, [LEAD_ACTIVITY])
    assert Preference.objects.get().key == LEAD_ACTIVITY
