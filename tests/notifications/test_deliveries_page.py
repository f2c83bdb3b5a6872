"""/deliveries/: who reads what, what it says, and sending again from there."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from notifications import delivery_log
from notifications.delivery_log import delivery_page, reader_of, search
from notifications.drain import drain
from notifications.evaluation import evaluate_due
from notifications.invariants import broken
from notifications.models import Attempt, Delivery
from partners.access import Viewer
from tests.factories import (
    choose,
    make_activity,
    make_contact,
    make_lead,
    make_member,
    make_user,
    switch_on,
)
from tests.notifications.test_replay import ends
from tests.queries import assert_constant_queries
from tests.world import World, read

pytestmark = pytest.mark.django_db
SECRET = "550 mailbox of this server is full"


@pytest.fixture
def world():
    world = World()
    world.boss = make_member(world.vendor, "boss@northwind.example", name="Boss", role="admin")
    world.operator = make_user("operator@northwind.example", is_staff=True)
    make_lead(world.northstar, "acme.example")
    make_lead(world.southwind, "lumen.example")
    switch_on(world.northstar, world.ala)
    switch_on(world.southwind, world.celina)
    return world


@pytest.fixture
def told(world):
    """Ala is told of Anna, Celina of Jan, each by e-mail and on the desktop."""
    world.does(message_id="of-ala")
    world.does("jan@lumen.example", message_id="of-celina")
    mail.outbox.clear()
    return world


def email_to(member) -> Delivery:
    return Delivery.objects.filter(channel="email", notification__membership=member).last()


def fails(member) -> Delivery:
    delivery = ends(email_to(member), "dead", detail=SECRET)
    Attempt.objects.update(detail=SECRET)
    return delivery


def pages(client, user, url) -> str:
    return read(client, user, f"/deliveries/{url}")


# --- Who reads what -----------------------------------------------------------------------


@pytest.mark.parametrize("who", ["gosia", "boss", "operator"])
def test_the_vendor_reads_everybodys(client, told, who):
    fails(told.ala)
    user = told.operator if who == "operator" else getattr(told, who).user
    page = pages(client, user, "")
    for words in ("ala@northstar.example", "celina@southwind.example", "Northstar Agency", SECRET):
        assert words in page, words


def test_a_partners_admin_reads_the_accounts_own(client, told):
    fails(told.ala)
    page = pages(client, told.ala.user, "")
    assert "ala@northstar.example" in page
    assert "anna@acme.example (ACME) requested a demo" in page
    for secret in ("celina", "lumen", "of-celina", SECRET):
        assert secret not in page, secret


def test_a_member_reads_only_what_is_for_them(client, told):
    page = pages(client, told.bartek.user, "")
    assert "No messages yet" in page
    switch = told.northstar.communication
    switch.recipient = told.bartek
    switch.save()
    told.does(message_id="of-bartek")
    page = pages(client, told.bartek.user, "")
    assert "of-bartek" in page
    for secret in ("of-ala", "ala@northstar.example", "Send again"):
        assert secret not in page, secret


@pytest.mark.parametrize("text", ["of-celina", "celina@southwind.example", "jan@lumen.example"])
def test_a_partner_finds_nothing_of_others(client, told, text):
    assert "Nothing found" in pages(client, told.ala.user, f"?q={text}")


def test_what_is_not_the_accounts_business_is_left_out(client, told):
    """The lead was another's by then: the account was not told, and is not told here."""
    row = email_to(told.ala)
    ends(row, "cancelled", reason="registration_not_active", starts=0)
    assert "The registration was not active" not in pages(client, told.ala.user, "?tab=not-sent")
    assert "The registration was not active" in pages(client, told.boss.user, "?tab=not-sent")


def test_what_the_account_may_not_read_any_more_is_left_out(client, world):
    """Nothing was delivered, and the lead is not the account's any more."""
    world.does(message_id="of-ala")
    for row in Delivery.objects.all():
        ends(row, "dead")
    world.northstar.leads.filter(domain="acme.example").delete()
    page = pages(client, world.ala.user, "?tab=failed")
    assert "acme" not in page
    assert "acme" in pages(client, world.boss.user, "?tab=failed")
    assert "Nothing to send again" in read(client, world.ala.user, "/deliveries/again/?tab=failed")


# --- What it says ---------------------------------------------------------------------------


def test_states_and_reasons_in_words(client, told):
    make_activity(told.source, make_contact("ewa@acme.example"), message_id="withheld")
    evaluate_due()
    choose(told.ala, "email", "enabled", False)
    drain(patience_seconds=0)
    page = pages(client, told.boss.user, "?tab=not-sent")
    assert "E-mail is switched off for the recipient." in page
    assert "of-ala" not in page


def test_the_tabs(client, told):
    fails(told.ala)
    make_activity(told.source, make_contact("ewa@acme.example"), message_id="of-ewa")
    evaluate_due()
    ends(email_to(told.celina), "unknown", starts=1)
    shown = {tab: pages(client, told.boss.user, f"?tab={tab}") for tab in delivery_log._STATES}
    assert "of-ala" in shown["failed"] and SECRET in shown["failed"]
    assert "of-ewa" in shown["waiting"]
    assert "of-celina" in shown["unknown"]
    assert "Nothing was held back" in shown["not-sent"]
    for tab, own in (("failed", "of-ala"), ("waiting", "of-ewa"), ("unknown", "of-celina")):
        for other in {"of-ala", "of-ewa", "of-celina"} - {own}:
            assert other not in shown[tab], (tab, other)
    assert "of-ala" in pages(client, told.boss.user, "?tab=nonsense")


def test_what_waits_for_its_next_try_says_when(client, told):
    row = ends(email_to(told.ala), "pending", starts=1)
    Delivery.objects.filter(pk=row.pk).update(not_before=timezone.now() + timedelta(hours=2))
    assert "waits for the next try, " in pages(client, told.ala.user, "?tab=waiting")


@pytest.mark.parametrize(
    "text", ["of-ala", " of-ala ", "ala@northstar.example", "ANNA@acme.example"]
)
def test_search(client, told, text):
    page = pages(client, told.boss.user, f"?q={text}")
    assert "of-ala" in page
    assert "of-celina" not in page


@pytest.mark.parametrize("url", ["?before=x", "?before=-1", "?before=²", f"?before={10**30}"])
def test_a_broken_cursor_shows_the_first_page(client, told, url):
    assert "of-ala" in pages(client, told.boss.user, f"{url}&q=%00")


def test_pages_join_without_gap_or_repetition(told, monkeypatch):
    monkeypatch.setattr(delivery_log, "PAGE_SIZE", 3)
    for _row in range(3):
        told.does()
    reader = reader_of(Viewer(membership=told.boss, account=None))
    seen, before = [], None
    while True:
        page = delivery_page(reader, search(reader, "all", ""), before)
        seen += [row.delivery.pk for row in page.rows]
        if page.older is None:
            break
        before = page.older
    assert seen == list(Delivery.objects.order_by("-pk").values_list("pk", flat=True))


@pytest.mark.parametrize("who", ["boss", "ala", "bartek"])
@pytest.mark.parametrize("url", ["", "?tab=failed", "?q=anna@acme.example"])
def test_constant_queries(client, told, who, url):
    def grow():
        for _row in range(3):
            told.does()
            fails(told.ala)

    grow()
    client.force_login(getattr(told, who).user)
    assert_constant_queries(lambda: client.get(f"/deliveries/{url}"), grow)


def test_it_says_when_messages_are_late(client, told):
    """R91."""
    assert "Messages are late" not in pages(client, told.boss.user, "")
    row = ends(email_to(told.ala), "pending", starts=0)
    Delivery.objects.filter(pk=row.pk).update(not_before=timezone.now() - timedelta(minutes=12))
    page = pages(client, told.boss.user, "")
    assert "Messages are late" in page
    assert "12 minutes ago" in page
    assert "Messages are late" not in pages(client, told.celina.user, "")


# --- Sending again ---------------------------------------------------------------------------


def send_again(client, user, delivery) -> int:
    client.force_login(user)
    return client.post(f"/deliveries/{delivery.pk}/again/").status_code


def test_a_partners_admin_sends_again_what_failed(client, told):
    row = fails(told.ala)
    assert f"/deliveries/{row.pk}/again/" in pages(client, told.ala.user, "?tab=failed")
    asked = read(client, told.ala.user, f"/deliveries/{row.pk}/again/")
    assert "Send again to Ala?" in asked
    assert not Delivery.objects.filter(replay=1).exists()  # To ask does nothing.
    assert send_again(client, told.ala.user, row) == 302
    drain(patience_seconds=0)
    assert len(mail.outbox) == 1
    assert "E-mail, sent again" in pages(client, told.ala.user, "")
    assert "Sent again since." in pages(client, told.ala.user, "?tab=failed")
    assert sum(broken().values()) == 0


@pytest.mark.parametrize("state", ["delivered", "unknown"])
def test_a_partners_admin_cannot_send_twice_what_went(client, told, state):
    row = ends(email_to(told.ala), state)
    assert send_again(client, told.ala.user, row) == 302
    assert not Delivery.objects.filter(replay=1).exists()
    assert send_again(client, told.boss.user, row) == 302
    assert Delivery.objects.filter(replay=1).exists()


def test_who_reads_only_sends_nothing(client, told):
    row = fails(told.ala)
    for member, status in ((told.bartek, 404), (told.celina, 404), (told.gosia, 403)):
        assert send_again(client, member.user, row) == status
        client.force_login(member.user)
    assert send_again(client, told.operator, row) == 302
    assert Delivery.objects.filter(replay=1).count() == 1


def test_sent_again_meanwhile(client, told):
    row = fails(told.ala)
    send_again(client, told.boss.user, row)
    client.force_login(told.ala.user)
    answer = client.get(f"/deliveries/{row.pk}/again/", follow=True)
    assert "It has been sent again already" in answer.content.decode()
    assert send_again(client, told.ala.user, row) == 302
    assert Delivery.objects.filter(replay__gt=0).count() == 1


def test_all_of_a_search_go_again(client, told):
    fails(told.ala)
    fails(told.celina)
    page = pages(client, told.boss.user, "?tab=failed&q=anna@acme.example")
    assert "/deliveries/again/?tab=failed&amp;q=anna%40acme.example" in page
    asked = read(client, told.boss.user, "/deliveries/again/?tab=failed&q=anna@acme.example")
    assert "Send 1 message again?" in asked
    values = {"tab": "failed", "q": "anna@acme.example", "until": email_to(told.celina).pk}
    answer = client.post("/deliveries/again/", values, follow=True)
    assert "1 message is sent again." in answer.content.decode()
    again = Delivery.objects.get(replay=1)
    assert again.notification.membership == told.ala


def test_what_fails_after_the_preview_is_not_sent_again(client, told):
    row = fails(told.ala)
    fails(told.celina)
    client.force_login(told.boss.user)
    client.post("/deliveries/again/", {"tab": "failed", "until": row.pk})
    assert [d.public_id for d in Delivery.objects.filter(replay=1)] == [row.public_id]
    client.post("/deliveries/again/", {"tab": "failed"})
    assert Delivery.objects.filter(replay=1).count() == 1


def test_a_partners_admin_sends_only_the_accounts_own(client, told):
    fails(told.ala)
    last = fails(told.celina)
    client.force_login(told.ala.user)
    client.post("/deliveries/again/", {"tab": "failed", "until": last.pk})
    (again,) = Delivery.objects.filter(replay=1)
    assert again.account == told.northstar


def test_only_failed_and_unknown_go_again_together(client, told):
    """Never everything that was ever sent."""
    client.force_login(told.boss.user)
    last = Delivery.objects.last()
    for tab in ("all", "waiting", "not-sent", "nonsense"):
        assert "Send all of these again" not in pages(client, told.boss.user, f"?tab={tab}")
        client.post("/deliveries/again/", {"tab": tab, "until": last.pk})
    assert not Delivery.objects.filter(replay=1).exists()
