"""Pop-ups and the "…" menu in real browser windows, with the real stream process."""

from __future__ import annotations

from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import expect

from notifications.models import Notification, Preference
from notifications.when.services import snooze, wake
from tests.stream.windows import LOOKS_UP, SENTENCE, badge, hears, popups

pytestmark = [pytest.mark.browser, pytest.mark.processes, pytest.mark.django_db(transaction=True)]


@LOOKS_UP
def test_what_was_there_before_does_not_pop_up_after_a_reload(window, world):
    page = window()
    expect(badge(page)).to_have_text("1")
    expect(popups(page)).to_have_count(0)
    world.does("jan@acme.example")
    expect(popups(page)).to_have_count(1)
    page.reload()
    hears(page)
    world.does("ewa@acme.example")
    expect(popups(page)).to_contain_text("ewa@acme.example")
    expect(popups(page)).to_have_count(1)


@LOOKS_UP
def test_what_comes_between_two_pages_pops_up_on_the_next(window, world):
    page = window()
    # The windows of tests are private ones, which soon forget what no page holds.
    keeper = page.context.new_page()
    keeper.goto("/healthz")
    keeper.evaluate("() => { window.kept = indexedDB.open('partnernotify'); }")
    keeper.wait_for_function("window.kept.readyState === 'done'")
    page.goto("about:blank")
    world.does("jan@acme.example")
    page.goto("/deals/")
    expect(popups(page)).to_contain_text(SENTENCE)


@LOOKS_UP
def test_what_came_while_the_tab_was_hidden_pops_up_when_it_is_seen(window, world):
    page = window()
    page.evaluate("Object.defineProperty(document, 'hidden', { get: () => !window.seen })")
    world.does("jan@acme.example")
    expect(badge(page)).to_have_text("2")
    expect(popups(page)).to_have_count(0)
    page.evaluate("window.seen = true; document.dispatchEvent(new Event('visibilitychange'))")
    expect(popups(page)).to_contain_text(SENTENCE)


@LOOKS_UP
def test_without_the_switch_nothing_pops_up(window, world):
    Preference.objects.filter(key="popup").delete()
    page = window()
    world.does("jan@acme.example")
    expect(badge(page)).to_have_text("2")
    page.wait_for_load_state("networkidle")
    expect(popups(page)).to_have_count(0)


@LOOKS_UP
def test_while_everything_is_paused_nothing_pops_up_nor_afterwards(window, world):
    page = window()
    snooze(world.ala, timezone.now() + timedelta(hours=1))
    with page.expect_response(lambda response: "/inbox/popups/" in response.url):
        world.does("jan@acme.example")
    expect(badge(page)).to_have_text("2")
    wake(world.ala)
    world.does("ewa@acme.example")
    expect(popups(page)).to_contain_text("ewa@acme.example")
    expect(popups(page)).to_have_count(1)


@LOOKS_UP
def test_three_at_most_stay_for_a_while_unless_somebody_is_there(window, world):
    page = window()
    page.clock.install()
    for number in range(4):
        world.does(f"p{number}@acme.example")
        expect(popups(page).first).to_contain_text(f"p{number}@acme.example")
    expect(popups(page)).to_have_count(3)
    popups(page).first.hover()
    page.clock.run_for(60_000)
    expect(popups(page)).to_have_count(3)
    page.mouse.move(1, 1)
    page.clock.run_for(60_000)
    expect(popups(page)).to_have_count(0)
    expect(badge(page)).to_have_text("5")


@LOOKS_UP
def test_a_pop_up_takes_no_focus_and_is_reached_by_one_key(window, world):
    page = window()
    search = page.get_by_role("searchbox", name="Search")
    search.focus()
    world.does("jan@acme.example")
    expect(popups(page)).to_have_count(1)
    expect(search).to_be_focused()
    page.keyboard.press("F8")
    title = popups(page).get_by_role("button", name=SENTENCE, exact=True)
    expect(title).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name=f"Dismiss: {SENTENCE}")).to_be_focused()
    page.keyboard.press("Enter")
    expect(popups(page)).to_have_count(0)
    expect(badge(page)).to_have_text("2")  # Dismissed is not read.
    world.does("ewa@acme.example")
    expect(popups(page)).to_have_count(1)
    page.keyboard.press("F8")
    page.keyboard.press("Enter")
    page.wait_for_url("**/leads/*/")
    assert Notification.objects.order_by("pk").last().read_at


@LOOKS_UP
def test_motion_is_reduced_for_who_asks(window, world):
    pages = [window(), window(reduced_motion="reduce")]
    world.does("jan@acme.example")
    names = []
    for page in pages:
        expect(popups(page)).to_have_count(1)
        names.append(popups(page).evaluate("item => getComputedStyle(item).animationName"))
    assert names == ["popup-in", "none"]


# --- The "…" menu ---------------------------------------------------------------------------


@LOOKS_UP
def test_a_topic_is_silenced_from_a_pop_up_by_keyboard_and_taken_back(window, world):
    page = window()
    world.does("jan@acme.example")
    page.get_by_label(f"More about: {SENTENCE}").press("Enter")
    page.get_by_role("button", name="Do not show me these any more").press("Enter")
    words = "Registered lead activity: off in bell and pop-ups, only for you."
    expect(page.locator("[data-popup-list]")).to_contain_text(words)
    expect(page.locator("[data-popup-words]")).to_have_text(words)
    assert not Preference.objects.get(channel="desktop", key="registered_lead_activity").is_on
    expect(page.get_by_role("button", name="Undo")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("[data-popup-list]")).to_contain_text("Registered lead activity: on again")
    assert not Preference.objects.filter(key="registered_lead_activity").exists()
    expect(page).to_have_title("(2) Leads · partnernotify")  # Nobody has left the page.


@LOOKS_UP
def test_an_item_of_the_panel_is_archived_without_leaving(window, world):
    page = window()
    page.get_by_role("link", name="Notifications, 1 unread").click()
    menu = page.locator("#bell-panel").get_by_label("More about: anna@acme.example")
    menu.click()
    page.keyboard.press("Escape")
    expect(menu).to_be_focused()
    expect(page.locator("#bell-panel")).to_be_visible()
    menu.click()
    page.get_by_role("button", name="Archive").click()
    expect(page.locator("#bell-panel .item")).to_have_count(0)
    expect(badge(page)).to_be_hidden()
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#bell-panel .item")).to_have_count(1)
    expect(badge(page)).to_have_text("1")


@LOOKS_UP
def test_what_cannot_be_done_is_said_and_nothing_is_lost(window, world):
    page = window()
    page.get_by_role("link", name="Notifications, 1 unread").click()
    page.get_by_label("More about: anna@acme.example").click()
    page.context.set_offline(True)
    page.get_by_role("button", name="Archive").click()
    expect(page.locator("[data-popup-list]")).to_contain_text("Not done")
    page.context.set_offline(False)
    assert Notification.objects.get().archived_at is None


@pytest.mark.parametrize("scripts", [True, False])
def test_the_menu_of_the_inbox(visit, world, scripts):
    world.does()
    page = visit("/inbox/", user=world.ala.user, java_script_enabled=scripts)
    item = page.locator(".item")
    page.get_by_label("More about: anna@acme.example").press("Enter")
    item.get_by_role("button", name="In 1 hour").press("Enter")
    expect(page.get_by_text("Snoozed. It comes back on")).to_be_visible()
    expect(item).to_have_count(0)
    page.goto("/inbox/?show=snoozed")
    page.get_by_label("More about: anna@acme.example").press("Enter")
    item.get_by_role("button", name="Back to the inbox").press("Enter")
    expect(item).to_have_count(0)
    page.goto("/inbox/")
    page.get_by_label("More about: anna@acme.example").press("Enter")
    item.get_by_role("link", name="Go to preferences").press("Enter")
    topic = page.get_by_role("checkbox", name="Registered lead activity").locator("visible=true")
    expect(topic).to_be_in_viewport()


# --- Looks ----------------------------------------------------------------------------------


@LOOKS_UP
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_open_menus_and_pop_ups_pass_axe(window, world, scheme, width):
    """R102."""
    page = window("/inbox/", viewport={"width": width, "height": 844}, color_scheme=scheme)
    world.does("jan@acme.example")
    expect(popups(page)).to_have_count(1)
    popups(page).evaluate("item => { item.dataset.left = 1e6; }")  # Axe takes longer than it stays.
    page.locator(".page .item-menu > summary").click()
    clean(page, width)
    page.get_by_role("link", name="Notifications, 2 unread").click()
    page.locator("#bell-panel .item-menu > summary").first.click()
    popups(page).locator("summary").click()
    clean(page, width)


def clean(page, width):
    page.wait_for_function("() => document.getAnimations().length === 0")
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
