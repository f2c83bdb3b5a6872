"""Notification profiles, driven as an admin and as a member would."""

from __future__ import annotations

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from notifications.models import Preference
from notifications.selectors import wishes_of
from notifications.topics import CO_SELLING
from tests.factories import choose, make_profile
from tests.world import World

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
TOPIC = "Co Selling Prospect Activity"
MAIL_OF_DEALS = ("email", CO_SELLING)


@pytest.fixture
def world():
    return World()


@pytest.mark.parametrize("scripts", [True, False])
def test_a_profile_is_made_edited_and_saved(visit, world, scripts):
    page = visit("/settings/profiles/", user=world.ala.user, java_script_enabled=scripts)
    page.get_by_label("Name").fill("Sales")
    page.get_by_role("button", name="Make profile").click()
    expect(page.get_by_role("heading", name="Sales", level=1)).to_be_visible()
    page.get_by_label("Bartek · bartek@northstar.example").check()
    page.get_by_text("Northwind Partners", exact=True).locator("visible=true").click()
    page.get_by_label(TOPIC, exact=True).locator("visible=true").check()
    page.get_by_label(f"Members cannot change this: {TOPIC}").locator("visible=true").check()
    if scripts:
        expect(page.get_by_text("3 changes not saved")).to_be_visible()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("It changes what 1 person gets.")).to_be_visible()
    assert not wishes_of(world.bartek).ticked(*MAIL_OF_DEALS)
    page.get_by_role("button", name="Save").press("Enter")
    expect(page.get_by_text("The profile is saved.")).to_be_visible()
    assert wishes_of(world.bartek).is_locked(*MAIL_OF_DEALS)


@pytest.mark.parametrize("scripts", [True, False])
def test_the_question_leads_back_to_what_was_entered(visit, world, scripts):
    profile = make_profile(world.northstar, "Sales")
    address = f"/settings/profiles/{profile.pk}/email/"
    page = visit(address, user=world.ala.user, java_script_enabled=scripts)
    bartek = page.get_by_label("Bartek · bartek@northstar.example")
    ticked = page.get_by_label(TOPIC, exact=True).locator("visible=true")
    name = page.get_by_role("textbox", name="Name")
    name.fill("Deals")
    bartek.check()
    page.get_by_text("Northwind Partners", exact=True).locator("visible=true").click()
    ticked.check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text(f"{TOPIC} · E-mail: off by default → on")).to_be_visible()
    if scripts:
        assert Axe().run(page).violations_count == 0
    page.get_by_role("button", name="Back to editing").click()
    expect(name).to_have_value("Deals")
    expect(bartek).to_be_checked()
    if scripts:
        expect(page.get_by_text("3 changes not saved")).to_be_visible()
        expect(ticked).to_be_checked()  # The group is open as it was.
        page.get_by_role("button", name="Cancel").click()
        expect(name).to_have_value("Sales")
        expect(bartek).not_to_be_checked()
        expect(page.get_by_text("No unsaved changes")).to_be_visible()
        bartek.check()
    page.get_by_role("button", name="Save").click()
    if not scripts:
        page.get_by_role("button", name="Save").click()
        assert wishes_of(world.bartek).ticked(*MAIL_OF_DEALS)
    expect(page.get_by_text("The profile is saved.")).to_be_visible()
    assert profile.members.get().membership == world.bartek


def test_a_tab_goes_back_to_the_profile_once_it_is_saved(visit, world):
    """R70, R73: not before."""
    make_profile(world.northstar, "Sales", world.bartek, cells={MAIL_OF_DEALS: True})
    choose(world.bartek, *MAIL_OF_DEALS, False)
    choose(world.bartek, "email", "enabled", False)
    page = visit("/settings/notifications/email/", user=world.bartek.user)
    expect(page.get_by_text("Default from profile “Sales” – you changed 2.")).to_be_visible()
    page.get_by_role("button", name="Reset to the profile").click()
    expect(page.get_by_text("2 changes not saved")).to_be_visible()
    assert Preference.objects.count() == 2
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Default from profile “Sales”.").first).to_be_visible()
    assert not Preference.objects.exists()


def test_clearing_leaves_what_is_locked(visit, world):
    make_profile(
        world.northstar, cells={MAIL_OF_DEALS: True}, locked=(MAIL_OF_DEALS,), is_default=True
    )
    page = visit("/settings/notifications/email/", user=world.bartek.user)
    page.get_by_text("Northwind Partners", exact=True).locator("visible=true").click()
    locked = page.get_by_label(TOPIC, exact=True).locator("visible=true")
    expect(locked).to_be_disabled()
    page.get_by_role("button", name="Clear all preferences").locator("visible=true").click()
    page.get_by_role("button", name="Clear this tab").click()
    expect(page.get_by_text("2 changes not saved")).to_be_visible()
    expect(locked).to_be_checked()


@pytest.mark.parametrize("is_on", [True, False])
def test_the_box_for_all_topics_speaks_of_those_that_can_be_changed(visit, world, is_on):
    make_profile(
        world.northstar, cells={MAIL_OF_DEALS: is_on}, locked=(MAIL_OF_DEALS,), is_default=True
    )
    page = visit("/settings/notifications/email/", user=world.bartek.user)
    page.get_by_text("Northwind Partners", exact=True).locator("visible=true").click()
    every = page.get_by_label("All topics of this group").locator("visible=true")
    expect(every).to_be_checked()
    every.click()
    expect(page.get_by_text("2 changes not saved")).to_be_visible()
    expect(every).not_to_be_checked()
    every.click()
    expect(page.get_by_text("No unsaved changes")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 320])
def test_pages_pass_axe_and_do_not_scroll_sideways(visit, world, scheme, width):
    """R102."""
    profile = make_profile(
        world.northstar,
        "People who sell together with the vendor, all of them here",
        world.bartek,
        cells={MAIL_OF_DEALS: True, ("email", "enabled"): True},
        locked=(("email", "enabled"),),
    )
    choose(world.bartek, *MAIL_OF_DEALS, False)
    one = f"/settings/profiles/{profile.pk}/"
    of_ala = ("/settings/profiles/", f"{one}email/", f"{one}desktop/", f"{one}remove/")
    looked_at = (f"/settings/users/{world.bartek.pk}/notifications/email/", "/settings/users/")
    of_bartek = ("/settings/notifications/email/", f"{one}email/")
    for who, pages in ((world.ala, of_ala + looked_at), (world.bartek, of_bartek)):
        size = {"width": width, "height": 800}
        page = visit(pages[0], user=who.user, viewport=size, color_scheme=scheme)
        for path in pages:
            page.goto(path)
            for group in page.locator("details.group > summary").locator("visible=true").all():
                group.click()
            found = Axe().run(page)
            assert found.violations_count == 0, (path, found.generate_report())
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path


def test_the_tabs_of_somebody_else_are_looked_at_with_the_keyboard(visit, world):
    page = visit(f"/settings/users/{world.bartek.pk}/notifications/email/", user=world.ala.user)
    page.get_by_role("tab", name="Email").press("ArrowRight")
    expect(page.get_by_role("tab", name="Desktop")).to_be_focused()
    expect(page).to_have_url(re.compile("/notifications/desktop/$"))
    expect(page.get_by_role("switch", name="Bell")).to_be_disabled()
