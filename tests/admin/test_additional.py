"""Additional recipients and the owners of leads, as an operator changes them (R38)."""

import pytest

from accounts.models import AuditEntry
from notifications.models import AdditionalRecipient, CommunicationSettings
from partners.models import Lead
from tests.admin.pages import errors_of, save
from tests.factories import make_lead, switch_on

pytestmark = pytest.mark.django_db


@pytest.fixture
def settings_row(world):
    return switch_on(world.northstar, world.ala)


def add(member=None, *triggers):
    return {
        "additional-TOTAL_FORMS": "1",
        "additional-0-membership": member.pk if member else "",
        "additional-0-triggers": list(triggers),
    }


def listed():
    rows = AdditionalRecipient.objects.order_by("pk")
    return [(row.membership and row.membership.user.name, row.triggers) for row in rows]


def written():
    return list(AuditEntry.objects.order_by("pk").values_list("action", "old", "new"))


def test_one_is_added_changed_and_taken_off(admin_client, world, settings_row, operator):
    """R37."""
    fields = add(world.bartek, "demo_request")
    save(admin_client, CommunicationSettings, settings_row, **fields)
    assert listed() == [("Bartek", ["demo_request"])]
    changed = {"additional-0-triggers": ["crm_signup", "demo_request"]}
    save(admin_client, CommunicationSettings, settings_row, **changed)
    assert listed() == [("Bartek", ["crm_signup", "demo_request"])]
    off = {**changed, "additional-0-DELETE": "on"}
    save(admin_client, CommunicationSettings, settings_row, **off)
    assert listed() == []
    assert written() == [
        ("communication.additional_added", "", "demo_request"),
        ("communication.additional_triggers", "demo_request", "crm_signup, demo_request"),
        ("communication.additional_removed", "crm_signup, demo_request", ""),
    ]
    assert AuditEntry.objects.filter(actor=operator, account=world.northstar).count() == 3


def test_without_a_person_it_is_the_owner_of_the_lead(admin_client, settings_row):
    save(admin_client, CommunicationSettings, settings_row, **add(None, "demo_request"))
    assert listed() == [(None, ["demo_request"])]


def test_a_user_of_another_account_is_refused(admin_client, world, settings_row):
    """R35."""
    answer = save(admin_client, CommunicationSettings, settings_row, **add(world.celina))
    assert "Choose a user of this account." in errors_of(answer)
    assert listed() == []


def test_another_person_takes_the_place(admin_client, world, settings_row):
    """R37."""
    settings_row.additional.create(membership=world.bartek, triggers=["demo_request"])
    other = {"additional-0-membership": world.ala.pk, "additional-0-triggers": ["crm_signup"]}
    save(admin_client, CommunicationSettings, settings_row, **other)
    assert listed() == [("Ala", ["crm_signup"])]
    rows = AuditEntry.objects.order_by("pk").values_list("action", "subject", "old", "new")
    assert list(rows) == [
        (
            "communication.additional_removed",
            "Bartek · bartek@northstar.example",
            "demo_request",
            "",
        ),
        ("communication.additional_added", "Ala · ala@northstar.example", "", "crm_signup"),
    ]


def test_saved_unchanged_it_stays_as_it_is(admin_client, world, settings_row):
    settings_row.additional.create(membership=world.bartek, triggers=["demo_request"])
    save(admin_client, CommunicationSettings, settings_row)
    assert listed() == [("Bartek", ["demo_request"])]
    assert written() == []


def test_a_lead_gets_an_owner(admin_client, world):
    """R37."""
    lead = make_lead(world.northstar, "acme.example")
    save(admin_client, Lead, lead, owner=world.bartek.pk)
    lead.refresh_from_db()
    assert lead.owner == world.bartek
    assert written() == [("lead_owner", "", "Bartek · bartek@northstar.example")]


def test_a_lead_has_no_owner_of_another_account(admin_client, world):
    lead = make_lead(world.northstar, "acme.example")
    answer = save(admin_client, Lead, lead, owner=world.celina.pk)
    assert "Choose a user of this account." in errors_of(answer)
