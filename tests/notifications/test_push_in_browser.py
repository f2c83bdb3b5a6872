"""Chromium as a device: added on the page, shows pushes, follows, leaves, works without network.

Real are the page, the service worker, permissions, notifications and the cache; pushes come in
by the DevTools protocol. Only `PushManager` is a stub (tests/push_stub.js): the real one would
ask a push service on the internet.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from notifications.drain import drain
from notifications.models import Endpoint, Preference
from tests.factories import make_device, make_lead, switch_on
from tests.notifications.test_service_worker import deliver, elsewhere
from tests.push import BrowserKeys
from tests.world import World

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
MOBILE_TAB = "/settings/notifications/mobile/"
DESKTOP_TAB = "/settings/notifications/desktop/"
ANDROID = "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/139.0 Mobile Safari/537.36"
PHONE = {
    "viewport": {"width": 390, "height": 844},
    "user_agent": ANDROID,
    "is_mobile": True,
    "has_touch": True,
}
GRANTED = {"permissions": ["notifications"]}
URL = "https://push.example.net/send/abc"
STUB = (Path(__file__).parent.parent / "push_stub.js").read_text()


@pytest.fixture
def world():
    return World()


@pytest.fixture
def browser():
    return BrowserKeys()


@pytest.fixture
def visit(visit, world, browser):
    """Return a function that opens a page as Ala, with a push service that behaves as told."""

    def open_page(path: str, *, url: str = URL, behaves: str = "subscribe", **options) -> Page:
        page = visit("about:blank", world.ala.user, **options)
        subscription = json.dumps(browser.subscription(url))
        script = STUB.replace("SUBSCRIPTION", subscription).replace("BEHAVIOUR", repr(behaves))
        page.add_init_script(f"if (window.PushManager) {{{script}}}")
        page.goto(path)
        return page

    return open_page


def state(page: Page):
    return page.locator("[data-state]:visible")


# --- Adding --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tab", "options", "button", "name", "switch"),
    [
        (MOBILE_TAB, PHONE, "Use this phone or tablet", "Chrome on Android", "mobile"),
        (DESKTOP_TAB, {}, "Use this browser", "Chrome on Linux", "desktop"),
    ],
    ids=["mobile", "desktop"],
)
def test_a_browser_is_added_by_keyboard(visit, world, browser, tab, options, button, name, switch):
    """R75: explained first; the browser asks only after the click."""
    page = visit(tab, **options)
    expect(state(page)).to_contain_text("Your browser asks for your permission first")
    page.get_by_role("button", name=button).press("Enter")
    dialog = page.get_by_role("dialog", name="Your browser asks you next")
    expect(dialog).to_contain_text("Choose “Allow”")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.get_by_role("button", name=button).press("Enter")
    page.context.grant_permissions(["notifications"])
    dialog.get_by_role("button", name="Continue").press("Enter")
    expect(state(page)).to_contain_text("Added, not switched on yet")
    expect(state(page)).to_be_focused()
    row = page.get_by_role("row", name=name).locator("visible=true")
    expect(row).to_contain_text("This")  # "This browser", "This phone or tablet"
    device = Endpoint.objects.get()
    assert (device.channel, device.secrets, device.membership) == (
        *(switch, browser.keys, world.ala),
    )
    expect(page.get_by_text("1 change not saved")).to_be_visible()
    assert not Preference.objects.exists()
    page.get_by_role("button", name="Save").press("Enter")
    expect(state(page)).to_contain_text("It is in the list below")
    assert Preference.objects.get().channel == switch


def test_a_push_reaches_the_browser_that_was_added(visit, world, browser, sink):
    """The whole way: added on the page, decided, encrypted, taken by a push service, shown."""
    page = visit(DESKTOP_TAB, url=f"{sink.url}/push", **GRANTED)
    expect(state(page)).to_contain_text("Notifications are allowed here")
    page.get_by_role("button", name="Use this browser").click()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Your notification preferences are saved.")).to_be_visible()
    make_lead(world.northstar, "acme.example")
    switch_on(world.northstar, world.ala)
    world.does()
    drain(patience_seconds=0)
    (request,) = sink.requests
    shown = deliver(elsewhere(page), browser.read(request.body))
    assert [one["title"] for one in shown] == ["A lead did something that matters"]


@pytest.mark.parametrize(
    ("tab", "options", "words"),
    [
        (DESKTOP_TAB, {"permissions": []}, "set “Notifications” to “Allow”"),
        (MOBILE_TAB, {}, "on your phone or tablet, sign in"),
        (DESKTOP_TAB, PHONE, "It is added on the tab “Mobile app”"),
    ],
    ids=["blocked", "a computer", "a phone"],
)
def test_it_says_why_this_browser_cannot_be_added(visit, tab, options, words):
    page = visit(tab, **options)
    expect(state(page)).to_contain_text(words)
    expect(state(page).get_by_role("button")).to_have_count(0)


IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1"


@pytest.mark.parametrize(
    ("user_agent", "words"),
    [(IPHONE, "tap Share, then “Add to Home Screen”"), (ANDROID, "It cannot take notifications")],
    ids=["iphone", "android"],
)
def test_it_says_what_a_browser_without_pushes_needs(chromium, live_server, client, world,
                                                     user_agent, words):  # fmt: skip
    client.force_login(world.ala.user)
    context = chromium.new_context(base_url=live_server.url, **PHONE | {"user_agent": user_agent})
    cookie = client.cookies["sessionid"].value
    context.add_cookies([{"name": "sessionid", "value": cookie, "url": live_server.url}])
    context.add_init_script("delete window.PushManager;")
    page = context.new_page()
    page.goto(MOBILE_TAB)
    expect(state(page)).to_contain_text(words)
    context.close()


def test_without_javascript_it_says_so(visit):
    page = visit(MOBILE_TAB, java_script_enabled=False)
    words = page.get_by_text("JavaScript has to be switched on").locator("visible=true")
    expect(words).to_have_count(1)
    expect(page.get_by_role("button", name="Use this phone or tablet")).to_have_count(0)


@pytest.mark.parametrize("behaves", ["fail", "hang"])
def test_a_push_service_out_of_reach_is_said_and_nothing_changed(visit, behaves):
    page = visit(DESKTOP_TAB, behaves=behaves, **GRANTED)
    expect(state(page)).to_contain_text("Notifications are allowed here")
    page.clock.install()
    page.get_by_role("button", name="Use this browser").click()
    if behaves == "hang":
        expect(state(page)).to_contain_text("Waiting for your permission")
        expect(page.locator("[data-push-service-asked]")).to_have_count(1)
        page.clock.fast_forward(15_000)
    expect(state(page)).to_contain_text("Nothing has changed")
    expect(state(page).get_by_role("button", name="Try again")).to_be_visible()
    assert not Endpoint.objects.exists()


def test_a_click_waits_until_the_browser_has_said_what_it_is(visit):
    """Else the server hears of a subscription that is not added yet, and the browser drops it."""
    page = visit(DESKTOP_TAB, behaves="slow", **GRANTED)
    page.get_by_role("button", name="Use this browser").click()
    expect(state(page)).to_contain_text("Waiting for your permission")
    assert page.evaluate("localStorage.getItem('stub')") is None
    page.evaluate("goOn()")
    expect(state(page)).to_contain_text("Added")
    assert Endpoint.objects.exists()


def test_what_the_server_refuses_is_said_in_its_words(visit):
    page = visit(DESKTOP_TAB, url="https://10.0.0.5/push", **GRANTED)
    page.get_by_role("button", name="Use this browser").click()
    expect(state(page)).to_contain_text("This address is not reachable from outside.")


# --- Following and leaving ---------------------------------------------------------------------


@pytest.fixture
def added(visit, world):
    """A page of a browser that is added."""
    page = visit(DESKTOP_TAB, **GRANTED)
    page.get_by_role("button", name="Use this browser").click()
    expect(state(page)).to_contain_text("Added")
    page.goto("/inbox/")
    return page


def settled(page: Page) -> None:
    """Wait until the page has told the server what it subscribes to."""
    with page.expect_response("**/devices/here/") as answer:
        page.goto(DESKTOP_TAB)
    answer.value.finished()


def test_a_lost_subscription_is_renewed(added, browser):
    added.evaluate("localStorage.removeItem('stub')")
    Endpoint.objects.update(secrets={"p256dh": "old", "auth": "old"})
    settled(added)
    expect(state(added)).to_contain_text("It is in the list below")
    assert Endpoint.objects.get().secrets == browser.keys


def test_another_key_of_ours_makes_it_subscribe_anew(added):
    before = Endpoint.objects.get().seen_at
    added.evaluate("""() => {
        const stub = JSON.parse(localStorage.getItem("stub"));
        localStorage.setItem("stub", JSON.stringify({ ...stub, key: "BAAA" }));
    }""")
    settled(added)
    expect(state(added)).to_contain_text("It is in the list below")
    assert added.evaluate("JSON.parse(localStorage.getItem('stub')).key") != "BAAA"
    assert Endpoint.objects.get().seen_at > before


def test_a_device_that_was_removed_elsewhere_unsubscribes(added):
    Endpoint.objects.all().delete()
    settled(added)
    expect(state(added)).to_contain_text("none are sent to it yet")
    assert added.evaluate("localStorage.getItem('stub')") is None


def test_the_log_out_takes_it_away_on_both_sides(added):
    added.get_by_label("Account menu of Ala").click()
    added.get_by_role("button", name="Log out").click()
    added.wait_for_url("**/accounts/login/**")
    assert not Endpoint.objects.exists()
    assert added.evaluate("localStorage.getItem('stub')") is None


def test_who_signs_in_next_gets_nothing_of_the_one_before(added, world, client):
    client.force_login(world.celina.user)
    cookie = client.cookies["sessionid"].value
    url = added.evaluate("location.origin")
    added.context.add_cookies([{"name": "sessionid", "value": cookie, "url": url}])
    settled(added)
    assert not Endpoint.objects.exists()
    expect(state(added)).to_contain_text("none are sent to it yet")


# --- For everybody -----------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_the_pages_pass_axe_and_do_not_scroll_sideways(visit, world, browser, scheme, width):
    """R102."""
    phone = make_device(world.ala, URL, browser.keys)
    make_device(world.ala, URL + "2", browser.keys, channel="desktop", name="Firefox on Windows")
    view = {"viewport": {"width": width, "height": 844}, "color_scheme": scheme}
    page = visit(DESKTOP_TAB, **view)
    pages = (DESKTOP_TAB, MOBILE_TAB, f"/settings/endpoints/{phone.pk}/")
    for path in (*pages, f"/settings/endpoints/{phone.pk}/name/"):
        page.goto(path)
        for part in page.locator("[data-state]").all():
            part.evaluate("(part) => (part.hidden = false)")
        found = Axe().run(page)
        assert found.violations_count == 0, (path, found.generate_report())
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
