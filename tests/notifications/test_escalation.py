"""What nobody has looked at is told to others, step by step."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core import mail
from django.db.models import F
from django.utils import timezone

from notifications.channels import DESKTOP, EMAIL
from notifications.claims.services import take
from notifications.delivery.waiting import send_now
from notifications.drain import drain
from notifications.eligibility import Matter
from notifications.escalations import work
from notifications.escalations.work import escalate_due
from notifications.evaluation import evaluate_due
from notifications.inbox.services import archive, bring_back, mark_all_read, mark_read, snooze
from notifications.invariants import broken
from notifications.models import (
    Decision,
    Delivery,
    Escalation,
    EscalationStep,
    Notification,
    NotificationReason,
    Pace,
)
from notifications.topics import ESCALATION
from tests.factories import (
    choose,
    make_account,
    make_activity,
    make_client,
    make_contact,
    make_lead,
    make_member,
)
from tests.northstar import Northstar
from tests.notifications.visiting import views
from tests.queries import assert_constant_queries

pytestmark = pytest.mark.django_db


@pytest.fixture
def team(northstar):
    """Ala, the recipient; Bo, the backup; Eve, another admin; Pat, the vendor's manager."""
    northstar.bo = make_member(northstar.account, "bo@northstar.example", name="Bo")
    northstar.eve = make_member(northstar.account, "eve@northstar.example", role="admin")
    vendor = make_account("northwind", kind="vendor")
    northstar.pat = make_member(vendor, "pat@northwind.example", role="partner_manager")
    make_member(vendor, "gosia@northwind.example", role="growth_specialist")
    northstar.settings.backup = northstar.bo
    northstar.settings.escalate_after = 2
    northstar.settings.save()
    return northstar


def time_passes(**span):
    """Let everything be so much older than it is; a fortnight, if not said."""
    span = timedelta(**(span or {"days": 14}))
    Notification.objects.update(created_at=F("created_at") - span)
    Escalation.objects.update(began_at=F("began_at") - span)
    Escalation.objects.filter(ended="").update(due_at=F("due_at") - span)
    EscalationStep.objects.update(at=F("at") - span)


def work_on():
    drain(patience_seconds=0)


def mailed():
    """Return who got an e-mail since this was asked last."""
    names = [message.to[0].partition("@")[0] for message in mail.outbox]
    mail.outbox.clear()
    return names


def escalated():
    decisions = Decision.objects.filter(part="escalation").order_by("pk")
    return list(decisions.values_list("membership__user__name", "reason"))


def ended():
    return list(Escalation.objects.order_by("pk").values_list("ended", flat=True))


def happens(team, **fields):
    activity = team.happens(**fields)
    work_on()
    return activity


def test_each_step_is_taken_in_its_time_and_once(team):
    happens(team)
    assert mailed() == ["ala"]
    for people in (["bo"], ["eve"], ["pat"], []):
        time_passes()
        work_on()
        work_on()
        assert mailed() == people
    assert ended() == ["all_told"]
    assert list(EscalationStep.objects.order_by("pk").values_list("step", "told")) == [
        (1, 1), (2, 1), (3, 1)
    ]  # fmt: skip
    assert sum(broken().values()) == 0


def test_off_by_default(northstar):
    make_member(northstar.account, role="admin")
    northstar.happens()
    work_on()
    assert not Escalation.objects.exists()


def test_it_says_why(team):
    happens(team)
    time_passes()
    mail.outbox.clear()
    work_on()
    (message,) = mail.outbox
    assert message.subject.startswith("Nobody has looked yet: ACME: ")
    assert "Nobody has looked at it for 2 working hours." in message.body
    assert "ACME is a lead registered to Northstar." in message.body
    time_passes()
    mail.outbox.clear()
    work_on()
    assert "Nobody has looked at it for 4 working hours." in mail.outbox[0].body


def test_the_vendors_manager_reads_it_in_the_vendors_account(team):
    happens(team)
    for _step in range(3):
        time_passes()
        work_on()
    notification = Notification.objects.get(membership=team.pat)
    assert notification.account == team.pat.account
    body = mail.outbox[-1].body
    assert "is a lead registered to Northstar" in body
    assert "account=northwind" in body
    assert "/on-it/" not in body


def test_nothing_happens_before_the_hours_have_passed(team):
    happens(team)
    assert not escalate_due()
    Escalation.objects.update(due_at=timezone.now())
    escalate_due()
    row = Escalation.objects.get()
    assert row.due_at >= row.began_at + timedelta(hours=2)
    assert not EscalationStep.objects.exists()


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


def test_who_has_the_message_already_is_left_out(team):
    """Ala is an admin, and was told first-hand; without a backup the admins are next."""
    team.settings.backup = None
    team.settings.save()
    happens(team)
    mailed()
    time_passes()
    work_on()
    assert mailed() == ["eve"]
    assert escalated() == [("Eve", "sent")]


def test_without_anybody_else_it_ends(northstar):
    northstar.settings.escalate_after = 1
    northstar.settings.save()
    happens(northstar)
    time_passes()
    work_on()
    assert (ended(), escalated()) == (["all_told"], [])


def test_a_backup_who_wants_none_is_skipped_at_once(team):
    for channel in ("email", "desktop"):
        choose(team.bo, channel, "escalation", False)
    happens(team)
    mailed()
    time_passes()
    work_on()
    assert mailed() == ["eve"]
    assert escalated() == [("Bo", "topic_off"), ("Eve", "sent")]
    assert sum(broken().values()) == 0


def test_what_happens_meanwhile_is_no_escalation_of_its_own(team):
    happens(team)
    happens(team, event="Contact Sales Requested")
    mailed()
    time_passes()
    work_on()
    assert mailed() == ["bo"]
    assert Escalation.objects.count() == 1


def test_what_happened_since_is_watched_when_somebody_looks_at_the_first(team):
    happens(team)
    happens(team, event="Contact Sales Requested")
    first, _second = Notification.objects.order_by("pk")
    Notification.objects.filter(pk=first.pk).update(read_at=timezone.now())
    mailed()
    time_passes()
    work_on()
    work_on()
    assert mailed() == ["bo"]
    assert ended() == ["looked", ""]
    assert Decision.objects.get(part="escalation").trigger == "contact_sales"


def test_after_everybody_was_told_the_next_activity_begins_anew(team):
    happens(team)
    for _step in range(3):
        time_passes()
        work_on()
    happens(team, event="Contact Sales Requested")
    mailed()
    time_passes()
    work_on()
    assert mailed() == ["bo"]
    assert ended() == ["all_told", ""]


def test_clients_and_deals_are_escalated_too(team):
    team.lead.delete()
    make_client(team.account, "acme.example", company="ACME")
    deal = team.share_a_deal()
    choose(team.ala, "email", "co_selling_prospect_activity", True)
    happens(team, event="CRM Signed Up")
    assert mailed() == ["ala"]
    time_passes()
    work_on()
    assert mailed() == ["bo"]
    time_passes()
    work_on()
    assert mailed() == ["eve"]
    reasons = NotificationReason.objects.filter(part="escalation", notification__membership=team.bo)
    assert set(reasons.values_list("kind", flat=True)) <= {"client", "deal"}
    assert set(ended()) == {""}
    assert Escalation.objects.get(deal=deal).steps.count() == 2
    assert sum(broken().values()) == 0


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


def test_a_deal_that_goes_to_another_partner_is_not_told(team):
    deal = team.share_a_deal()
    team.lead.delete()
    choose(team.ala, "email", "co_selling_prospect_activity", True)
    happens(team, event="CRM Signed Up")
    deal.shares.all().delete()
    time_passes()
    work_on()
    assert (ended(), escalated()) == (["not_own"], [])


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
    assert (mailed(), email.state, email.reason) == ([], "cancelled", "looked_at")


def test_a_claim_before_it_is_sent_stops_it(team):
    email = escalate_only(team)
    take(team.ala, Matter("lead", team.lead.pk), team.lead)
    work_on()
    email.refresh_from_db()
    assert (mailed(), email.reason) == ([], "looked_at")


def test_who_is_no_backup_any_more_gets_nothing(team):
    email = escalate_only(team)
    team.settings.backup = None
    team.settings.save()
    work_on()
    email.refresh_from_db()
    assert (mailed(), email.reason) == ([], "recipient_changed")


def test_a_wish_changed_before_it_is_sent_holds(team):
    email = escalate_only(team)
    choose(team.bo, "email", "escalation", False)
    work_on()
    email.refresh_from_db()
    assert (mailed(), email.state, email.reason) == ([], "suppressed", "topic_off")
    assert escalated() == [("Bo", "sent")]  # The bell has it.


def test_who_wants_no_escalation_is_told_all_the_same_once_they_are_the_recipient(team):
    for channel in (EMAIL, DESKTOP):
        choose(team.bo, channel, ESCALATION, False)
    Pace.objects.create(membership=team.ala, channel=EMAIL, every="day")
    happens(team)
    time_passes()
    work_on()
    assert mailed() == ["eve"]
    before = escalated()
    assert ("Bo", "topic_off") in before
    team.settings.recipient = team.bo
    team.settings.save()
    send_now(team.ala)
    work_on()
    assert mailed() == ["bo"]
    assert escalated() == before
    assert sum(broken().values()) == 0


# --- The queue ------------------------------------------------------------------------------


def test_a_batch_asks_as_often_for_many_as_for_few(team):
    def grow():
        for number in range(3):
            other = Northstar(f"south{number}", f"lead{number}.example")
            other.settings.escalate_after = 1
            other.settings.backup = make_member(other.account, role="admin")
            other.settings.save()
            other.happens()
        more = make_lead(team.account, "more.example")
        make_activity(team.source, make_contact(f"jan@{more.domain}"))
        evaluate_due()
        time_passes()

    def act():
        Escalation.objects.filter(ended="").update(due_at=timezone.now() - timedelta(days=1))
        EscalationStep.objects.all().delete()
        Decision.objects.filter(part="escalation").delete()
        Notification.objects.filter(reasons__part="escalation").delete()
        work.escalate_due()

    happens(team)
    time_passes()
    assert_constant_queries(act, grow)


def test_one_that_fails_holds_up_no_other(team, monkeypatch, caplog):
    happens(team)
    other = Northstar("southstar", "beta.example")
    other.settings.escalate_after = 1
    other.settings.backup = make_member(other.account, "cy@southstar.example", name="Cy")
    other.settings.save()
    other.happens()
    work_on()
    time_passes()
    good = work._take_steps

    def fails_for_ours(row, *rest):
        if row.account_id == team.account.pk:
            raise ValueError("broken")
        return good(row, *rest)

    monkeypatch.setattr(work, "_take_steps", fails_for_ours)
    escalate_due()
    assert escalated() == [("Cy", "sent")]
    assert Escalation.objects.get(account=team.account).due_at > timezone.now()
    monkeypatch.undo()
    Escalation.objects.filter(ended="").update(due_at=timezone.now() - timedelta(seconds=1))
    escalate_due()
    assert escalated() == [("Cy", "sent"), ("Bo", "sent")]
    assert "could not be escalated" in caplog.text
