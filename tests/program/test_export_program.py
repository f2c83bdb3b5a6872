"""An export imports without effect, and into a fresh database gives the same export."""

from datetime import UTC, datetime

import pytest
import yaml
from django.core.management import call_command

from accounts.models import Account, Membership, User
from accounts.services.members import remove_member
from notifications.demo.world import program as demo
from notifications.program.dump import dump_program
from notifications.program.errors import ProgramError
from notifications.program.parsing import parse
from partners.models import Company, CompanyContact, Deal, Source
from partners.services.deals import remove_share
from tests.factories import (
    choose,
    make_account,
    make_company,
    make_contact,
    make_deal,
    make_lead,
    make_member,
    switch_on,
)
from tests.program.files import EXAMPLE, NOW, assert_round_trip, example, load


def exported():
    return yaml.safe_load(dump_program())


@pytest.mark.django_db
def test_the_contracts_example_survives_the_round_trip():
    load(parse(EXAMPLE))
    assert_round_trip()


@pytest.mark.django_db
def test_a_backup_recipient_survives_the_round_trip():
    document = example()
    document["accounts"][0]["communication"]["backup"] = "bartek@northstar.example"
    load(document)
    northstar = next(a for a in exported()["accounts"] if a["slug"] == "northstar")
    assert northstar["communication"]["backup"] == "bartek@northstar.example"
    assert_round_trip()


@pytest.mark.django_db
def test_additional_recipients_and_owners_of_leads_survive_the_round_trip():
    document = example()
    northstar = document["accounts"][0]
    northstar["communication"]["additional"] = [
        {"user": "bartek@northstar.example", "triggers": ["demo_request", "pricing_view"]},
        {"lead_owner": True},
    ]
    northstar["leads"][0]["owner"] = "bartek@northstar.example"
    load(document)
    said = next(a for a in exported()["accounts"] if a["slug"] == "northstar")
    assert said["communication"]["additional"] == [
        {"lead_owner": True},
        {"user": "bartek@northstar.example", "triggers": ["demo_request", "pricing_view"]},
    ]
    assert said["leads"][0]["owner"] == "bartek@northstar.example"
    assert_round_trip()


@pytest.mark.django_db
def test_the_demo_survives_the_round_trip():
    load(demo(datetime(2026, 6, 1, tzinfo=UTC)))
    assert_round_trip()


@pytest.mark.django_db
def test_an_empty_database_survives_the_round_trip():
    assert_round_trip()


@pytest.mark.django_db
def test_a_free_first_place_survives_the_round_trip():
    load(example())
    remove_share(Deal.objects.get(), Account.objects.get(slug="northstar"))
    assert_round_trip()
    assert Deal.objects.get().shares.get().position == 2


def remove_bartek():
    load(example())
    bartek = Membership.objects.get(user__email="bartek@northstar.example")
    remove_member(Membership.objects.get(user__name="Ala").user, bartek)
    return bartek


@pytest.mark.django_db
def test_who_was_removed_is_not_in_the_program():
    remove_bartek()
    assert "bartek" not in dump_program()
    assert_round_trip()


@pytest.mark.django_db
def test_who_was_removed_comes_back_with_a_file_that_names_them():
    bartek = remove_bartek()
    load(example())
    bartek.refresh_from_db()
    assert (bartek.is_active, bartek.removed_at, bartek.role) == (True, None, "member")
    assert bartek.deal_roles.filter(role="owner", removed_at=None).exists()


@pytest.mark.django_db
def test_who_was_removed_cannot_be_referred_to():
    remove_bartek()
    document = example()
    document["accounts"][0]["users"] = []
    with pytest.raises(ProgramError, match="bartek"):
        load(document)


@pytest.mark.django_db
def test_the_command_prints_yaml_and_no_secret(capsys):
    document = example()
    document["accounts"][0]["users"][0]["password"] = "correct horse"
    load(document)
    Source.objects.create(name="Web", key_hash="0" * 64, prefix="pn_live_abcd")
    call_command("export_program")
    said = capsys.readouterr().out
    assert yaml.safe_load(said)["vendor"]["name"] == "Northwind"
    for secret in ("correct horse", "password", "pn_live", User.objects.first().password):
        assert secret not in said


@pytest.mark.django_db
def test_the_stored_status_is_exported():
    """Not the one computed from the date."""
    document = example()
    document["accounts"][0]["leads"][0]["expires_at"] = "2026-02-01"
    load(document)
    assert "status: registered" in dump_program()


@pytest.mark.django_db
def test_a_choice_equal_to_the_default_is_not_exported():
    member = make_member(make_account("northstar"), "ala@northstar.example")
    choose(member, "email", "enabled", True)
    choose(member, "desktop", "bell", False)
    said = parse(dump_program())
    assert said["accounts"][0]["users"][0]["preferences"] == {"desktop": {"bell": False}}
    assert load(said).changed == 0


@pytest.mark.django_db
def test_an_owner_without_an_account_is_left_out_and_stays():
    root = User.objects.create(email="root@localhost")
    make_company(owner=root)
    said = parse(dump_program())
    assert "owner" not in said["companies"][0]
    load(said)
    assert Company.objects.get().owner == root


@pytest.mark.django_db
def test_what_only_one_database_knows_does_not_change_by_an_import():
    """An erased contact, and a person on a deal for another account."""
    north, south = make_account("northstar"), make_account("southwind")
    ala = make_member(north, "ala@both.example")
    Membership.objects.create(account=south, user=ala.user)
    company = make_company()
    make_contact("erased-1@erased.invalid", company, erased_at=NOW)
    make_deal(company, shares=(south,), owner=ala, team=(ala,))
    assert load(parse(dump_program())).changed == 0
    assert "erased-1@" not in dump_program()


@pytest.mark.django_db
def test_a_deactivated_user_is_exported_as_such():
    load(example())
    User.objects.filter(email="ala@northstar.example").update(is_active=False)
    assert exported()["accounts"][0]["users"][0]["active"] is False
    said = dump_program()
    assert load(parse(said)).changed == 0
    user = User.objects.get(email="ala@northstar.example")
    assert not user.is_active
    assert user.memberships.get().is_active


@pytest.mark.django_db
def test_an_explicit_unlink_survives_the_round_trip():
    load(example())
    CompanyContact.objects.update(unlinked=True)
    assert exported()["companies"][0]["contacts"] == [
        {"email": "anna@acme.example", "name": "Anna Nowak", "unlinked": True}
    ]
    assert_round_trip()
    assert CompanyContact.objects.get().unlinked


@pytest.mark.django_db
def test_a_vendors_account_is_exported_as_its_users_only():
    """What an operator stored beside it could not be imported."""
    load(example())
    vendor = Account.objects.get(slug="northwind")
    switch_on(vendor, vendor.memberships.get())
    make_lead(vendor)
    assert_round_trip()


@pytest.mark.django_db
def test_a_growing_program_is_exported_in_as_many_queries(django_assert_num_queries):
    load(example())
    # Vendor, accounts, members, preferences, paces, profiles, leads, clients, companies, contacts,
    # deals, shares, accounts of shares, people of deals, memberships, users, triggers, who is a
    # member, additional recipients.
    with django_assert_num_queries(19):
        dump_program()
    load(demo(datetime(2026, 6, 1, tzinfo=UTC)))
    with django_assert_num_queries(19):
        dump_program()
