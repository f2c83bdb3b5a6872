"""The pages of deals: who sees which, and who is told."""

from datetime import timedelta

import pytest
from django.utils import timezone

from notifications.models import Absence
from notifications.topics import CO_SELLING
from partners.models import Deal, DealShare
from partners.services.deals import promote_partner, share_deal
from tests.factories import (
    choose,
    make_company,
    make_deal,
    make_member,
)
from tests.queries import assert_constant_queries
from tests.world import World, read

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def world():
    return World()


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
    choose(world.bartek, "email", CO_SELLING, True)
    page = read(client, world.ala.user, f"/deals/{deal.pk}/")
    assert '<span class="state state-good">E-mail</span>' in page
    assert "The topic is not ticked" in page


def test_the_page_says_who_is_told_instead_of_somebody_away(client, world, deal):
    """R40."""
    day = timezone.now().date()
    dawid = make_member(world.northstar, "dawid@northstar.example", name="Dawid")
    for member in (world.ala, dawid):
        choose(member, "email", CO_SELLING, True)
    days = {"begins": day - timedelta(days=2), "ends": day + timedelta(days=2)}
    Absence.objects.create(membership=world.ala, deputy=dawid, **days)
    for reader in (world.ala.user, world.gosia.user):
        page = read(client, reader, f"/deals/{deal.pk}/")
        assert "Deputy of Ala" in page and "Dawid" in page


def test_a_mail_that_was_sent_stays_explained(client, world, deal):
    """The link of a mail lands, whatever changed since."""
    choose(world.bartek, "email", CO_SELLING, True)
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
