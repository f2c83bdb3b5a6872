""" "I'm on it", escalation and absence, as people use them, with and without scripts."""

from __future__ import annotations

from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import expect

from notifications.models import Absence, Claim, CommunicationSettings
from tests.factories import make_company, make_deal, make_lead, switch_on
from tests.world import World

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def world():
    world = World()
    world.lead = make_lead(world.northstar, "acme.example", company="ACME")
    switch_on(world.northstar, world.ala)
    world.activity = world.does()
    return world


@pytest.mark.parametrize("scripts", [True, False])
def test_one_says_so_in_the_inbox_and_takes_it_back_on_the_leads_page(visit, world, scripts):
    page = visit("/inbox/", user=world.ala.user, java_script_enabled=scripts)
    page.locator(".item-menu > summary").click()
    page.get_by_role("button", name="I'm on it").click()
    expect(page.get_by_text(": you are on it. Your colleagues can see that.")).to_be_visible()
    expect(page.get_by_text("You are on it since")).to_be_visible()
    page.goto(f"/leads/{world.lead.pk}/")
    page.get_by_role("button", name="I'm not on it any more").click()
    expect(page.get_by_role("button", name="I'm on it", exact=True)).to_be_visible()
    assert not Claim.objects.exists()


def test_the_page_of_the_link_has_one_button(visit, world):
    page = visit(f"/on-it/lead/{world.lead.pk}/?account=northstar", user=world.ala.user)
    button = page.locator("main").get_by_role("button")
    expect(button).to_have_count(1)
    button.press("Enter")
    expect(page.get_by_text("You are on it since")).to_be_visible()


def test_one_says_so_in_the_bell_without_leaving_the_page(visit, world):
    page = visit("/leads/", user=world.ala.user)
    page.locator("[data-bell-link]").click()
    page.locator("#bell-panel .item-menu > summary").click()
    page.get_by_role("button", name="I'm on it").click()
    expect(page.get_by_text(": you are on it. Your colleagues can see that.").first).to_be_visible()
    expect(page).to_have_url("/leads/")
    assert Claim.objects.get().membership == world.ala


def test_news_does_not_close_the_menu_one_has_opened(visit, world):
    page = visit("/leads/", user=world.ala.user)
    page.locator("[data-bell-link]").click()
    menu = page.locator("#bell-panel .item-menu > summary")
    expect(menu).to_have_count(1)
    asked = []
    page.route("**/inbox/panel/**", lambda route: asked.append(route))
    world.does("ewa@acme.example")
    with page.expect_request("**/inbox/panel/**"):
        page.evaluate("document.dispatchEvent(new CustomEvent('bell:look'))")
    menu.click()
    with page.expect_request_finished():
        asked.pop().continue_()
    page.evaluate("new Promise((done) => setTimeout(done))")  # The answer has been read.
    page.get_by_role("button", name="I'm on it").click()
    expect(page.get_by_text(": you are on it. Your colleagues can see that.").first).to_be_visible()


@pytest.mark.parametrize("scripts", [True, False])
def test_escalation_is_switched_on(visit, world, scripts):
    address = "/settings/partners/communication/"
    page = visit(address, user=world.ala.user, java_script_enabled=scripts)
    page.get_by_label("If nobody has looked at it").select_option("2")
    if not scripts:
        page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved").first).to_be_visible()
    assert CommunicationSettings.objects.get().escalate_after == 2
    expect(page.get_by_text("Working hours until somebody else is told: never → 2")).to_be_visible()
    expect(page.get_by_text("this reaches nobody else.")).to_be_visible()
    page.get_by_role("link", name="Choose a backup recipient").click()
    expect(page.get_by_label("Backup recipient")).to_be_visible()


def test_it_is_switched_on_for_deals_alone(visit, world):
    page = visit("/settings/partners/communication/", user=world.ala.user)
    page.get_by_label("Receive lead activity notifications").uncheck()
    expect(page.get_by_text("Saved").first).to_be_visible()
    page.get_by_label("If nobody has looked at it").select_option("2")
    expect(page.get_by_text("Working hours until somebody else is told: never → 2")).to_be_visible()


def test_who_only_reads_cannot_switch_it_on(visit, world):
    page = visit("/settings/partners/communication/", user=world.bartek.user)
    expect(page.get_by_label("If nobody has looked at it")).to_be_disabled()


def test_one_goes_away_and_names_a_deputy(visit, world):
    page = visit("/settings/when/", user=world.ala.user)
    day = timezone.localdate()
    page.get_by_label("I am away from").fill(day.isoformat())
    page.get_by_label("until and including").fill((day + timedelta(days=9)).isoformat())
    page.get_by_label("Deputy").select_option(label="Bartek · bartek@northstar.example")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved", exact=True)).to_be_visible()
    assert Absence.objects.get().deputy == world.bartek


@pytest.mark.parametrize("scripts", [True, False])
def test_one_is_back_before_the_days_are_over(visit, world, scripts):
    day = timezone.localdate()
    Absence.objects.create(membership=world.ala, begins=day, ends=day + timedelta(days=9))
    page = visit("/settings/when/", user=world.ala.user, java_script_enabled=scripts)
    page.get_by_role("button", name="I am back").click()
    expect(page.get_by_text("You are told again from now on.")).to_be_visible()
    expect(page.get_by_label("I am away from")).to_have_value("")
    assert not Absence.objects.exists()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_pages_pass_axe_and_do_not_scroll_sideways(visit, world, scheme, width):
    """R102."""
    deal = make_deal(make_company("acme.example"), shares=(world.northstar,), owner=world.ala)
    for about in ({"lead": world.lead}, {"deal": deal}):
        Claim.objects.create(account=world.northstar, membership=world.bartek, **about)
    day = timezone.localdate()
    Absence.objects.create(membership=world.ala, begins=day, ends=day, deputy=world.bartek)
    size = {"width": width, "height": 800}
    lead = f"/leads/{world.lead.pk}/"
    pages = (
        "/inbox/",
        lead,
        f"/deals/{deal.pk}/",
        f"/activity/{world.activity.message_id}/",
        f"/on-it/lead/{world.lead.pk}/",
        "/settings/partners/communication/",
        "/settings/when/",
    )
    page = visit(pages[0], user=world.ala.user, viewport=size, color_scheme=scheme)
    for path in pages:
        page.goto(path)
        for menu in page.locator(".item-menu > summary").all():
            menu.click()
        found = Axe().run(page)
        assert found.violations_count == 0, (path, found.generate_report())
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
    Claim.objects.all().delete()
    page.goto(lead)
    expect(page.get_by_role("button", name="I'm on it")).to_be_visible()
    assert Axe().run(page).violations_count == 0
