"""What an accepted program file stores (contract, section 2)."""

import json
from datetime import UTC, datetime

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.core.management import call_command

from accounts.models import Account, AuditEntry, Membership, User, Vendor
from notifications.models import CommunicationSettings, Decision, Notification, Preference, Trigger
from partners.models import Client, Company, CompanyContact, Contact, Deal, DealMember, Lead
from tests.program.files import EXAMPLE, NOW, example, load, write

pytestmark = pytest.mark.django_db


def run(path, *options):
    call_command("import_program", path, *options)


def account(**fields):
    return {"accounts": [{"slug": "northstar", **fields}]}


def with_user(**fields):
    return account(users=[{"email": "ala@northstar.example", **fields}])


def with_lead(**fields):
    return account(leads=[{"domain": "acme.example", **fields}])


def rows():
    """Every row that an import may write, to compare before and after."""
    models = (Vendor, Account, User, Membership, Preference, CommunicationSettings, EmailAddress)
    models += (Lead, Client, Company, Contact, CompanyContact, Deal, DealMember, Trigger)
    return {model.__name__: list(model.objects.order_by("pk").values()) for model in models}


# --- The example ------------------------------------------------------------------


def test_the_contracts_example_is_stored(tmp_path, capsys):
    run(write(tmp_path, EXAMPLE))
    assert "users:           3 new,    0 updated,    0 same" in capsys.readouterr().out
    ala = Membership.objects.get(user__email="ala@northstar.example")
    assert (ala.role, ala.user.language, ala.user.timezone) == ("admin", "pl", "Europe/Warsaw")
    assert ala.account.communication.recipient == ala
    lead = Lead.objects.get()
    assert (lead.domain, lead.contact_name, lead.email) == (
        "acme.example",
        "Anna Nowak",
        "anna@acme.example",
    )
    assert lead.expires_at == datetime(2027, 1, 1, tzinfo=UTC)
    deal = Deal.objects.get()
    assert [str(share) for share in deal.shares.all()] == ["1. Northstar Agency", "2. Southwind"]
    assert set(deal.members.values_list("membership__user__name", "role", "added_at")) == {
        ("Bartek", "owner", None),
        ("Ala", "team", None),
    }
    assert Company.objects.get().owner.email == "gosia@northwind.example"
    assert Contact.objects.get().companies.get().domain == "acme.example"
    assert Trigger.objects.get().enabled


def test_a_second_import_changes_nothing(tmp_path, capsys):
    path = write(tmp_path, EXAMPLE)
    run(path)
    before = rows()
    capsys.readouterr()
    run(path)
    out = capsys.readouterr().out
    assert rows() == before
    assert all("0 new,    0 updated" in line for line in out.splitlines())


def test_json_is_read_alike(tmp_path):
    document = json.dumps(example(), default=datetime.isoformat)
    run(write(tmp_path, document, "program.json"))
    before = rows()
    load(example())
    assert rows() == before


def test_a_dry_run_says_the_same_and_stores_nothing(tmp_path, capsys):
    path = write(tmp_path, EXAMPLE)
    run(path, "--dry-run")
    said = capsys.readouterr().out
    assert not User.objects.exists()
    run(path)
    assert said == capsys.readouterr().out + "Dry run: nothing was changed.\n"


def test_nobody_is_notified():
    load(example())
    assert not mail.outbox
    assert not Decision.objects.exists()
    assert not Notification.objects.exists()


def test_an_import_has_a_constant_number_of_queries_for_what_is_stored(
    django_assert_max_num_queries,
):
    document = account(
        leads=[{"domain": f"lead{n}.example"} for n in range(40)],
        users=[{"email": f"u{n}@northstar.example"} for n in range(20)],
    )
    load(document)
    # Savepoint 2, references 7, accounts, users, addresses, memberships, preferences, paces,
    # profiles, leads: none for each row.
    with django_assert_max_num_queries(19):
        load(document)


# --- Defaults and what stays ------------------------------------------------------


def test_a_new_user_gets_the_defaults_and_a_verified_address():
    load(with_user())
    ala = Membership.objects.get()
    assert (ala.role, ala.is_active, ala.edit_partner_settings) == ("member", True, False)
    assert (ala.user.language, ala.user.timezone) == ("en", "UTC")
    assert not ala.user.has_usable_password()
    address = EmailAddress.objects.get()
    assert (address.email, address.verified, address.primary) == (
        "ala@northstar.example",
        True,
        True,
    )


def test_what_a_file_does_not_mention_stays():
    load(example())
    document = {"accounts": [{"slug": "northstar", "users": [{"email": "ala@northstar.example"}]}]}
    document["companies"] = [{"domain": "acme.example"}]
    document["deals"] = [{"company": "acme.example", "name": "ACME CRM"}]
    before = rows()
    summary = load(document)
    assert rows() == before
    assert summary.changed == 0


def test_an_existing_account_changes_its_kind_and_is_switched_off():
    load(account())
    load(account(kind="vendor", active=False, tier="gold"))
    row = Account.objects.get()
    assert (row.kind, row.is_active, row.tier) == ("vendor", False, "gold")


def test_names_have_defaults():
    load({"vendor": {"name": "Big Vendor"}, "accounts": [{"slug": "us", "kind": "vendor"}]})
    load({"accounts": [{"slug": "north-star"}], "companies": [{"domain": "acme.example"}]})
    assert set(Account.objects.values_list("name", flat=True)) == {"Big Vendor", "North Star"}
    assert Company.objects.get().name == "acme.example"


def test_addresses_and_domains_are_normalised():
    document = account(
        users=[{"email": "Ala@Northstar.EXAMPLE"}],
        leads=[{"domain": "https://WWW.Acme.example/", "contact": {"email": "Anna@ACME.example"}}],
    )
    load({**document, "companies": [{"domain": "shop.bücher.example"}]})
    assert User.objects.get().email == "ala@northstar.example"
    lead = Lead.objects.get()
    assert (lead.domain, lead.email) == ("acme.example", "anna@acme.example")
    assert Company.objects.get().domain == "xn--bcher-kva.example"


# --- People -----------------------------------------------------------------------


def test_a_password_is_hashed_and_an_unchanged_one_left_alone():
    load(with_user(password="correct horse"))
    user = User.objects.get()
    assert user.check_password("correct horse")
    assert load(with_user(password="correct horse")).changed == 0
    assert User.objects.get().password == user.password
    load(with_user(password="battery staple"))
    assert User.objects.get().check_password("battery staple")


def test_the_demo_password_is_for_new_users_only(settings):
    load(with_user())
    settings.DEMO_PASSWORD = "let me see"
    load(account(users=[{"email": "ala@northstar.example"}, {"email": "b@northstar.example"}]))
    assert not User.objects.get(email="ala@northstar.example").has_usable_password()
    assert User.objects.get(email="b@northstar.example").check_password("let me see")


def test_one_person_in_two_accounts_is_one_user_with_two_places():
    ala = {"email": "ala@northstar.example", "name": "Ala"}
    document = {
        "accounts": [
            {"slug": "northstar", "users": [{**ala, "role": "admin"}]},
            {"slug": "southwind", "users": [{"email": ala["email"], "active": False}]},
        ]
    }
    load(document)
    assert User.objects.get().name == "Ala"
    assert set(Membership.objects.values_list("account__slug", "role", "is_active")) == {
        ("northstar", "admin", True),
        ("southwind", "member", False),
    }
    assert load(document).changed == 0


def test_permissions_are_replaced():
    load(with_user(permissions=["edit_partner_settings"]))
    assert Membership.objects.get().may_edit_partner_settings
    load(with_user(permissions=[]))
    assert not Membership.objects.get().may_edit_partner_settings


def test_another_primary_address_makes_way():
    load(with_user())
    user = User.objects.get()
    EmailAddress.objects.update(primary=False)
    EmailAddress.objects.create(user=user, email="old@northstar.example", primary=True)
    load(with_user())
    assert EmailAddress.objects.get(primary=True).email == "ala@northstar.example"


def test_only_choices_that_differ_from_the_default_are_rows():
    cells = {
        "email": {"enabled": True, "topics": {"co_selling_prospect_activity": True}},
        "desktop": {"bell": False, "red_dot": True, "topics": {"registered_lead_activity": False}},
        "mobile": {"enabled": False, "topics": {"co_selling_prospect_activity": False}},
    }
    load(with_user(preferences=cells))
    assert set(Preference.objects.values_list("channel", "key", "is_on")) == {
        ("email", "co_selling_prospect_activity", True),
        ("desktop", "bell", False),
        ("desktop", "red_dot", True),
        ("desktop", "registered_lead_activity", False),
    }


def test_a_choice_equal_to_the_default_removes_the_row_and_others_stay():
    load(with_user(preferences={"desktop": {"bell": False, "popup": True}}))
    summary = load(with_user(preferences={"desktop": {"bell": True}}))
    assert list(Preference.objects.values_list("key", flat=True)) == ["popup"]
    assert summary.count("memberships", "updated") == 1


def test_active_brings_back_who_could_not_sign_in_anywhere():
    load(with_user())
    User.objects.update(is_active=False)
    load(with_user(name="Ala"))
    assert not User.objects.get().is_active  # Not mentioned: stays.
    load(with_user(active=True))
    assert Membership.objects.get().is_current


def test_inactive_in_one_account_only():
    load(with_user())
    other = {"slug": "southwind", "users": [{"email": "ala@northstar.example"}]}
    load({"accounts": [other]})
    User.objects.update(is_active=False)
    other["users"][0]["active"] = False
    load({"accounts": [other, with_user(active=True)["accounts"][0]]})
    current = {m.account.slug: m.is_current for m in Membership.objects.all()}
    assert current == {"northstar": True, "southwind": False}


# --- Communication ----------------------------------------------------------------


def test_an_inactive_recipient_is_stored():
    users = [{"email": "ala@northstar.example", "active": False}]
    load(account(users=users, communication={"recipient": "ala@northstar.example"}))
    row = CommunicationSettings.objects.get()
    assert row.recipient.user.email == "ala@northstar.example"
    assert (row.receive_lead_activity, row.client_activity) == (False, True)


def test_the_recipient_may_be_stored_already_and_may_be_taken_away():
    load(with_user())
    load(account(communication={"recipient": "ALA@northstar.example"}))
    assert CommunicationSettings.objects.get().recipient
    load(account(communication={"client_activity": False}))
    assert CommunicationSettings.objects.get().recipient
    load(account(communication={"recipient": None}))
    assert CommunicationSettings.objects.get().recipient is None


def test_a_change_of_the_communication_settings_is_in_the_history():
    """R37."""
    load(example())
    AuditEntry.objects.all().delete()
    load(account(communication={"receive_lead_activity": False}))
    entry = AuditEntry.objects.get()
    assert (entry.account.slug, entry.actor, entry.actor_name) == (
        "northstar",
        None,
        "import_program",
    )
    assert (entry.action, entry.old, entry.new) == (
        "communication.receive_lead_activity",
        "on",
        "off",
    )


# --- Leads and clients ------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("2026-01-01", datetime(2026, 1, 1, tzinfo=UTC)),
        ("2026-01-01T10:00:00", datetime(2026, 1, 1, 10, tzinfo=UTC)),
        ("2026-01-01T10:00:00+02:00", datetime(2026, 1, 1, 8, tzinfo=UTC)),
        ("'2026-01-01T10:00:00Z'", datetime(2026, 1, 1, 10, tzinfo=UTC)),
        ("2026-01-01 10:00:00", datetime(2026, 1, 1, 10, tzinfo=UTC)),
        ("2099-12-31", datetime(2099, 12, 31, tzinfo=UTC)),
    ],
)
def test_times_without_a_zone_are_utc(tmp_path, written, stored):
    text = f"accounts: [{{slug: a, leads: [{{domain: x.example, registered_at: {written}}}]}}]"
    run(write(tmp_path, text))
    assert Lead.objects.get().registered_at == stored


def test_a_new_lead_is_registered_now_and_never_expires():
    load(with_lead())
    lead = Lead.objects.get()
    assert (lead.status, lead.registered_at, lead.expires_at) == ("registered", NOW, None)


@pytest.mark.parametrize("status", Lead.Status.values)
def test_every_status_goes_with_every_date(status):
    fields = {"status": status, "registered_at": "2030-01-01", "expires_at": "2020-01-01"}
    load(with_lead(**fields))
    assert Lead.objects.get().status == status


def test_a_null_expiry_clears_it():
    load(with_lead(expires_at="2027-01-01"))
    load(with_lead())
    assert Lead.objects.get().expires_at
    load(with_lead(expires_at=None))
    assert Lead.objects.get().expires_at is None


def test_clients_are_stored():
    client = {"domain": "www.acme.example", "company": "ACME", "since": "2026-01-01"}
    load(account(clients=[{**client, "contact": {"email": "anna@acme.example"}}]))
    row = Client.objects.get()
    assert (row.domain, row.email, row.until) == ("acme.example", "anna@acme.example", None)
    load(account(clients=[{**client, "until": "2026-02-01"}]))
    assert Client.objects.get().until == datetime(2026, 2, 1, tzinfo=UTC)


def test_a_domain_may_move_to_another_partner_in_one_file():
    load(with_lead())
    document = with_lead(status="expired")
    document["accounts"].append({"slug": "southwind", "leads": [{"domain": "acme.example"}]})
    load(document)
    assert Lead.objects.get(account__slug="southwind").status == "registered"


@pytest.mark.parametrize(
    "other",
    [
        {"status": "pending"},
        {"registered_at": "2027-01-01"},
        {"registered_at": "2025-01-01", "expires_at": "2026-06-01T12:00:00Z"},
    ],
)
def test_a_registration_that_is_not_active_now_does_not_collide(other):
    document = with_lead()
    document["accounts"].append({"slug": "southwind", "leads": [{"domain": "acme.example"}]})
    document["accounts"][1]["leads"][0] |= other
    load(document)
    assert Lead.objects.count() == 2
