"""Additional recipients and owners of leads in a program file (R38)."""

import pytest

from accounts.models import AuditEntry
from notifications.models import AdditionalRecipient
from partners.models import Lead
from tests.program.files import example, load

pytestmark = pytest.mark.django_db
BARTEK, ALA = "bartek@northstar.example", "ala@northstar.example"


def with_additional(*entries, owner=BARTEK):
    document = example()
    northstar = document["accounts"][0]
    northstar["communication"]["additional"] = list(entries)
    northstar["leads"][0]["owner"] = owner
    return document


def listed():
    rows = AdditionalRecipient.objects.order_by("pk")
    return [(row.membership and row.membership.user.email, row.triggers) for row in rows]


def actions():
    rows = AuditEntry.objects.filter(actor_name="import_program").order_by("pk")
    return [
        action
        for action in rows.values_list("action", flat=True)
        if action.startswith(("communication.additional", "lead_"))
    ]


def test_they_are_stored_and_the_same_file_changes_nothing():
    document = with_additional({"user": BARTEK, "triggers": ["demo_request"]}, {"lead_owner": True})
    load(document)
    assert listed() == [(BARTEK, ["demo_request"]), (None, [])]
    assert Lead.objects.get().owner.user.email == BARTEK
    assert load(document).changed == 0


def test_the_list_is_replaced_and_each_change_is_written_down():
    load(with_additional({"user": BARTEK}, {"lead_owner": True}))
    load(with_additional({"user": BARTEK, "triggers": ["demo_request"]}, {"user": ALA}, owner=ALA))
    assert listed() == [(BARTEK, ["demo_request"]), (ALA, [])]
    assert actions()[2:] == [
        "communication.additional_triggers",
        "communication.additional_added",
        "communication.additional_removed",
        "lead_owner",
    ]


def test_what_the_file_does_not_mention_stays():
    load(with_additional({"user": BARTEK}))
    load(example())
    assert listed() == [(BARTEK, [])]
    assert Lead.objects.get().owner.user.email == BARTEK


def test_nobody_can_be_said():
    load(with_additional({"user": BARTEK}))
    load(with_additional(owner=None))
    assert listed() == []
    assert Lead.objects.get().owner is None


def test_a_trigger_of_the_same_file_can_be_chosen():
    document = with_additional({"lead_owner": True, "triggers": ["roi"]})
    document["triggers"].append({"key": "roi", "label": "ROI", "event_name": "ROI Calculated"})
    load(document)
    assert listed() == [(None, ["roi"])]
