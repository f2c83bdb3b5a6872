"""Notification preferences, webhooks, the bell and the inbox, driven as a person would."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import expect

from accounts.services.members import deactivate_member
from notifications.models import (
    Absence,
    Endpoint,
    Notification,
    Pace,
    Preference,
    Snooze,
)
from tests.factories import make_chat, make_webhook

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
COMMUNICATION = "/settings/partners/communication/"
OTHER_APPS = "/settings/notifications/other-apps/"
LONG_ADDRESS = f"https://{'default-environment-' * 3}.api.powerplatform.com:443/x?sig=abc"
PREFERENCES = "/settings/notifications/email/"
WHEN = "/settings/when/"
TOPIC = "Co Selling Prospect Activity"
PROBLEMS = "delivery_problems"
SIZES = [(1280, 900), (320, 640)]


@pytest.fixture
def visit(visit, world):
    """Return a function that opens a page as Ala."""
    return partial(visit, user=world.ala.user)


def open_group(page):
    page.get_by_text("Northwind Partners", exact=True).locator("visible=true").click()


# --- Notifications ------------------------------------------------------------------------------


def test_nothing_counts_until_save_and_changes_survive_a_tab(visit, world):
    """R65, R66."""
    page = visit(PREFERENCES)
    save = page.get_by_role("button", name="Save")
    expect(save).to_be_disabled()
    open_group(page)
    page.get_by_role("checkbox", name=TOPIC).click()
    page.get_by_role("tab", name="Desktop").click()
    expect(page).to_have_url(
        f"{page.url.partition('/settings')[0]}/settings/notifications/desktop/"
    )
    page.get_by_role("switch", name="Pop-up").click()
    expect(page.get_by_text("2 changes not saved")).to_be_visible()
    assert not Preference.objects.exists()
    save.click()
    expect(page.get_by_text("Your notification preferences are saved.")).to_be_visible()
    assert set(Preference.objects.values_list("channel", "key")) == {
        ("email", "co_selling_prospect_activity"),
        ("desktop", "popup"),
    }


@pytest.mark.parametrize("size", [(1280, 700), (390, 640)])
def test_the_save_bar_covers_nothing_that_one_needs(visit, size):
    page = visit(PREFERENCES, viewport={"width": size[0], "height": size[1]})
    bar = page.locator(".save-bar")
    expect(bar).to_have_css("position", "static")
    open_group(page)
    for name in (TOPIC, "Registered lead activity"):
        page.get_by_role("checkbox", name=name).click()
        expect(bar).to_have_css("position", "sticky")
        row = page.locator("[data-topic-row]:visible", has_text=name).bounding_box()
        assert row["y"] + row["height"] <= bar.bounding_box()["y"]


def test_after_saving_the_group_is_still_open_and_saved_is_said_only_while_true(visit):
    page = visit(PREFERENCES)
    open_group(page)
    topic = page.get_by_role("checkbox", name=TOPIC)
    topic.click()
    page.get_by_role("button", name="Save").click()
    saved = page.get_by_text("Your notification preferences are saved.")
    expect(saved).to_be_visible()
    expect(topic).to_be_visible()
    topic.click()
    expect(saved).to_be_hidden()
    page.get_by_role("button", name="Cancel").click()
    page.reload()
    expect(topic).to_be_hidden()


def test_leaving_with_unsaved_changes_asks(visit):
    page = visit(PREFERENCES)
    page.get_by_role("switch", name="Receive e-mail notifications").click()
    asked = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    page.get_by_role("link", name="Leads").click()
    expect(page).to_have_title("Leads · partnernotify")
    assert asked == ["beforeunload"]


def test_search_all_of_a_group_and_clear(visit):
    """R69, R70, R78."""
    page = visit(PREFERENCES)
    search = page.get_by_role("searchbox", name="Search topics")
    topic = page.get_by_role("checkbox", name=TOPIC)
    search.fill("registered lead")
    expect(page.get_by_role("checkbox", name="Registered lead activity")).to_be_visible()
    expect(topic).to_be_hidden()
    for words in ("deals", "co-selling", "rejestracja", "TRANSAKCJE", "coselling", "sprzedaz"):
        search.fill(words)
        expect(topic).to_be_visible()
    search.fill("weather")
    expect(page.get_by_text("No topic matches")).to_be_visible()
    search.fill("")
    page.get_by_role("checkbox", name="All topics of this group").click()
    expect(topic).to_be_checked()
    page.get_by_role("button", name="Clear all preferences").click()
    page.get_by_role("button", name="Clear this tab").click()
    expect(topic).not_to_be_checked()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("No unsaved changes")).to_be_visible()
    expect(page.get_by_text("2 of 3 on").locator("visible=true")).to_be_visible()


def test_all_tabs_are_cleared_at_once_and_saved_with_one_click(visit):
    """R70, F16."""
    page = visit(PREFERENCES)
    page.get_by_role("button", name="Clear all preferences").click()
    page.get_by_role("button", name="Clear all tabs").click()
    expect(page.get_by_text("0 of 3 on").locator("visible=true")).to_be_visible()
    page.get_by_role("tab", name="Desktop").click()
    expect(page.get_by_text("0 of 3 on").locator("visible=true")).to_be_visible()
    expect(page.get_by_role("switch", name="Bell")).to_be_checked()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Your notification preferences are saved.")).to_be_visible()
    expect(page.get_by_text("0 of 3 on").locator("visible=true")).to_be_visible()


def test_tabs_work_by_keyboard(visit):
    page = visit(PREFERENCES)
    page.get_by_role("tab", name="Email").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="Desktop")).to_be_focused()
    expect(page.get_by_role("switch", name="Bell")).to_be_visible()
    page.keyboard.press("End")
    expect(page.get_by_role("tab", name="Mobile app")).to_have_attribute("aria-selected", "true")


def test_the_current_tab_is_in_view_on_a_narrow_screen(visit):
    page = visit("/settings/notifications/mobile/", viewport={"width": 320, "height": 640})
    box = page.get_by_role("tab", selected=True).bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= 320


def test_a_tab_is_a_page_of_its_own_without_javascript(visit):
    page = visit(PREFERENCES, java_script_enabled=False)
    page.get_by_role("tab", name="Desktop").click()
    open_group(page)
    page.get_by_role("checkbox", name=TOPIC).click()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Your notification preferences are saved.")).to_be_visible()
    assert Preference.objects.get().channel == "desktop"


# --- Webhooks -------------------------------------------------------------------------------


@pytest.mark.parametrize("scripts", [True, False])
def test_a_webhook_is_added_with_the_keyboard_alone(visit, world, scripts):
    page = visit(OTHER_APPS, java_script_enabled=scripts)
    page.get_by_role("link", name="Add webhook").press("Enter")
    page.get_by_label("Name").fill("CRM")
    page.get_by_label("Web address").fill("http://10.0.0.5/")
    page.get_by_role("button", name="Add").press("Enter")
    expect(page.locator("#id_address_error")).to_have_text(
        "Enter a web address that starts with https://."
    )
    expect(page.get_by_label("Name")).to_have_value("CRM")
    page.get_by_label("Web address").fill("https://hooks.example.com/in")
    page.get_by_label("Web address").press("Enter")
    secret = page.get_by_label("Secret", exact=True)
    expect(secret).to_have_value(Endpoint.objects.get().secrets["signing"])
    expect(page.get_by_role("button", name="Copy")).to_have_count(int(scripts))
    page.reload()
    expect(secret).to_have_count(0)


def test_the_secret_is_copied(visit, world):
    hook = make_webhook(world.ala, "https://hooks.example.com/in")
    page = visit(
        f"/settings/endpoints/{hook.pk}/", permissions=["clipboard-read", "clipboard-write"]
    )
    page.get_by_role("button", name="Show secret").click()
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == hook.secrets["signing"]


# --- When ---------------------------------------------------------------------------------------


def limit(page):
    return page.get_by_role("spinbutton", name="Messages a day, at most").first


def test_the_page_when_has_the_same_bar(visit, world):
    page = visit(WHEN)
    save, bar = page.get_by_role("button", name="Save"), page.locator(".save-bar")
    expect(save).to_be_disabled()
    page.get_by_role("combobox", name="E-mail").select_option("day")
    limit(page).fill("5")
    expect(page.get_by_text("2 changes not saved")).to_be_visible()
    expect(bar).to_have_css("position", "sticky")
    expect(bar).to_be_in_viewport()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("No unsaved changes")).to_be_visible()
    limit(page).fill("5")
    save.click()
    expect(page.get_by_text("Saved", exact=True)).to_be_visible()
    assert Pace.objects.get(membership=world.ala, channel="email").most == 5


def test_a_deputy_who_cannot_be_chosen_any_more_is_no_change(visit, world):
    today = timezone.localdate()
    Absence.objects.create(membership=world.ala, begins=today, ends=today, deputy=world.bartek)
    deactivate_member(world.ala.user, world.bartek)
    page = visit(WHEN)
    expect(page.get_by_text("No unsaved changes")).to_be_visible()


@pytest.mark.parametrize("name", ["Leads", "For an hour"])
def test_leaving_when_asks_and_so_does_a_pause(visit, name):
    page = visit(WHEN)
    limit(page).fill("5")
    asked = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
    page.get_by_text(name, exact=True).locator("visible=true").click()
    expect(page.get_by_text("1 change not saved")).to_be_visible()
    assert asked == ["beforeunload"]
    assert not Snooze.objects.exists()


def test_what_was_refused_can_be_saved_or_taken_back(visit):
    page = visit(WHEN)
    page.get_by_role("combobox", name="E-mail").select_option("day")
    limit(page).fill("51")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Not saved.")).to_be_visible()
    expect(page.get_by_text("2 changes not saved")).to_be_visible()
    limit(page).fill("50")
    expect(page.get_by_text("2 changes not saved")).to_be_visible()
    expect(page.get_by_role("button", name="Save")).to_be_enabled()
    page.get_by_role("button", name="Cancel").click()
    expect(limit(page)).to_have_value("")
    expect(page.get_by_role("combobox", name="E-mail")).to_have_value("time")
    expect(page.get_by_text("No unsaved changes")).to_be_visible()


# --- Bell --------------------------------------------------------------------------------------


def test_the_bell_follows_by_itself_and_opens_a_panel(visit, world):
    page = visit(PREFERENCES)
    bell = page.get_by_role("link", name="Notifications, 1 unread")
    bell.click()
    expect(page.locator("#bell-panel")).to_contain_text("requested a demo")
    page.keyboard.press("Escape")
    expect(page.locator("#bell-panel")).to_have_count(0)
    expect(bell).to_be_focused()
    Notification.objects.update(read_at="2026-01-01T00:00Z")
    expect(page.locator("[data-bell-badge]")).to_be_hidden()


def test_a_pause_shows_in_the_bell_and_ends_there(visit, world):
    page = visit("/inbox/")
    bell = page.get_by_role("link", name="Notifications, 1 unread, paused until")
    line = page.locator("main [data-paused]")
    expect(line).to_be_hidden()
    Snooze.objects.create(
        membership=world.ala, lead=None, until=timezone.now() + timedelta(hours=1)
    )
    expect(bell).to_be_visible()
    expect(line).to_contain_text("Everything is paused until")
    bell.click()
    page.locator("#bell-panel").get_by_role("button", name="Resume").click()
    expect(page.locator("[data-popup-list]")).to_contain_text("You are told again.")
    expect(page.get_by_role("link", name="Notifications, 1 unread", exact=True)).to_be_visible()
    expect(line).to_be_hidden()
    expect(page.locator("#bell-panel [data-paused]")).to_have_count(0)
    assert not Snooze.objects.exists()


def test_a_hidden_page_that_hears_of_news_asks_soon_whatever_is_planned_meanwhile(visit, world):
    page = visit("/leads/")
    page.wait_for_load_state("networkidle")
    page.evaluate("Object.defineProperty(document, 'hidden', { get: () => true })")
    page.evaluate("document.dispatchEvent(new CustomEvent('bell:live', { detail: true }))")
    world.does()
    page.evaluate("document.dispatchEvent(new CustomEvent('bell:look'))")
    page.evaluate("document.dispatchEvent(new CustomEvent('bell:live', { detail: true }))")
    expect(page.locator("[data-bell-badge]")).to_have_text("2")


def test_the_open_inbox_says_that_there_is_more(visit, world):
    page = visit("/inbox/")
    page.wait_for_load_state("networkidle")
    more = page.get_by_text("There are new notifications.")
    expect(page.locator("[data-bell-badge]")).to_have_text("1")
    expect(more).to_be_hidden()
    world.does()
    expect(more).to_be_visible()
    page.get_by_role("link", name="Refresh").click()
    expect(page.locator(".item")).to_have_count(2)
    expect(more).to_be_hidden()


@pytest.mark.parametrize("scripts", [True, False])
def test_an_item_is_opened_with_the_keyboard_alone(visit, world, scripts):
    page = visit("/inbox/", java_script_enabled=scripts)
    page.get_by_role("button", name="Unread: anna@acme.example (ACME) requested a demo").press(
        "Enter"
    )
    page.wait_for_url("**/leads/*/")
    assert Notification.objects.get().read_at


def test_an_item_of_the_panel_is_opened(visit, world):
    page = visit(PREFERENCES)
    page.get_by_role("link", name="Notifications, 1 unread").click()
    page.locator("#bell-panel").get_by_role("button", name="requested a demo").click()
    page.wait_for_url("**/leads/*/")
    assert Notification.objects.get().read_at


# --- Every page -----------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}px")
def test_pages_pass_axe_and_do_not_scroll_sideways(visit, world, scheme, size):
    """R102."""
    width, height = size
    hook = make_webhook(world.ala, "https://hooks.example.com/in", never_twice=True)
    chat = make_chat(world.ala, "teams", LONG_ADDRESS, teaser=True, topics_off=[PROBLEMS])
    apps = ("", f"{hook.pk}/", f"{chat.pk}/", "add-webhook/", "add-slack/", "add-teams/")
    endpoints = [f"/settings/endpoints/{page}" for page in apps]
    others = ("/inbox/", "/settings/when/", "/settings/profile/", "/accounts/2fa/")
    pages = (COMMUNICATION, PREFERENCES, OTHER_APPS, *endpoints, *others)
    page = visit(COMMUNICATION, viewport={"width": width, "height": height}, color_scheme=scheme)
    for path in pages:
        page.goto(path)
        for group in page.locator("details.group > summary").locator("visible=true").all():
            group.click()
        found = Axe().run(page)
        assert found.violations_count == 0, (path, found.generate_report())
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
