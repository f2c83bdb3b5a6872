"""Visits and limits on the pages, driven as a person would."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from notifications.channels import EMAIL
from notifications.drain import drain
from notifications.evaluation import evaluate_due
from notifications.models import Pace, Preference
from notifications.visits.closing import end_visits
from tests.northstar import Northstar
from tests.notifications.visiting import time_passes, views, walks

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SUMMARY = {
    "en": "4 pages in 3 min, from “Pricing” to “Demo”",
    "pl": "4 strony w 3 min, od „Pricing” do „Demo”",
}


@pytest.fixture
def world():
    northstar = Northstar()
    Pace.objects.create(membership=northstar.ala, channel=EMAIL, most=1)
    walks(northstar, "/docs", "/customers", "/demo")
    return northstar


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("language", ["en", "pl"])
def test_the_pages_pass_axe_and_do_not_scroll_sideways(visit, world, language, width):
    time_passes()
    end_visits()
    drain(patience_seconds=0)
    world.ala.user.language = language
    world.ala.user.save()
    options = {"viewport": {"width": width, "height": 800}, "locale": language}
    page = visit("/inbox/", user=world.ala.user, **options)
    lead = f"/leads/{world.lead.pk}/"
    when, email = "/settings/when/", "/settings/notifications/email/"
    for path in ("/inbox/", "/activity/", lead, when, email):
        page.goto(path)
        if path in ("/inbox/", "/activity/", lead):
            expect(page.get_by_text(SUMMARY[language])).to_be_visible()
        found = Axe().run(page)
        assert found.violations_count == 0, (path, found.generate_report())
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
    page.locator("[data-bell-link]").click()
    expect(page.locator("#bell-panel").get_by_text(SUMMARY[language])).to_be_visible()
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def test_an_open_panel_follows_the_visit(visit, world):
    page = visit("/leads/", user=world.ala.user)
    page.locator("[data-bell-link]").click()
    panel = page.locator("#bell-panel")
    expect(panel.get_by_text("… and 3 more pages, last: “Demo”")).to_be_visible()
    page.locator("h1").focus()
    views(world, "/contact", event="Contact us")
    evaluate_due()
    expect(panel.get_by_text("last: “Contact us”")).to_be_visible()


def test_a_summary_is_chosen_on_the_page(visit, world):
    page = visit("/settings/notifications/email/", user=world.ala.user)
    switch = page.get_by_role("switch", name="Summary of a visit").locator("visible=true")
    expect(switch).not_to_be_checked()
    switch.check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Your notification preferences are saved.")).to_be_visible()
    assert Preference.objects.get().key == "visit_summary"


def test_a_limit_is_chosen_and_what_makes_no_sense_is_refused(visit, world):
    page = visit("/settings/when/", user=world.ala.user)
    limit = page.get_by_label("Messages a day, at most").first
    expect(limit).to_have_value("1")
    limit.fill("51")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Not saved.")).to_be_visible()
    limit.fill("5")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved", exact=True)).to_be_visible()
    assert Pace.objects.get(channel=EMAIL).most == 5


def test_what_a_limit_holds_back_is_seen_and_sent(visit, world):
    drain(patience_seconds=0)
    views(world, "/quote")
    drain(patience_seconds=0)
    page = visit("/settings/when/", user=world.ala.user)
    expect(page.get_by_text("your limit of 1 a day was reached")).to_be_visible()
    page.get_by_role("button", name="Send now").click()
    expect(page.get_by_text("1 message is sent now.")).to_be_visible()
