"""R40: somebody stands in for a recipient who cannot be told."""

import pytest
from django.core import mail

from accounts.models import AuditEntry
from notifications.delivery.send import deliver_due
from notifications.delivery.suspension import suspend
from notifications.drain import drain
from notifications.evaluation import evaluate_due
from notifications.invariants import broken
from notifications.leaving import consequences, drop_recipient
from notifications.models import CommunicationSettings, Decision, Delivery, Notification
from tests.factories import choose, make_lead, make_member, make_webhook, switch_on
from tests.notifications.told import decided, mailed
from tests.sinks import SmtpSink
from tests.world import World, read

pytestmark = pytest.mark.django_db
URL = "/settings/partners/communication/"


def turn_off(member):
    choose(member, "email", "enabled", False)


def test_the_backup_is_told_and_the_message_says_as_what(northstar, bo):
    turn_off(northstar.ala)
    northstar.happens()
    drain(patience_seconds=0)
    assert mailed() == ["bo"]
    assert "You are the backup recipient: the chosen one could not be told." in mail.outbox[0].body
    assert decided() == {("Ala", "", "email_off"), ("Bo", "backup", "sent")}
    assert sum(broken().values()) == 0


def test_nobody_stands_in_for_who_is_told(northstar, bo):
    northstar.happens()
    drain(patience_seconds=0)
    assert mailed() == ["ala"]
    assert decided() == {("Ala", "", "sent")}


def test_who_turns_it_off_while_the_mail_waits_leaves_it_to_the_backup(northstar, bo):
    """R32."""
    northstar.happens()
    evaluate_due()
    turn_off(northstar.ala)
    drain(patience_seconds=0)
    assert mailed() == ["bo"]
    assert decided() == {("Ala", "", "email_off"), ("Bo", "backup", "sent")}


def test_who_is_deactivated_while_the_mail_waits_leaves_it_to_the_backup(northstar, bo):
    northstar.happens()
    evaluate_due()
    northstar.ala.is_active = False
    northstar.ala.save()
    drain(patience_seconds=0)
    assert mailed() == ["bo"]
    assert decided() == {("Ala", "", "recipient_inactive"), ("Bo", "backup", "sent")}


def test_a_backup_who_was_asked_is_told_though_the_recipient_is_back(northstar, bo):
    switch = choose(northstar.ala, "email", "enabled", False)
    northstar.happens()
    evaluate_due()
    switch.delete()
    drain(patience_seconds=0)
    assert mailed() == ["bo"]


def test_another_backup_chosen_meanwhile_is_told_instead(northstar, bo):
    eve = make_member(northstar.account, "eve@northstar.example", name="Eve")
    turn_off(northstar.ala)
    northstar.happens()
    evaluate_due()
    northstar.settings.backup = eve
    northstar.settings.save()
    drain(patience_seconds=0)
    assert mailed() == ["eve"]
    assert ("Bo", "backup", "recipient_changed") in decided()


def test_a_recipient_who_becomes_the_backup_leaves_it_to_the_new_one(northstar, bo):
    """R32: the chosen one is asked first, at the send as at the decision."""
    northstar.happens()
    evaluate_due()
    northstar.settings.recipient, northstar.settings.backup = bo, northstar.ala
    northstar.settings.save()
    drain(patience_seconds=0)
    assert mailed() == ["bo"]
    assert decided() == {("Ala", "", "recipient_changed"), ("Bo", "", "sent")}
    assert sum(broken().values()) == 0


def test_a_recipient_chosen_meanwhile_is_told_before_the_backup(northstar, bo):
    """R32."""
    northstar.settings.recipient = None
    northstar.settings.save()
    northstar.happens()
    evaluate_due()
    northstar.settings.recipient = make_member(northstar.account, "eve@northstar.example")
    northstar.settings.save()
    drain(patience_seconds=0)
    assert mailed() == ["eve"]
    assert sum(broken().values()) == 0


def test_what_the_recipient_has_by_mail_is_not_told_to_the_backup_later(northstar, bo, sink):
    """The app's copy of it still waits when the recipient is deactivated."""
    hook = make_webhook(northstar.ala, sink.url)
    northstar.happens()
    evaluate_due()
    deliver_due("email")
    northstar.ala.is_active = False
    northstar.ala.save()
    drain(patience_seconds=0)
    assert mailed() == ["ala"]
    assert Delivery.objects.get(endpoint_key=hook.key).state == "cancelled"
    assert ("Ala", "", "sent") in decided()
    assert not Decision.objects.filter(membership=bo).exists()


def test_a_mailbox_that_is_gone_leaves_it_to_the_backup(northstar, bo, settings):
    """Already the message that finds it out."""
    settings.EMAIL_BACKEND = "notifications.channels.smtp.DeadlineEmailBackend"
    with SmtpSink() as server:
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
        server.refuse = lambda address: "550 5.1.1 gone" if address.startswith("ala@") else None
        northstar.happens()
        drain(patience_seconds=0)
        assert [mail.to for mail in server.received] == ["bo@northstar.example"]
    assert ("Bo", "backup", "sent") in decided()
    assert sum(broken().values()) == 0


def test_a_word_about_the_same_activity_is_not_the_activity(northstar, bo):
    """Bo is an admin, too, and hears that Ala's address was suspended."""
    bo.role = "admin"
    bo.save()
    northstar.happens()
    evaluate_due()
    suspend("ala@northstar.example", "bounce", "550 5.1.1")
    drain(patience_seconds=0)
    bells = Delivery.objects.filter(channel="desktop", notification__membership=bo)
    assert sorted(bells.values_list("notification__notice", "state")) == [
        ("", "delivered"),
        ("suppressed_address", "delivered"),
    ]


def test_a_bell_alone_withdrawn_calls_no_backup(northstar, bo):
    northstar.happens()
    evaluate_due()
    choose(northstar.ala, "desktop", "bell", False)
    deliver_due("desktop")
    assert not Notification.objects.filter(membership=bo).exists()


def test_who_is_told_in_an_app_needs_no_backup(northstar, bo, sink):
    make_webhook(northstar.ala, f"{sink.url}/hook")
    turn_off(northstar.ala)
    northstar.happens()
    drain(patience_seconds=0)
    assert mailed() == []
    assert not Delivery.objects.filter(notification__membership=bo).exists()


def test_who_is_removed_is_no_backup_any_more(northstar, bo):
    """R34."""
    drop_recipient(bo, actor=northstar.ala.user)
    northstar.settings.refresh_from_db()
    assert (northstar.settings.recipient, northstar.settings.backup) == (northstar.ala, None)
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.old) == ("communication.backup", "Bo · bo@northstar.example")


def test_whoever_deactivates_the_recipient_hears_who_is_told_then(northstar, bo):
    assert "Bo, the backup, is told" in consequences(northstar.ala, removal=False)[0]


# --- The page -----------------------------------------------------------------------------


@pytest.fixture
def world():
    world = World()
    make_lead(world.northstar, "acme.example", company="ACME")
    switch_on(world.northstar, world.ala)
    return world


def post(client, who, **fields):
    client.force_login(who.user)
    return client.post(URL, {"receive_lead_activity": "on", "client_activity": "on", **fields})


def stored():
    return CommunicationSettings.objects.get()


def test_a_backup_is_chosen_written_down_and_shown(client, world):
    """R37."""
    post(client, world.ala, backup=world.bartek.pk)
    assert (stored().recipient, stored().backup) == (world.ala, world.bartek)
    page = read(client, world.ala.user, URL)
    assert "Changed the backup: nobody → Bartek · bartek@northstar.example" in page
    assert '<details class="card group" open>' in page


def test_a_backup_that_is_not_submitted_stays(client, world):
    """R30."""
    CommunicationSettings.objects.update(backup=world.bartek)
    post(client, world.ala, recipient=world.ala.pk)
    assert stored().backup == world.bartek
    post(client, world.ala, backup="")
    assert stored().backup is None


@pytest.mark.parametrize("forged", ["celina", "inactive", "nonsense", "the recipient"])
def test_a_forged_backup_is_refused_and_nothing_changed(client, world, forged):
    """R35."""
    inactive = make_member(world.northstar, active=False)
    ids = {"celina": world.celina.pk, "inactive": inactive.pk, "the recipient": world.ala.pk}
    answer = post(client, world.ala, recipient=world.ala.pk, backup=ids.get(forged, "x"))
    assert answer.status_code == 422
    assert 'id="backup-errors" data-refresh><p class="error">' in answer.content.decode()
    assert stored().backup is None


def test_a_backup_who_becomes_the_recipient_is_no_backup_any_more(client, world):
    CommunicationSettings.objects.update(backup=world.bartek)
    post(client, world.ala, recipient=world.bartek.pk)
    assert (stored().recipient, stored().backup) == (world.bartek, None)
    page = read(client, world.ala.user, URL)
    assert "Changed the backup: Bartek · bartek@northstar.example → nobody" in page


def test_recipient_and_backup_change_places(client, world):
    CommunicationSettings.objects.update(backup=world.bartek)
    post(client, world.ala, recipient=world.bartek.pk, backup=world.ala.pk)
    assert (stored().recipient, stored().backup) == (world.bartek, world.ala)


def test_who_only_reads_changes_no_backup(client, world):
    """R36."""
    assert post(client, world.bartek, backup=world.bartek.pk).status_code == 403
    assert stored().backup is None


@pytest.mark.parametrize("recipient", ["e-mail off", "nobody"])
def test_the_page_says_who_is_told_instead(client, world, recipient):
    CommunicationSettings.objects.update(backup=world.bartek)
    if recipient == "nobody":
        CommunicationSettings.objects.update(recipient=None)
    else:
        turn_off(world.ala)
    assert "Bartek, the backup, is told instead." in read(client, world.bartek.user, URL)


def test_the_page_does_not_promise_a_backup_who_cannot_be_told(client, world):
    CommunicationSettings.objects.update(backup=world.bartek)
    turn_off(world.ala)
    turn_off(world.bartek)
    assert "is told instead." not in read(client, world.bartek.user, URL)


def test_the_story_says_instead_of_whom_and_why(client, world):
    CommunicationSettings.objects.update(backup=world.bartek)
    turn_off(world.ala)
    activity = world.does()
    page = read(client, world.bartek.user, f"/activity/{activity.message_id}/")
    assert "As the backup, instead of Ala: E-mail is switched off for the recipient." in page


def test_the_leads_page_says_who_is_told(client, world):
    CommunicationSettings.objects.update(backup=world.bartek)
    turn_off(world.ala)
    lead = world.northstar.leads.get()
    assert "Bartek is told (" in read(client, world.ala.user, f"/leads/{lead.pk}/")
