"""Leads and deals: what each side reads, and what nobody else learns."""

from datetime import timedelta

import pytest
from django.utils import timezone

from notifications.claims.services import take
from notifications.eligibility import Matter
from partners.models import CompanyContact, Lead
from tests.factories import (
    choose,
    make_client,
    make_company,
    make_contact,
    make_lead,
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
            "E-mail is switched off for the recipient. Ala still gets: Desktop",
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


# --- Who is on it, who may change --------------------------------------------------------


def test_the_list_says_who_is_on_a_lead_to_its_account_alone(client, world):
    lead = make_lead(world.northstar, "acme.example", company="ACME")
    make_lead(world.northstar, "other.example")
    switch_on(world.northstar, world.ala)
    world.does()
    take(world.ala, Matter("lead", lead.pk), lead)
    assert read(client, world.bartek.user, "/leads/").count("Ala is on it") == 1
    assert read(client, world.ala.user, "/leads/").count("You are on it") == 1
    assert "on it" not in read(client, world.gosia.user, "/leads/")


def test_the_list_asks_once_who_is_on_what(client, world):
    def grow():
        for number in range(3):
            lead = make_lead(world.northstar, f"lead{number}.example")
            take(world.ala, Matter("lead", lead.pk), lead)

    make_lead(world.northstar, "first.example")
    client.force_login(world.ala.user)
    assert_constant_queries(lambda: client.get("/leads/"), grow)


def test_only_who_may_change_who_is_told_is_led_there(client, world):
    lead = make_lead(world.northstar, "acme.example")
    switch_on(world.northstar, world.ala)
    link = "Change who is told"
    assert link in read(client, world.ala.user, f"/leads/{lead.pk}/")
    assert link not in read(client, world.bartek.user, f"/leads/{lead.pk}/")


def test_a_lead_that_is_not_registered_never_expires_in_no_place(client, world):
    lead = make_lead(world.northstar, "acme.example", status="pending", expires_at=None)
    for url in ("/leads/", f"/leads/{lead.pk}/"):
        assert "Never" not in read(client, world.ala.user, url), url
    Lead.objects.update(status="registered")
    for url in ("/leads/", f"/leads/{lead.pk}/"):
        assert "Never" in read(client, world.ala.user, url), url
