"""Leads and deals: what each side reads, and what nobody else learns."""

from datetime import timedelta

import pytest
from django.utils import timezone

from partners.models import CompanyContact, Deal, DealShare, Lead
from partners.services.deals import promote_partner, share_deal
from tests.factories import (
    choose,
    make_client,
    make_company,
    make_contact,
    make_deal,
    make_lead,
    make_member,
    make_user,
    switch_on,
)
from tests.queries import assert_constant_queries
from tests.world import World, read

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


@pytest.fixture
def world():
    return World()


# --- The list of leads ------------------------------------------------------------------


def test_a_partner_sees_its_own_leads_only(client, world):
    mine = make_lead(world.northstar, "acme.example", company="ACME")
    make_lead(world.southwind, "lumen.example", company="Lumen")
    page = read(client, world.ala.user, "/leads/")
    assert f"/leads/{mine.pk}/" in page
    assert "ACME" in page
    assert "Lumen" not in page
    assert "Southwind" not in page


def test_the_vendor_sees_all_leads_with_their_partner(client, world):
    make_lead(world.northstar, "acme.example", company="ACME")
    make_lead(world.southwind, "lumen.example", company="Lumen")
    page = read(client, world.gosia.user, "/leads/")
    assert "ACME" in page
    assert "Lumen" in page
    assert "Southwind Partners" in page


def test_an_operator_without_membership_has_the_vendors_view(client, world):
    make_lead(world.northstar, "acme.example", company="ACME")
    assert "ACME" in read(client, make_user(is_staff=True), "/leads/")


def test_without_leads_the_page_says_what_comes(client, world):
    assert "No leads yet" in read(client, world.ala.user, "/leads/")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=ACME", True),
        ("q=acme.ex", True),
        ("q=anna+now", True),
        ("q=anna@", True),
        ("q=lumen", False),
        ("status=registered", True),
        ("status=expired", False),
        ("status=nonsense", True),
        ("q=%00", True),
        ("page=99999", True),
        ("page=x", True),
    ],
)
def test_search_and_status(client, world, query, found):
    make_lead(
        world.northstar,
        "acme.example",
        company="ACME",
        first_name="Anna",
        last_name="Nowak",
        email="anna@acme.example",
    )
    page = read(client, world.ala.user, f"/leads/?{query}")
    assert (">ACME</a>" in page) is found


def test_the_status_filter_applies_the_expiry_date(client, world):
    make_lead(world.northstar, "acme.example", expires_at=timezone.now() - DAY)
    assert ">ACME</a>" in read(client, world.ala.user, "/leads/?status=expired")
    assert ">ACME</a>" not in read(client, world.ala.user, "/leads/?status=registered")


def test_the_list_makes_constant_queries(client, world):
    numbers = iter(range(1_000))

    def grow():
        for _row in range(5):
            number = next(numbers)
            make_lead(world.northstar, f"lead{number}.example")
            world.does(f"anna@lead{number}.example")

    grow()
    client.force_login(world.ala.user)
    assert_constant_queries(lambda: client.get("/leads/"), grow)


# --- One lead ---------------------------------------------------------------------------


def test_foreign_and_unknown_leads_are_alike(client, world):
    theirs = make_lead(world.southwind, "lumen.example")
    read(client, world.ala.user, f"/leads/{theirs.pk}/", 404)
    read(client, world.ala.user, "/leads/999999/", 404)
    read(client, world.ala.user, "/leads/99999999999999999999999/", 404)
    read(client, world.obcy, f"/leads/{theirs.pk}/", 404)
    read(client, world.celina.user, f"/leads/{theirs.pk}/")


def test_a_link_for_an_account_that_is_not_the_users_is_404(client, world):
    mine = make_lead(world.northstar, "acme.example")
    read(client, world.ala.user, f"/leads/{mine.pk}/?account=northstar")
    read(client, world.ala.user, f"/leads/{mine.pk}/?account=southwind", 404)


def test_a_link_switches_to_the_account_it_names(client, world):
    """R4: a user of two accounts."""
    world.southwind.memberships.create(user=world.ala.user)
    theirs = make_lead(world.southwind, "lumen.example")
    read(client, world.ala.user, f"/leads/{theirs.pk}/", 404)
    read(client, world.ala.user, f"/leads/{theirs.pk}/?account=southwind")


def test_a_former_partner_sees_nothing(client, world):
    """R3: the rows are kept, but shown to nobody."""
    mine = make_lead(world.northstar, "acme.example")
    world.northstar.is_active = False
    world.northstar.save()
    read(client, world.ala.user, "/leads/", 403)
    read(client, world.ala.user, f"/leads/{mine.pk}/", 404)


def test_the_page_says_who_is_told(client, world):
    mine = make_lead(world.northstar, "acme.example")
    switch_on(world.northstar, world.ala)
    assert "Ala is told (E-mail, Desktop)." in read(client, world.ala.user, f"/leads/{mine.pk}/")


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda w, lead: None, "does not receive lead activity"),
        (lambda w, lead: switch_on(w.northstar, None), "has chosen no recipient"),
        (
            lambda w, lead: (
                switch_on(w.northstar, w.bartek),
                w.northstar.memberships.filter(pk=w.bartek.pk).update(is_active=False),
            ),
            "The recipient is deactivated",
        ),
        (
            lambda w, lead: (
                switch_on(w.northstar, w.ala),
                choose(w.ala, "email", "enabled", False),
            ),
            "turned e-mail off. Ala still gets: Desktop",
        ),
        (
            lambda w, lead: Lead.objects.update(expires_at=timezone.now() - DAY),
            "The registration is not active",
        ),
        (
            lambda w, lead: Lead.objects.update(registered_at=timezone.now() + DAY),
            "has not begun yet",
        ),
    ],
)
def test_the_page_says_why_nobody_is_told(client, world, spoil, sentence):
    mine = make_lead(world.northstar, "acme.example")
    spoil(world, mine)
    assert sentence in read(client, world.ala.user, f"/leads/{mine.pk}/")


@pytest.mark.parametrize(
    "email",
    ["anna@acme.example", "anna@mail.acme.example", "anna@a.b.acme.example", "boss@other.example"],
)
def test_the_timeline_follows_the_order_of_match(client, world, email):
    """R17: the e-mail of the registration, its domain, and sub-domains (R18)."""
    mine = make_lead(world.northstar, "acme.example", email="boss@other.example")
    world.does(email, event="Read The Blog")
    page = read(client, world.ala.user, f"/leads/{mine.pk}/")
    assert "Read The Blog" in page


def test_the_timeline_knows_the_companies_of_a_person(client, world):
    mine = make_lead(world.northstar, "acme.example")
    world.does(contact=make_contact("anna@gmail.com", make_company("acme.example")))
    assert "Requested a demo" in read(client, world.ala.user, f"/leads/{mine.pk}/")


def test_an_unlinked_person_is_not_in_the_timeline(client, world):
    mine = make_lead(world.northstar, "acme.example")
    contact = make_contact("anna@gmail.com", make_company("acme.example"))
    CompanyContact.objects.update(unlinked=True)
    world.does(contact=contact)
    assert "Requested a demo" not in read(client, world.ala.user, f"/leads/{mine.pk}/")


@pytest.mark.parametrize("email", ["x@notacme.example", "x@acme.example.evil.example"])
def test_a_similar_domain_is_another_company(client, world, email):
    mine = make_lead(world.northstar, "acme.example")
    world.does(email)
    assert email not in read(client, world.ala.user, f"/leads/{mine.pk}/")
    assert email not in read(client, world.ala.user, "/activity/")


def test_free_mail_never_matches_by_domain(client, world):
    mine = make_lead(world.northstar, "gmail.com")
    world.does("anna@gmail.com")
    assert "anna@gmail.com" not in read(client, world.ala.user, f"/leads/{mine.pk}/")


@pytest.mark.parametrize(
    ("change", "visible"),
    [
        ({}, True),
        ({"registered_at": timezone.now() + DAY}, False),
        ({"expires_at": timezone.now() - DAY}, False),
        ({"expires_at": timezone.now() + DAY}, True),
        ({"status": "pending"}, False),
        ({"status": "unavailable"}, False),
        ({"status": "invalid"}, False),
        ({"status": "expired"}, False),
    ],
)
def test_only_an_active_registration_shows_what_people_do(client, world, change, visible):
    mine = make_lead(world.northstar, "acme.example", **change)
    activity = world.does()
    for url in (f"/leads/{mine.pk}/", "/activity/"):
        assert ("anna@acme.example" in read(client, world.ala.user, url)) is visible
    read(client, world.ala.user, f"/activity/{activity.message_id}/", 200 if visible else 404)


def test_what_was_never_registered_does_not_say_so(client, world):
    lead = make_lead(world.northstar, status="invalid")
    page = read(client, world.ala.user, f"/leads/{lead.pk}/")
    assert "<dt>Submitted</dt>" in page
    assert "<dt>Expires</dt><dd>–</dd>" in page
    assert "The registration is not active, so what people from acme.example do" in page
    lead.status = "registered"
    lead.save()
    page = read(client, world.ala.user, f"/leads/{lead.pk}/")
    assert "<dt>Registered</dt>" in page
    assert "<dt>Expires</dt><dd>Never</dd>" in page
    assert "As soon as somebody from acme.example" in page


def test_what_happened_before_an_expiry_stays_readable(client, world):
    mine = make_lead(world.northstar, "acme.example", expires_at=timezone.now() - DAY)
    world.does(occurred_at=timezone.now() - 2 * DAY)
    assert "anna@acme.example" in read(client, world.ala.user, f"/leads/{mine.pk}/")


def test_the_exact_e_mail_wins_over_the_domain(client, world):
    """R17: two partners' registrations fit; only the one that is told sees it."""
    mine = make_lead(world.northstar, "acme.example")
    theirs = make_lead(world.southwind, "lumen.example", email="anna@acme.example")
    activity = world.does()
    assert "anna@" not in read(client, world.ala.user, f"/leads/{mine.pk}/")
    read(client, world.ala.user, f"/activity/{activity.message_id}/", 404)
    page = read(client, world.celina.user, f"/leads/{theirs.pk}/")
    assert "Requested a demo" in page
    read(client, world.celina.user, f"/activity/{activity.message_id}/")


def test_a_lead_of_another_partner_hides_my_clients_activity(client, world):
    """R13: who has a client learns nothing while the person is somebody's lead."""
    make_client(world.northstar, "acme.example")
    theirs = make_lead(world.southwind, "acme.example")
    activity = world.does()
    assert "anna@" not in read(client, world.ala.user, "/activity/")
    read(client, world.ala.user, f"/activity/{activity.message_id}/", 404)
    theirs.delete()
    read(client, world.ala.user, f"/activity/{activity.message_id}/")


def test_a_former_client_is_not_shown(client, world):
    make_client(world.northstar, "acme.example", until=timezone.now() - DAY)
    activity = world.does()
    read(client, world.ala.user, f"/activity/{activity.message_id}/", 404)


def test_who_denies_consent_is_shown_to_the_vendor_only(client, world):
    make_lead(world.northstar, "acme.example")
    activity = world.does(contact=make_contact("anna@acme.example", consent_denied=True))
    read(client, world.ala.user, f"/activity/{activity.message_id}/", 404)
    assert "denied consent" in read(client, world.gosia.user, f"/activity/{activity.message_id}/")


def test_the_lead_page_makes_constant_queries(client, world):
    mine = make_lead(world.northstar, "acme.example")
    switch_on(world.northstar, world.ala)

    def grow():
        for number in range(5):
            world.does(f"p{number}@acme.example")

    grow()
    client.force_login(world.ala.user)
    assert_constant_queries(lambda: client.get(f"/leads/{mine.pk}/"), grow)


# --- Deals --------------------------------------------------------------------------------


@pytest.fixture
def deal(world):
    company = make_company("acme.example", owner=world.gosia.user)
    return make_deal(
        company,
        name="ACME CRM",
        shares=(world.northstar, world.southwind),
        owner=world.bartek,
        team=(world.ala, world.celina),
    )


def test_the_vendor_sees_the_line_and_who_is_notified(client, world, deal):
    for url in ("/deals/", f"/deals/{deal.pk}/"):
        page = read(client, world.gosia.user, url)
        assert "1. Northstar Agency" in page
        assert "2. Southwind Partners" in page
        assert page.count('<span class="tag tag-good">notified</span>') == 1


def test_the_first_partner_sees_itself_only(client, world, deal):
    for url in ("/deals/", f"/deals/{deal.pk}/"):
        page = read(client, world.ala.user, url)
        assert '<span class="tag tag-good">notified</span>' in page
        assert "Bartek" in page
        assert "Southwind" not in page
        assert "Celina" not in page
        assert "Gosia" not in page


def test_a_later_partner_sees_that_it_is_not_notified(client, world, deal):
    world.does(event="CRM Signed Up")
    for url in ("/deals/", f"/deals/{deal.pk}/"):
        page = read(client, world.celina.user, url)
        assert "not notified" in page
        assert "2." in page
        for secret in ("Northstar", "Bartek", "Ala", "anna@acme.example", "sign-ups-title"):
            assert secret not in page, secret


def test_a_deal_that_is_not_shared_is_404(client, world):
    deal = make_deal(make_company(owner=world.gosia.user), shares=(world.northstar,))
    read(client, world.celina.user, f"/deals/{deal.pk}/", 404)
    read(client, world.obcy, f"/deals/{deal.pk}/", 404)
    read(client, world.ala.user, "/deals/999999/", 404)
    assert "No shared deals" in read(client, world.celina.user, "/deals/")


def test_the_first_partner_reads_the_sign_ups(client, world, deal):
    sign_up = world.does(event="CRM Signed Up")
    demo = world.does(event="Demo Requested")
    page = read(client, world.ala.user, f"/deals/{deal.pk}/")
    assert "Signed up for the CRM" in page
    assert "Requested a demo" not in page
    read(client, world.ala.user, f"/activity/{sign_up.message_id}/")
    # R8: nothing but the sign-up, without a registration.
    read(client, world.ala.user, f"/activity/{demo.message_id}/", 404)
    read(client, world.celina.user, f"/activity/{sign_up.message_id}/", 404)
    assert "anna@" not in read(client, world.celina.user, "/activity/")


def test_a_sign_up_in_a_company_without_growth_specialist_stays_with_the_vendor(client, world):
    """R42: nothing is co-sold."""
    deal = make_deal(make_company("acme.example"), shares=(world.northstar,), owner=world.bartek)
    sign_up = world.does(event="CRM Signed Up")
    assert "anna@" not in read(client, world.bartek.user, f"/deals/{deal.pk}/")
    read(client, world.bartek.user, f"/activity/{sign_up.message_id}/", 404)
    page = read(client, world.gosia.user, f"/deals/{deal.pk}/")
    assert "not owned by a growth specialist" in page


def test_sign_ups_after_the_archiving_stay_with_the_vendor(client, world, deal):
    """R58: nobody is told of them; those before stay readable."""
    before = world.does("before@acme.example", event="CRM Signed Up")
    Deal.objects.update(archived_at=timezone.now())
    after = world.does("after@acme.example", event="CRM Signed Up")
    page = read(client, world.ala.user, f"/deals/{deal.pk}/")
    assert "before@" in page
    assert "after@" not in page
    assert "after@" not in read(client, world.ala.user, "/activity/")
    read(client, world.ala.user, f"/activity/{before.message_id}/")
    read(client, world.ala.user, f"/activity/{after.message_id}/", 404)
    read(client, world.gosia.user, f"/activity/{after.message_id}/")


def test_sign_ups_before_the_share_stay_with_the_vendor(client, world):
    """R48: also from a time when another partner was the first."""
    company = make_company("acme.example", owner=world.gosia.user)
    deal = make_deal(company, owner=world.bartek, team=(world.celina,))
    nobodys = world.does("early@acme.example", event="CRM Signed Up")
    share_deal(deal, world.northstar, actor=None)
    share_deal(deal, world.southwind, actor=None)
    northstars = world.does("first@acme.example", event="CRM Signed Up")
    promote_partner(deal, world.southwind, actor=None)
    southwinds = world.does("second@acme.example", event="CRM Signed Up")
    page = read(client, world.celina.user, f"/deals/{deal.pk}/")
    assert "second@" in page
    assert "first@" not in page
    assert "early@" not in page
    read(client, world.celina.user, f"/activity/{southwinds.message_id}/")
    for activity in (nobodys, northstars):
        read(client, world.celina.user, f"/activity/{activity.message_id}/", 404)


def test_after_the_first_partner_left_nobody_is_notified(client, world, deal):
    """R50: nobody moves up; the second partner learns nothing of it."""
    DealShare.objects.filter(account=world.northstar).delete()
    sign_up = world.does(event="CRM Signed Up")
    page = read(client, world.gosia.user, f"/deals/{deal.pk}/")
    assert "No partner is notified" in page
    assert "nobody moves up" in page
    assert "No partner" not in read(client, world.celina.user, f"/deals/{deal.pk}/")
    read(client, world.celina.user, f"/activity/{sign_up.message_id}/", 404)
    assert "<li>1. The first place is vacant: nobody is notified.</li>" in page


def test_the_page_says_who_of_the_team_is_told(client, world, deal):
    choose(world.bartek, "email", "co_selling_prospect_activity", True)
    page = read(client, world.ala.user, f"/deals/{deal.pk}/")
    assert '<span class="state state-good">E-mail</span>' in page
    assert "has not ticked this topic" in page


def test_a_mail_that_was_sent_stays_explained(client, world, deal):
    """The link of a mail lands, whatever changed since."""
    choose(world.bartek, "email", "co_selling_prospect_activity", True)
    sign_up = world.does(event="CRM Signed Up")
    DealShare.objects.filter(account=world.northstar).delete()
    read(client, world.bartek.user, f"/activity/{sign_up.message_id}/?account=northstar")


def test_the_deal_pages_make_constant_queries(client, world, deal):
    numbers = iter(range(1_000))

    def grow():
        for _row in range(4):
            number = next(numbers)
            company = make_company(f"c{number}.example", owner=world.gosia.user)
            make_deal(company, shares=(world.northstar, world.southwind), owner=world.ala)
            make_member(world.northstar)
            world.does(f"p{number}@acme.example", event="CRM Signed Up")

    grow()
    for user in (world.ala.user, world.gosia.user):
        client.force_login(user)
        assert_constant_queries(lambda: client.get("/deals/"), grow)
        assert_constant_queries(lambda: client.get(f"/deals/{deal.pk}/"), grow)
