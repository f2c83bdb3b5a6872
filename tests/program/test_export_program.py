"""An export imports without effect, and into a fresh database gives the same export."""

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
import yaml
from django.core.management import call_command
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from accounts.models import Account, Membership, User, Vendor
from accounts.services.members import remove_member
from notifications.channels import CHANNEL_KEYS
from notifications.demo.world import program as demo
from notifications.models import Preference, Trigger
from notifications.program.dump import dump_program
from notifications.program.errors import ProgramError
from notifications.program.parsing import parse
from notifications.text import plain
from notifications.topics import SWITCH_DEFAULTS, TOPICS
from partners.models import Client, Company, CompanyContact, Contact, Deal, Lead, Source
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
from tests.program.files import EXAMPLE, NOW, example, load


def empty():
    for model in (Deal, Company, Contact, Lead, Client, Trigger, Account, User, Vendor):
        model.objects.all().delete()


def exported():
    return yaml.safe_load(dump_program())


def assert_round_trip():
    """The export changes nothing here, and says the same after a move."""
    said = dump_program()
    assert load(parse(said)).changed == 0
    assert dump_program() == said
    empty()
    load(parse(said))
    assert dump_program() == said


@pytest.mark.django_db
def test_the_contracts_example_survives_the_round_trip():
    load(parse(EXAMPLE))
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
    # Vendor, accounts, members, preferences, leads, clients, companies, contacts, deals,
    # shares, accounts of shares, people of deals, memberships, users, triggers, who is a member.
    with django_assert_num_queries(16):
        dump_program()
    load(demo(datetime(2026, 6, 1, tzinfo=UTC)))
    with django_assert_num_queries(16):
        dump_program()


# --- Any program ------------------------------------------------------------------

SLUGS = ("alpha", "beta-2", "gamma_3")
EMAILS = tuple(f"{name}@people.example" for name in ("ala", "bartek", "celina"))
DOMAINS = ("acme.example", "xn--bcher-kva.example", "shop.co.uk")
CELLS = sorted(SWITCH_DEFAULTS) + sorted(product(CHANNEL_KEYS, TOPICS))
words = st.text(
    st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), min_size=1, max_size=12
).filter(lambda text: not text.isspace())
moments = st.datetimes(
    min_value=datetime(1990, 1, 1), max_value=datetime(2999, 1, 1), timezones=st.just(UTC)
)


def subset(values):
    return st.lists(st.sampled_from(values), unique=True, max_size=len(values))


def named(key, values, **fields):
    """Lists of mappings, each with another value of `key`."""
    rows = st.fixed_dictionaries({}, optional=fields)
    return (
        subset(values)
        .flatmap(
            lambda chosen: st.tuples(*(rows.map(lambda row, v=v: {key: v, **row}) for v in chosen))
        )
        .map(list)
    )


def preferences(cells):
    document = {}
    for (channel, key), is_on in cells.items():
        place = document.setdefault(channel, {})
        place = place.setdefault("topics", {}) if key in TOPICS else place
        place[key] = is_on
    return document


contacts = st.fixed_dictionaries(
    {}, optional={"first_name": words, "last_name": words, "email": st.sampled_from(EMAILS)}
)
users = named(
    "email",
    EMAILS,
    name=words,
    role=st.sampled_from(Membership.Role.values),
    language=st.sampled_from(["en", "pl"]),
    timezone=st.sampled_from(["UTC", "Europe/Warsaw"]),
    active=st.booleans(),
    permissions=st.sampled_from([[], ["edit_partner_settings"]]),
    preferences=st.dictionaries(st.sampled_from(CELLS), st.booleans()).map(preferences),
)
# At most one account may hold an active registration of a domain.
inactive = st.sampled_from([s for s in Lead.Status.values if s != Lead.Status.REGISTERED])
leads = named(
    "domain", DOMAINS, company=words, contact=contacts, registered_at=moments, expires_at=moments
).flatmap(lambda rows: st.tuples(*(inactive.map(lambda s, r=r: {**r, "status": s}) for r in rows)))
clients = named("domain", DOMAINS, company=words, contact=contacts, since=moments, until=moments)
accounts = named(
    "slug",
    SLUGS,
    name=words,
    kind=st.sampled_from(Account.Kind.values),
    tier=words,
    active=st.booleans(),
    users=users,
    leads=leads.map(list),
    clients=clients,
)
companies = named(
    "domain",
    DOMAINS,
    name=words,
    contacts=named("email", EMAILS, name=words, unlinked=st.booleans()),
)
labels = words.map(plain).filter(lambda text: not text.isspace())
triggers = named("key", ("docs_view", "own_event"), label=labels, enabled=st.booleans()).map(
    lambda rows: [{**row, "page_path": "/docs/*"} for row in rows]
)


@st.composite
def programs(draw):
    document = {
        "vendor": {"name": draw(words)},
        "accounts": draw(accounts),
        "companies": draw(companies),
        "triggers": draw(triggers),
    }
    slugs = [account["slug"] for account in document["accounts"]]
    people = sorted({u["email"] for a in document["accounts"] for u in a.get("users", ())})
    document["deals"] = [
        {
            "name": draw(words),
            "company": company["domain"],
            "shares": draw(subset(slugs)) if slugs else [],
            "owner": draw(st.sampled_from([*people, None])),
            "team": draw(subset(people)) if people else [],
            "archived": draw(st.booleans()),
        }
        for company in document["companies"]
    ]
    for account in document["accounts"]:
        if account.get("kind") == "vendor":
            account.pop("leads", None)
            account.pop("clients", None)
            continue
        own = [user["email"] for user in account.get("users", ())]
        if draw(st.booleans()):
            account["communication"] = {
                "receive_lead_activity": draw(st.booleans()),
                "recipient": draw(st.sampled_from([*own, None])),
            }
    return document


class AnyProgramTest(TestCase):
    @settings(
        max_examples=60, deadline=timedelta(seconds=5), suppress_health_check=list(HealthCheck)
    )
    @given(programs())
    def test_any_program_survives_the_round_trip(self, document):
        load(document)
        assert load(document).changed == 0
        assert_round_trip()
        assert not Preference.objects.filter(channel="email", key="enabled", is_on=True).exists()
