"""/activity/ searched by the name of a company, a lead, a client, a deal or a person."""

from __future__ import annotations

import re
from urllib.parse import urlencode

import pytest

from notifications.activities import pages
from partners.models import CompanyContact, Contact
from tests.factories import (
    choose,
    make_client,
    make_company,
    make_contact,
    make_deal,
    make_lead,
    switch_on,
)
from tests.queries import assert_constant_queries
from tests.world import World, read

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    """Ala's account has ACME as a lead and Lumen as a client, Celina's has Brightly."""
    world = World()
    make_lead(world.northstar, "acme.example", company="ACME", first_name="Ewa", last_name="Lis")
    make_client(world.northstar, "lumen.example", company="Lumen Light")
    make_lead(world.southwind, "brightly.example", company="Brightly")
    make_contact("anna@acme.example", name="Anna Nowak")
    for name in ("anna@acme", "bo@acme", "cy@lumen", "di@brightly", "ed@stranger"):
        world.does(f"{name}.example", message_id=name)
    return world


def named(domain, name, **fields):
    company = make_company(domain, **fields)
    company.name = name
    company.save()
    return company


NAMES = ("anna@acme", "bo@acme", "cy@lumen", "di@brightly", "ed@stranger")


def found(client, who, text, **values):
    page = read(client, who.user, f"/activity/?{urlencode({'q': text, **values})}")
    return {name for name in NAMES if f"/activity/{name}/" in page}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("acme", {"anna@acme", "bo@acme"}),
        ("ACM", {"anna@acme", "bo@acme"}),
        ("Ewa Lis", {"anna@acme", "bo@acme"}),  # The lead's contact: all of the lead.
        ("nowak", {"anna@acme"}),
        ("men li", {"cy@lumen"}),
        ("bo@acme.example", {"bo@acme"}),
        ("cy@lumen", {"cy@lumen"}),  # A message id.
        ("  lumen ", {"cy@lumen"}),
        ("brightly", set()),
        ("stranger.example", set()),
        ("%", set()),
        ("nobody of this name", set()),
    ],
)
def test_a_partner_finds_its_own_by_name(client, world, text, names):
    assert found(client, world.ala, text) == names


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("acme", {"anna@acme", "bo@acme"}),
        ("nowak", {"anna@acme"}),
        ("lumen light", {"cy@lumen"}),
        ("bright", {"di@brightly"}),
        ("ed@stranger.example", {"ed@stranger"}),
        ("stranger.example", {"ed@stranger"}),  # Its whole domain.
        ("stranger", set()),
    ],
)
def test_the_vendor_finds_everybodys(client, world, text, names):
    assert found(client, world.gosia, text) == names


def test_the_vendor_finds_a_company_that_is_nobodys_lead(client, world):
    company = named("stranger.example", "Odd Fellows")
    assert found(client, world.gosia, "odd fell") == {"ed@stranger"}
    dina = Contact.objects.get(email="di@brightly.example")
    CompanyContact.objects.create(company=company, contact=dina)
    assert found(client, world.gosia, "odd fell") == {"ed@stranger", "di@brightly"}


def test_what_the_vendor_calls_a_company_is_no_name_for_a_partner(client, world):
    named("acme.example", "Secret Project")
    assert found(client, world.ala, "secret") == set()


def test_a_name_of_another_account_finds_nothing(client, world):
    Contact.objects.filter(email="di@brightly.example").update(name="Dina Kowal")
    make_lead(world.southwind, "acme.example", company="The Rival", status="expired")
    for text in ("dina", "kowal", "rival", "di@brightly", "di@brightly.example"):
        assert found(client, world.ala, text) == set(), text
    assert found(client, world.celina, "dina") == {"di@brightly"}
    # Her registration is over: what ACME does is Ala's account's.
    assert found(client, world.celina, "rival") == set()


def test_who_denies_consent_is_not_found(client, world):
    Contact.objects.filter(email="cy@lumen.example").update(consent_denied=True)
    assert found(client, world.ala, "lumen") == set()


def test_a_shared_deal_finds_the_sign_ups_of_its_company(client, world):
    company = named("stranger.example", "Odd Fellows", owner=world.gosia.user)
    make_deal(company, name="Big One", shares=(world.northstar,), owner=world.bartek)
    choose(world.bartek, "email", "co_selling_prospect_activity", True)
    world.does("ed@stranger.example", event="CRM Signed Up", message_id="signed-up")
    for text in ("big o", "odd"):
        page = read(client, world.ala.user, f"/activity/?q={text}")
        assert "/activity/signed-up/" in page
        assert "/activity/ed@stranger/" not in page  # Before the sign-up: not the partner's.
        assert "/activity/signed-up/" not in read(client, world.celina.user, f"/activity/?q={text}")


def test_a_message_id_like_a_name_hides_nothing(client, world):
    """A website's visitors choose their message ids."""
    world.does("ed@stranger.example", message_id="acme")
    assert found(client, world.ala, "acme") == {"anna@acme", "bo@acme"}


def test_a_search_goes_on_over_pages(client, world, monkeypatch):
    monkeypatch.setattr(pages, "PAGE_SIZE", 1)
    for who in (world.ala, world.gosia):
        page = read(client, who.user, "/activity/?q=acme")
        link = re.search(r'href="(\?[^"]*before=[^"]*)"', page)[1].replace("&amp;", "&")
        older = read(client, who.user, f"/activity/{link}")
        both = [name for name in ("anna@acme", "bo@acme") if f"/activity/{name}/" in page + older]
        assert both == ["anna@acme", "bo@acme"]
        assert "lumen" not in page + older


def test_an_empty_page_says_what_can_be_searched_for(client, world):
    for who in (world.ala, world.gosia):
        page = read(client, who.user, "/activity/?q=zzz")
        assert "Nothing found" in page
        assert "Search for part of the name of a company" in page


def test_a_search_makes_constant_queries(client, world):
    numbers = iter(range(99))
    switch_on(world.northstar, world.ala)

    def grow():
        for number in range(3):
            domain = f"acme-{next(numbers)}.example"
            make_lead(world.northstar, domain, company=f"ACME {number}")
            make_client(world.northstar, f"client-{domain}", company=f"ACME {number}")
            make_deal(make_company(domain), shares=(world.northstar,))
            make_contact(f"anna@{domain}", name="Anna of Acme")
            world.does(f"anna@{domain}")

    for who in (world.ala, world.gosia):
        grow()
        client.force_login(who.user)
        assert_constant_queries(lambda: client.get("/activity/?q=acme"), grow)
