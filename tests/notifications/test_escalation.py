"""What nobody has looked at is told to others, step by step."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from notifications.channels import DESKTOP, EMAIL
from notifications.delivery.waiting import send_now
from notifications.escalations import work
from notifications.escalations.work import escalate_due
from notifications.evaluation import evaluate_due
from notifications.invariants import broken
from notifications.models import (
    Decision,
    Escalation,
    EscalationStep,
    Notification,
    NotificationReason,
    Pace,
)
from notifications.topics import ESCALATION
from tests.factories import (
    choose,
    make_activity,
    make_client,
    make_contact,
    make_lead,
    make_member,
)
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
from tests.queries import assert_constant_queries

pytestmark = pytest.mark.django_db


@pytest.fixture
def team():
    return Team()


def test_each_step_is_taken_in_its_time_and_once(team):
    happens(team)
    assert newly_mailed() == ["ala"]
    for people in (["bo"], ["eve"], ["pat"], []):
        time_passes()
        work_on()
        work_on()
        assert newly_mailed() == people
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


def test_who_has_the_message_already_is_left_out(team):
    """Ala is an admin, and was told first-hand; without a backup the admins are next."""
    team.settings.backup = None
    team.settings.save()
    happens(team)
    newly_mailed()
    time_passes()
    work_on()
    assert newly_mailed() == ["eve"]
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
    newly_mailed()
    time_passes()
    work_on()
    assert newly_mailed() == ["eve"]
    assert escalated() == [("Bo", "topic_off"), ("Eve", "sent")]
    assert sum(broken().values()) == 0


def test_what_happens_meanwhile_is_no_escalation_of_its_own(team):
    happens(team)
    happens(team, event="Contact Sales Requested")
    newly_mailed()
    time_passes()
    work_on()
    assert newly_mailed() == ["bo"]
    assert Escalation.objects.count() == 1


def test_what_happened_since_is_watched_when_somebody_looks_at_the_first(team):
    happens(team)
    happens(team, event="Contact Sales Requested")
    first, _second = Notification.objects.order_by("pk")
    Notification.objects.filter(pk=first.pk).update(read_at=timezone.now())
    newly_mailed()
    time_passes()
    work_on()
    work_on()
    assert newly_mailed() == ["bo"]
    assert ended() == ["looked", ""]
    assert Decision.objects.get(part="escalation").trigger == "contact_sales"


def test_after_everybody_was_told_the_next_activity_begins_anew(team):
    happens(team)
    for _step in range(3):
        time_passes()
        work_on()
    happens(team, event="Contact Sales Requested")
    newly_mailed()
    time_passes()
    work_on()
    assert newly_mailed() == ["bo"]
    assert ended() == ["all_told", ""]


def test_clients_and_deals_are_escalated_too(team):
    team.lead.delete()
    make_client(team.account, "acme.example", company="ACME")
    deal = team.share_a_deal()
    choose(team.ala, "email", "co_selling_prospect_activity", True)
    happens(team, event="CRM Signed Up")
    assert newly_mailed() == ["ala"]
    time_passes()
    work_on()
    assert newly_mailed() == ["bo"]
    time_passes()
    work_on()
    assert newly_mailed() == ["eve"]
    reasons = NotificationReason.objects.filter(part="escalation", notification__membership=team.bo)
    assert set(reasons.values_list("kind", flat=True)) <= {"client", "deal"}
    assert set(ended()) == {""}
    assert Escalation.objects.get(deal=deal).steps.count() == 2
    assert sum(broken().values()) == 0


def test_who_wants_no_escalation_is_told_all_the_same_once_they_are_the_recipient(team):
    for channel in (EMAIL, DESKTOP):
        choose(team.bo, channel, ESCALATION, False)
    Pace.objects.create(membership=team.ala, channel=EMAIL, every="day")
    happens(team)
    time_passes()
    work_on()
    assert newly_mailed() == ["eve"]
    before = escalated()
    assert ("Bo", "topic_off") in before
    team.settings.recipient = team.bo
    team.settings.save()
    send_now(team.ala)
    work_on()
    assert newly_mailed() == ["bo"]
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
