"""What an operator changes keeps the promises of the product."""

import pytest
from django.contrib.auth.models import Permission

from accounts.models import AuditEntry, Vendor
from notifications.models import CommunicationSettings, Preference, Suppression
from partners.keys import hash_key
from partners.models import (
    Company,
    CompanyContact,
    Contact,
    Deal,
    DealMember,
    DealShare,
    Lead,
    Source,
)
from partners.services.deals import remove_share
from tests.admin.pages import act, errors_of, save, url
from tests.factories import (
    make_account,
    make_company,
    make_contact,
    make_deal,
    make_lead,
    switch_on,
)

pytestmark = pytest.mark.django_db


# --- Deals ------------------------------------------------------------------------


@pytest.fixture
def deal(world):
    shares = (world.northstar, world.southwind)
    return make_deal(make_company(), name="CRM", shares=shares, owner=world.ala, team=(world.ala,))


def line():
    rows = DealShare.objects.order_by("position")
    return list(rows.values_list("position", "account__slug"))


def people():
    rows = DealMember.objects.filter(removed_at=None).order_by("role", "pk")
    return list(rows.values_list("role", "membership__user__name"))


def test_a_deal_saved_unchanged_stays_as_it_is(admin_client, deal):
    save(admin_client, Deal, deal)
    assert line() == [(1, "northstar"), (2, "southwind")]
    assert people() == [("owner", "Ala"), ("team", "Ala")]
    assert not AuditEntry.objects.exists()


def test_a_partner_is_added_at_the_end(admin_client, deal):
    third = make_account("third")
    save(
        admin_client,
        Deal,
        deal,
        **{"shares-TOTAL_FORMS": "3", "shares-2-deal": deal.pk, "shares-2-account": third.pk},
    )
    assert line() == [(1, "northstar"), (2, "southwind"), (3, "third")]


def test_a_removed_first_partner_leaves_the_place_free(admin_client, deal, operator):
    """R50."""
    save(admin_client, Deal, deal, **{"shares-0-DELETE": "on"})
    assert line() == [(2, "southwind")]
    assert AuditEntry.objects.get().actor == operator


def test_a_promotion_is_explicit_and_audited(admin_client, deal, world, operator):
    """R50."""
    save(admin_client, Deal, deal, first=world.southwind.pk)
    assert line() == [(1, "southwind"), (2, "northstar")]
    entry = AuditEntry.objects.get()
    assert (entry.actor, entry.new) == (operator, "CRM: Southwind Partners")


def test_a_vacant_first_place_is_said_and_can_be_given(admin_client, deal, world):
    """R50."""
    remove_share(deal, world.northstar)
    page = admin_client.get(url(Deal, "change", deal.pk)).content.decode()
    assert "The first place is vacant: nobody is notified." in page
    listed = admin_client.get(url(Deal, "changelist"), {"first": "vacant"}).content.decode()
    assert "vacant: nobody is notified</td>" in listed
    save(admin_client, Deal, deal)
    assert line() == [(2, "southwind")]
    save(admin_client, Deal, deal, first=world.southwind.pk)
    assert line() == [(1, "southwind")]


def test_staff_who_only_look_do_not_promote(client, deal, world):
    gosia = world.gosia.user
    gosia.is_staff = True
    gosia.save()
    gosia.user_permissions.add(Permission.objects.get(codename="view_deal"))
    client.force_login(gosia)
    answer = client.post(url(Deal, "change", deal.pk), {"first": world.southwind.pk})
    assert answer.status_code == 403
    assert line()[0] == (1, "northstar")


def test_who_leaves_a_deal_is_remembered(admin_client, deal):
    """R57: the row stays, with its end."""
    save(admin_client, Deal, deal, **{"members-1-DELETE": "on"})
    assert people() == [("owner", "Ala")]
    assert DealMember.objects.exclude(removed_at=None).get().role == "team"


@pytest.mark.parametrize(
    ("role", "after"),
    [
        ("owner", [("owner", "Bartek"), ("team", "Ala")]),
        ("team", [("owner", "Ala"), ("team", "Ala"), ("team", "Bartek")]),
    ],
)
def test_a_person_joins_a_deal(admin_client, deal, world, role, after):
    new = {"deal": deal.pk, "membership": world.bartek.pk, "role": role}
    row = {f"members-2-{key}": value for key, value in new.items()}
    save(admin_client, Deal, deal, **{"members-TOTAL_FORMS": "3"}, **row)
    assert people() == after


def test_a_new_deal_is_shared_in_order(admin_client, world):
    company = make_company()
    rows = {
        "shares-TOTAL_FORMS": "2",
        "shares-0-account": world.southwind.pk,
        "shares-1-account": world.northstar.pk,
    }
    save(admin_client, Deal, company=company.pk, name="New", **rows)
    assert line() == [(1, "southwind"), (2, "northstar")]


def test_deals_are_archived_and_brought_back(admin_client, deal):
    act(admin_client, Deal, "archive", deal)
    deal.refresh_from_db()
    assert deal.archived_at
    act(admin_client, Deal, "bring_back", deal)
    deal.refresh_from_db()
    assert deal.archived_at is None


# --- Companies and contacts -------------------------------------------------------


def test_the_domain_of_a_company_stays(admin_client):
    """R16: who is whose lead does not follow an edit of the company."""
    company = make_company("acme.example")
    save(admin_client, Company, company, domain="rival.example", name="Renamed")
    company.refresh_from_db()
    assert (company.domain, company.name) == ("acme.example", "Renamed")


def test_a_contact_taken_off_a_company_stays_unlinked(admin_client):
    """R41: an explicit unlink wins over the e-mail's domain."""
    company = make_company()
    make_contact("anna@acme.example", company)
    save(admin_client, Company, company, **{"companycontact_set-0-DELETE": "on"})
    assert CompanyContact.objects.get().unlinked


def test_domains_and_addresses_are_normalised(admin_client):
    save(admin_client, Company, domain="https://www.Acme.example/", name="ACME")
    save(admin_client, Contact, email="Anna@Acme.EXAMPLE")
    assert Company.objects.get().domain == "acme.example"
    assert Contact.objects.get().email == "anna@acme.example"
    assert "not a domain" in errors_of(save(admin_client, Company, domain="com", name="Com"))


def test_a_person_is_erased(admin_client, operator):
    """R104."""
    contact = make_contact("anna@acme.example", name="Anna")
    answer = act(admin_client, Contact, "erase", contact)
    assert "1 person was erased." in answer.content.decode()
    contact.refresh_from_db()
    assert (contact.name, contact.email.endswith("@erased.invalid")) == ("", True)
    assert AuditEntry.objects.get().actor == operator


# --- Leads ------------------------------------------------------------------------


def test_a_second_active_registration_is_refused(admin_client, world):
    make_lead(world.northstar)
    lead = make_lead(world.southwind, status="pending")
    answer = save(admin_client, Lead, lead, status="registered")
    assert "Another partner has an active registration" in errors_of(answer)
    lead.refresh_from_db()
    assert lead.status == "pending"


def test_a_registration_may_be_saved_again(admin_client, world):
    lead = make_lead(world.northstar)
    save(admin_client, Lead, lead, company="Acme", email="Anna@ACME.example")
    lead.refresh_from_db()
    assert (lead.company, lead.email) == ("Acme", "anna@acme.example")


# --- Write keys -------------------------------------------------------------------


def test_a_new_write_key_is_shown_once(admin_client):
    answer = save(admin_client, Source, name="Shop", origins="https://Shop.example/\n\n")
    key = next(word for word in str(list(answer.context["messages"])[0]).split() if "pn_" in word)
    source = Source.objects.get()
    assert source.key_hash == hash_key(key)
    assert source.origins == ["https://shop.example"]
    page = admin_client.get(url(Source, "change", source.pk)).content.decode()
    assert key not in page
    assert source.key_hash not in page


def test_a_write_key_is_renamed_without_a_new_key(admin_client, world):
    before = world.source.key_hash
    save(admin_client, Source, world.source, name="Renamed")
    source = Source.objects.get()
    assert (source.name, source.key_hash) == ("Renamed", before)


def test_a_bad_origin_is_refused(admin_client):
    answer = save(admin_client, Source, name="Shop", origins="shop.example")
    assert "shop.example is not an origin" in errors_of(answer)
    assert not Source.objects.exists()


def test_a_write_key_is_revoked_and_not_deleted(admin_client, world):
    act(admin_client, Source, "revoke", world.source)
    world.source.refresh_from_db()
    assert world.source.revoked_at
    page = url(Source, "delete", world.source.pk)
    assert admin_client.post(page, {"post": "yes"}).status_code == 403


# --- The vendor ---------------------------------------------------------------------


def test_the_vendor_stays_one(admin_client):
    save(admin_client, Vendor, name="Northwind", domains="Northwind.example\nwww.northwind.example")
    assert Vendor.objects.get().domains == ["northwind.example", "www.northwind.example"]
    assert admin_client.get(url(Vendor, "add")).status_code == 403


# --- Communication, preferences, suppressions ---------------------------------------


def test_a_change_of_the_communication_settings_is_audited(admin_client, world, operator):
    """R37."""
    row = switch_on(world.northstar, world.ala)
    save(admin_client, CommunicationSettings, row, recipient=world.bartek.pk)
    entry = AuditEntry.objects.get()
    assert (entry.account, entry.actor, entry.action) == (
        world.northstar,
        operator,
        "communication.recipient",
    )
    assert (entry.old, entry.new) == (
        "Ala · ala@northstar.example",
        "Bartek · bartek@northstar.example",
    )


def test_first_settings_are_audited_too(admin_client, world):
    fields = {"account": world.northstar.pk, "receive_lead_activity": "on"}
    save(admin_client, CommunicationSettings, **fields)
    assert AuditEntry.objects.get().action == "communication.receive_lead_activity"


def test_a_recipient_of_another_account_is_refused(admin_client, world):
    """R35."""
    row = switch_on(world.northstar, world.ala)
    answer = save(admin_client, CommunicationSettings, row, recipient=world.celina.pk)
    assert "Choose a user of this account." in errors_of(answer)


def test_a_preference_must_exist_on_its_channel(admin_client, world):
    fields = {"membership": world.ala.pk, "channel": "email", "key": "bell", "is_on": "on"}
    answer = save(admin_client, Preference, **fields)
    assert "no such topic or switch" in errors_of(answer)
    save(admin_client, Preference, **{**fields, "key": "enabled"})
    assert Preference.objects.get().is_on


def test_an_address_is_suppressed_and_freed(admin_client):
    save(admin_client, Suppression, address="Ala@Northstar.example", cause="complaint")
    row = Suppression.objects.get()
    assert row.address == "ala@northstar.example"
    admin_client.post(url(Suppression, "delete", row.pk), {"post": "yes"})
    assert not Suppression.objects.exists()
    assert list(
        AuditEntry.objects.order_by("pk").values_list("action", "subject", "old", "new")
    ) == [
        ("addresses.suspended", "ala@northstar.example", "", "complaint"),
        ("addresses.freed", "ala@northstar.example", "complaint", ""),
    ]
