"""Two people, or two workers, at the same moment: the database lets one of them through."""

from __future__ import annotations

import pytest
from django.core import mail
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import AuditEntry
from notifications.claims.services import take
from notifications.drain import drain
from notifications.eligibility import Matter
from notifications.escalations.work import escalate_due
from notifications.evaluation import evaluate_due
from notifications.invariants import broken
from notifications.models import Claim, Decision, Escalation, EscalationStep
from tests.accounts.test_at_once import at_once
from tests.factories import make_activity, make_member
from tests.northstar import Northstar
from tests.notifications.escalating import time_passes

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def northstar():
    northstar = Northstar()
    northstar.bo = make_member(northstar.account, "bo@northstar.example", name="Bo")
    northstar.settings.backup = northstar.bo
    northstar.settings.escalate_after = 1
    northstar.settings.save()
    return northstar


def test_one_of_two_is_on_it(northstar):
    matter = Matter("lead", northstar.lead.pk)
    people = (northstar.ala, northstar.bo)
    found = []
    acts = [lambda who=who: found.append(take(who, matter, northstar.lead)[0]) for who in people]
    assert at_once(*acts) == [None] * 2
    assert {claim.pk for claim in found} == {Claim.objects.get().pk}
    assert AuditEntry.objects.filter(action="claim.taken").count() == 1


def test_the_database_knows_one_claim_of_a_lead(northstar):
    about = {"account": northstar.account, "lead": northstar.lead}
    Claim.objects.create(membership=northstar.ala, **about)
    with pytest.raises(IntegrityError), transaction.atomic():
        Claim.objects.create(membership=northstar.bo, **about)


def test_two_workers_take_a_step_once(northstar):
    northstar.happens()
    drain(patience_seconds=0)
    time_passes()
    assert at_once(*[escalate_due] * 4) == [None] * 4
    assert Decision.objects.filter(part="escalation").count() == 1
    assert EscalationStep.objects.count() == 1
    mail.outbox.clear()
    drain(patience_seconds=0)
    assert [message.to for message in mail.outbox] == [["bo@northstar.example"]]
    assert sum(broken().values()) == 0


def test_two_workers_watch_a_lead_once(northstar):
    for event in ("Demo Requested", "Contact Sales Requested", "Trial Started"):
        make_activity(northstar.source, northstar.contact, event=event)
    assert at_once(*[lambda: evaluate_due(limit=1)] * 3) == [None] * 3
    evaluate_due()
    assert Escalation.objects.count() == 1


def test_evaluation_and_escalation_of_one_account_do_not_block_each_other(northstar):
    northstar.happens()
    drain(patience_seconds=0)
    time_passes()
    for number in range(8):
        make_activity(northstar.source, northstar.contact, message_id=f"again-{number}")
    work = [lambda: evaluate_due(limit=2), escalate_due] * 3
    assert at_once(*work) == [None] * 6
    drain(patience_seconds=0)
    assert EscalationStep.objects.count() == 1
    assert sum(broken().values()) == 0


def test_a_claim_at_the_moment_of_a_step_comes_before_or_after(northstar):
    northstar.happens()
    drain(patience_seconds=0)
    time_passes()
    mail.outbox.clear()
    matter = Matter("lead", northstar.lead.pk)
    acts = (escalate_due, lambda: take(northstar.ala, matter, northstar.lead))
    assert at_once(*acts) == [None] * 2
    drain(patience_seconds=0)
    assert mail.outbox == []  # The claim stops what was decided just before, too.
    assert sum(broken().values()) == 0


def test_the_database_knows_one_escalation_of_a_lead_and_one_row_of_a_step(northstar):
    northstar.happens()
    drain(patience_seconds=0)
    row = Escalation.objects.get()
    fields = {"account": row.account, "activity": row.activity, "lead": row.lead}
    with pytest.raises(IntegrityError), transaction.atomic():
        Escalation.objects.create(due_at=timezone.now(), trigger="demo_request", **fields)
    EscalationStep.objects.create(escalation=row, step=1, told=1)
    with pytest.raises(IntegrityError), transaction.atomic():
        EscalationStep.objects.create(escalation=row, step=1, told=1)
