"""What a program file says of companies, deals, the vendor and triggers."""

import pytest

from accounts.models import AuditEntry, Vendor
from notifications.models import Trigger
from partners.models import Company, CompanyContact, Contact, Deal, DealMember
from tests.program.files import NOW, example, load

pytestmark = pytest.mark.django_db


# --- Companies --------------------------------------------------------------------


def test_one_contact_of_several_companies_is_one_contact():
    anna = {"email": "anna@acme.example", "name": "Anna"}
    load(
        {
            "companies": [
                {"domain": "acme.example", "contacts": [anna]},
                {"domain": "bravo.example", "contacts": [{"email": "ANNA@acme.example"}]},
            ]
        }
    )
    contact = Contact.objects.get()
    assert contact.name == "Anna"
    assert contact.companies.count() == 2


def test_a_listed_contact_is_linked_again_and_others_stay():
    load(example())
    CompanyContact.objects.update(unlinked=True)
    contacts = [{"email": "anna@acme.example"}, {"email": "b@acme.example"}]
    summary = load({"companies": [{"domain": "acme.example", "contacts": contacts}]})
    assert not CompanyContact.objects.filter(unlinked=True).exists()
    assert Contact.objects.get(email="anna@acme.example").name == "Anna Nowak"
    assert summary.count("companies", "updated") == 1


def test_an_unlinked_contact_is_not_linked_by_its_domain_again():
    load(example())
    contacts = [{"email": "anna@acme.example", "unlinked": True}]
    load({"companies": [{"domain": "acme.example", "contacts": contacts}]})
    assert CompanyContact.objects.get().unlinked


def test_a_company_loses_its_owner():
    load(example())
    load({"companies": [{"domain": "acme.example", "owner": None}]})
    assert Company.objects.get().owner is None


# --- Deals ------------------------------------------------------------------------


def deal(**fields):
    return {"deals": [{"company": "acme.example", "name": "ACME CRM", **fields}]}


def line():
    shares = Deal.objects.get().shares.order_by("position")
    return list(shares.values_list("position", "account__slug"))


def people():
    current = DealMember.objects.filter(removed_at=None).order_by("role", "pk")
    return list(current.values_list("role", "membership__user__name"))


def test_the_line_is_replaced_in_the_order_of_the_file():
    load(example())
    load({"accounts": [{"slug": "third"}], **deal(shares=["southwind", "third", "northstar"])})
    assert line() == [(1, "southwind"), (2, "third"), (3, "northstar")]
    entry = AuditEntry.objects.filter(action="deal_first_partner").latest("pk")
    assert (entry.old, entry.new) == ("ACME CRM: Northstar Agency", "ACME CRM: Southwind")
    assert entry.account is None
    load(deal(shares=[]))
    assert line() == []


def test_a_kept_partner_keeps_the_time_of_joining():
    load(example())
    load(deal(shares=["southwind", "northstar"]), now=NOW.replace(year=2027))
    assert {share.added_at for share in Deal.objects.get().shares.all()} == {NOW}


def test_the_first_partners_place_may_stay_free():
    """R50: a file, too, promotes nobody unless it says so."""
    load(example())
    load(deal(shares=[None, "southwind"]))
    assert line() == [(2, "southwind")]
    load(deal(shares=["southwind"]))
    assert line() == [(1, "southwind")]


def test_people_of_an_old_deal_come_and_go_now():
    """R57: rows stay, with the time of leaving."""
    load(example())
    load(deal(owner="ala@northstar.example", team=["bartek@northstar.example"]))
    assert people() == [("owner", "Ala"), ("team", "Bartek")]
    assert DealMember.objects.filter(removed_at=NOW, added_at=None).count() == 2
    assert DealMember.objects.filter(removed_at=None, added_at=NOW).count() == 2


def test_people_who_are_not_mentioned_stay():
    load(example())
    load(deal(stage="won"))
    assert people() == [("owner", "Bartek"), ("team", "Ala")]
    load(deal(owner=None, team=[]))
    assert people() == []


def test_a_person_with_several_accounts_acts_for_the_first_in_line():
    users = [{"email": "ala@both.example"}]
    names = ("vendor", "alpha", "beta", "gamma")
    document = {
        "accounts": [{"slug": slug, "users": users} for slug in names],
        "companies": [{"domain": "acme.example"}],
        **deal(owner="ala@both.example", shares=["gamma", "beta"]),
    }
    document["accounts"][0]["kind"] = "vendor"
    load(document)
    assert DealMember.objects.get().membership.account.slug == "gamma"
    load(deal(shares=["beta"], owner="ala@both.example"))
    assert DealMember.objects.get(removed_at=None).membership.account.slug == "beta"
    load({"deals": [{"company": "acme.example", "name": "B", "team": ["ala@both.example"]}]})
    member = DealMember.objects.get(deal__name="B")
    assert member.membership.account.slug == "alpha"


def test_owner_and_team_of_an_account_without_a_share_are_stored():
    load(example())
    load(deal(shares=["southwind"]))
    assert people() == [("owner", "Bartek"), ("team", "Ala")]


def test_the_owner_may_be_on_the_team():
    load(example())
    load(deal(team=["bartek@northstar.example", "BARTEK@northstar.example"]))
    assert people() == [("owner", "Bartek"), ("team", "Bartek")]


def test_a_deal_is_archived_and_brought_back():
    load(example())
    load(deal(archived=True))
    assert Deal.objects.get().archived_at == NOW
    assert load(deal(archived=True), now=NOW.replace(year=2027)).changed == 0
    load(deal(archived=False))
    assert Deal.objects.get().archived_at is None


# --- Vendor and triggers ----------------------------------------------------------


def test_the_vendor_is_one_row():
    load({"vendor": {"domains": ["Northwind.example"]}})
    load({"vendor": {"name": "Big Vendor"}})
    row = Vendor.objects.get()
    assert (row.name, row.domains) == ("Big Vendor", ["northwind.example"])


def test_own_triggers_are_stored_and_switched():
    own = {"key": "docs_view", "page_path": "/docs/*"}
    load({"triggers": [own, {"key": "product_view", "enabled": True}]})
    assert Trigger.objects.get(key="docs_view").label == "Docs view"
    load({"triggers": [{"key": "docs_view", "enabled": False}]})
    row = Trigger.objects.get(key="docs_view")
    assert (row.page_path, row.enabled) == ("/docs/*", False)
