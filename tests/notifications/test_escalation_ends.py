"""What ends an escalation, and what stops its message right before it is sent."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from notifications.claims.services import take
from notifications.eligibility import Matter
from notifications.escalations.work import escalate_due
from notifications.inbox.services import archive, bring_back, mark_all_read, mark_read, snooze
from notifications.models import Delivery, Notification
from tests.factories import choose, make_client, make_contact, make_member
from tests.northstar import Northstar
from tests.notifications.escalating import (
    Team,
    ended,
    escalated,
    happens,
    newly_mailed,
    time_passes,
    work_on,
)
from tests.notifications.visiting import views

pytestmark = pytest.mark.django_db


@pytest.fixture
def team():
    return Team()


@pytest.mark.parametrize("how", ["read", "read all", "snoozed", "archived", "activity", "lead"])
def test_who_looks_ends_it(client, team, how):
    activity = happens(team)
    client.force_login(team.ala.user)
    item = f"/inbox/{Notification.objects.get().pk}"
    looks = {
        "read": lambda: client.post(f"{item}/read/"),
        "read all": lambda: client.post("/inbox/read/"),
        "snoozed": lambda: client.post(f"{item}/snooze/", {"wait": "hour"}),
        "archived": lambda: client.post(f"{item}/archive/"),
        "activity": lambda: client.get(f"/activity/{activity.message_id}/"),
        "lead": lambda: client.get(f"/leads/{team.lead.pk}/"),
    }
    assert looks[how]().status_code in (200, 302)
    time_passes()
    work_on()
    assert (ended(), escalated()) == (["looked"], [])


@pytest.mark.parametrize(
    "look", [mark_read, archive, lambda item: snooze(item, timezone.now() + timedelta(hours=1))]
)
def test_who_has_looked_has_done_so_when_it_is_unread_again(team, look):
    happens(team)
    item = Notification.objects.get()
    look(item)
    bring_back(item, unread=True)
    time_passes()
    work_on()
    assert (ended(), escalated()) == (["looked"], [])


def test_so_does_who_has_read_what_a_visit_makes_new_again(team):
    team.settings.escalate_after = 0
    team.settings.save()
    views(team, "/checkout", ago=23 * 60)
    work_on()
    team.settings.escalate_after = 2
    team.settings.save()
    views(team, "/pricing", ago=10)
    work_on()
    mark_all_read(team.ala)
    views(team, "/checkout", ago=5)
    work_on()
    assert Notification.objects.filter(membership=team.ala, read_at=None).exists()
    time_passes()
    work_on()
    assert (ended(), escalated()) == (["looked"], [])


def test_a_page_fetched_ahead_or_by_somebody_else_has_shown_nothing(client, team):
    activity = happens(team)
    client.force_login(team.ala.user)
    client.get(f"/activity/{activity.message_id}/", headers={"Sec-Purpose": "prefetch"})
    client.force_login(team.eve.user)
    client.get(f"/activity/{activity.message_id}/")
    time_passes()
    work_on()
    assert escalated() == [("Bo", "sent")]


def test_who_was_told_later_ends_it_too(team):
    happens(team)
    time_passes()
    work_on()
    Notification.objects.filter(membership=team.bo).update(read_at=timezone.now())
    time_passes()
    work_on()
    assert (ended(), escalated()) == (["looked"], [("Bo", "sent")])


def test_who_follows_the_link_of_a_clients_mail_has_looked(client, team):
    team.lead.delete()
    make_client(team.account, "acme.example", company="ACME")
    happens(team)
    link = next(line for line in mail.outbox[0].body.splitlines() if "/activity/?" in line)
    client.force_login(team.ala.user)
    assert client.get(link[link.index("/activity/") :]).status_code == 200
    time_passes()
    work_on()
    assert (ended(), escalated()) == (["looked"], [])


def test_a_claim_ends_it(team):
    happens(team)
    take(team.ala, Matter("lead", team.lead.pk), team.lead)
    time_passes()
    work_on()
    assert (ended(), escalated()) == (["claimed"], [])


def test_switching_it_off_ends_it(team):
    happens(team)
    team.settings.escalate_after = 0
    team.settings.save()
    time_passes()
    work_on()
    assert (ended(), escalated()) == (["off"], [])


@pytest.mark.parametrize("how", ["toggle", "deregistered", "consent"])
def test_what_is_not_the_accounts_any_more_is_told_to_nobody(team, how):
    happens(team)
    if how == "toggle":
        team.settings.receive_lead_activity = False
        team.settings.save()
    elif how == "deregistered":
        team.lead.status = "expired"
        team.lead.save()
    else:
        team.contact.consent_denied = True
        team.contact.save()
    time_passes()
    work_on()
    assert (ended(), escalated()) == (["not_own"], [])


def test_a_deal_that_goes_to_another_partner_is_not_told(team):
    deal = team.share_a_deal()
    team.lead.delete()
    choose(team.ala, "email", "co_selling_prospect_activity", True)
    happens(team, event="CRM Signed Up")
    deal.shares.all().delete()
    time_passes()
    work_on()
    assert (ended(), escalated()) == (["not_own"], [])


def test_a_deal_that_comes_back_was_looked_at_by_nobody_in_between(team):
    """Two accounts watch one deal then; each counts who was told of its own people."""
    southwind = Northstar("southwind", "beta.example")
    make_member(southwind.account, "cy@southwind.example", role="admin", name="Cy")
    southwind.settings.escalate_after = 2
    southwind.settings.save()
    deal = team.share_a_deal()
    team.lead.delete()
    deal.members.create(membership=southwind.ala, role="team")
    for ala in (southwind.ala, team.ala):
        choose(ala, "email", "co_selling_prospect_activity", True)

    def is_first(partner):
        deal.shares.all().delete()
        deal.shares.create(account=partner.account, position=1)

    for partner, person in ((southwind, "jo"), (team, "jan")):
        is_first(partner)
        contact = make_contact(f"{person}@acme.example")
        deal.company.companycontact_set.create(contact=contact)
        happens(team, contact=contact, event="CRM Signed Up")
    is_first(southwind)
    time_passes()
    work_on()
    assert (ended(), escalated()) == (["", "not_own"], [("Cy", "sent")])


# --- Right before the send ------------------------------------------------------------------


def escalate_only(team):
    """Decide the first step, and send nothing yet."""
    happens(team)
    time_passes()
    escalate_due()
    mail.outbox.clear()
    return Delivery.objects.get(channel="email", notification__membership=team.bo)


def test_who_looks_before_it_is_sent_stops_it(team):
    email = escalate_only(team)
    Notification.objects.filter(membership=team.ala).update(read_at=timezone.now())
    work_on()
    email.refresh_from_db()
    assert (newly_mailed(), email.state, email.reason) == ([], "cancelled", "looked_at")


def test_a_claim_before_it_is_sent_stops_it(team):
    email = escalate_only(team)
    take(team.ala, Matter("lead", team.lead.pk), team.lead)
    work_on()
    email.refresh_from_db()
    assert (newly_mailed(), email.reason) == ([], "looked_at")


def test_who_is_no_backup_any_more_gets_nothing(team):
    email = escalate_only(team)
    team.settings.backup = None
    team.settings.save()
    work_on()
    email.refresh_from_db()
    assert (newly_mailed(), email.reason) == ([], "recipient_changed")


def test_a_wish_changed_before_it_is_sent_holds(team):
    email = escalate_only(team)
    choose(team.bo, "email", "escalation", False)
    work_on()
    email.refresh_from_db()
    assert (newly_mailed(), email.state, email.reason) == ([], "suppressed", "topic_off")
    assert escalated() == [("Bo", "sent")]  # The bell has it.
