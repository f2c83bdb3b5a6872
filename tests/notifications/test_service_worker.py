"""Chromium without a page in front: pushes that come in are shown, and a page without network."""

from __future__ import annotations

import json
from functools import partial

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from notifications.channels.web_push import payload
from notifications.messages import Action, Message
from tests.factories import make_lead
from tests.sinks import wait_until
from tests.world import World

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
GRANTED = {"permissions": ["notifications"]}


@pytest.fixture
def world():
    return World()


@pytest.fixture
def visit(visit, world):
    """Return a function that opens a page as Ala."""
    return partial(visit, user=world.ala.user)


# --- The service worker ------------------------------------------------------------------------


def ready(page: Page) -> Page:
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    return page


def elsewhere(page: Page) -> Page:
    """Turn to another window. Playwright lets each page believe that it has the focus."""
    devtools = page.context.new_cdp_session(ready(page))
    devtools.send("Emulation.setFocusEmulationEnabled", {"enabled": False})
    page.context.new_page().bring_to_front()
    (worker,) = wait_until(lambda: page.evaluate("1") and page.context.service_workers)
    # The browser tells the worker a moment after it told the page.
    wait_until(lambda: worker.evaluate(NOBODY_LOOKS), what="the focus goes elsewhere")
    return page


NOBODY_LOOKS = """async () => {
    const pages = await clients.matchAll({ type: "window", includeUncontrolled: true });
    return pages.length && pages.every(({ focused }) => !focused);
}"""
SHOWN = """async () => {
    const { ready } = navigator.serviceWorker;
    const shown = await (await ready).getNotifications();
    return shown.map(({ title, body, tag, lang, data, actions, icon, badge }) =>
        ({ title, body, tag, lang, data, actions, icon, badge }));
}"""
SEEN_TO = "Push event completed"


def deliver(page: Page, *messages: object) -> list[dict]:
    """Hand pushes to the service worker, and return what it shows when it has seen to them.

    Not asked for before: Chromium forgets what is asked for while it is being shown.
    """
    devtools = page.context.new_cdp_session(page)
    found: list[dict] = []
    ended: list[str] = []
    devtools.on(
        "ServiceWorker.workerRegistrationUpdated",
        lambda event: found.extend(event["registrations"]),
    )
    devtools.on(
        "BackgroundService.backgroundServiceEventReceived",
        lambda event: ended.append(event["backgroundServiceEvent"]["eventName"]),
    )
    devtools.send("ServiceWorker.enable")
    devtools.send("BackgroundService.startObserving", {"service": "pushMessaging"})
    devtools.send(
        "BackgroundService.setRecording", {"service": "pushMessaging", "shouldRecord": True}
    )
    origin = page.evaluate("location.origin")
    wait_until(lambda: page.evaluate("1") and found, what="the browser tells its workers")
    (registration,) = {one["registrationId"] for one in found if one["scopeURL"] == f"{origin}/"}
    for message in messages:
        data = message if isinstance(message, str) else json.dumps(message)
        where = {"origin": origin, "registrationId": registration}
        devtools.send("ServiceWorker.deliverPushMessage", {**where, "data": data})
    wait_until(
        lambda: page.evaluate("1") and ended.count(SEEN_TO) == len(messages),
        what="the worker has seen to all",
    )
    return page.evaluate(SHOWN)


def push(**fields) -> dict[str, str]:
    known = {
        "public_id": "11111111-0000-4000-8000-000000000000",
        "language": "pl",
        "subject": "",
        "sentence": "Anna Nowak (ACME) poprosiła o demo.",
        "glance": "Lead zrobił coś ważnego",
        "facts": (),
        "why": (),
        "stop": (),
        "actions": (Action(label="", url="https://old.example/leads/5/?account=northstar"),),
        "explained": Action(label="Dlaczego?", url="https://old.example/activity/m-1/"),
        "account_name": "Northstar Agency",
        "vendor_name": "Northwind",
        "type": "lead.activity",
    }
    return payload(Message(**known | fields))


def test_it_shows_what_the_push_says(visit):
    page = elsewhere(visit("/inbox/", **GRANTED))
    (shown,) = deliver(page, push())
    assert shown["title"] == "Lead zrobił coś ważnego"
    assert (shown["body"], shown["lang"]) == ("Northstar Agency", "pl")
    assert shown["tag"] == "11111111-0000-4000-8000-000000000000"
    assert [action["title"] for action in shown["actions"]] == ["Otwórz", "Dlaczego?"]
    assert shown["icon"].endswith("icon-192.png") and shown["badge"].endswith("badge.png")


def test_a_copy_replaces_the_first_one(visit):
    page = elsewhere(visit("/inbox/", **GRANTED))
    assert len(deliver(page, push(), push())) == 1


@pytest.mark.parametrize("data", ["", "no JSON", "[]", "5", "null"])
def test_a_push_that_says_nothing_shows_something(visit, data):
    page = elsewhere(visit("/inbox/", **GRANTED))
    (shown,) = deliver(page, data)
    assert shown["title"] == "There is something new"
    assert shown["data"]["url"] == "/inbox/"


def test_who_looks_at_a_page_of_ours_is_told_by_the_page(visit):
    page = ready(visit("/inbox/", **GRANTED))
    assert page.evaluate("document.hasFocus()")
    (shown,) = deliver(page, push(), push(type="test", glance="", sentence="A test."))
    assert shown["title"] == "A test."


CLICK = """async (action) => {
    const done = [];
    clients.openWindow = async (url) => done.push(["opened", url]);
    WindowClient.prototype.focus = async function () { done.push(["focused", this.url]); };
    const [notification] = await registration.getNotifications();
    const waiting = [];
    const event = new NotificationEvent("notificationclick", { notification, action });
    event.waitUntil = (promise) => waiting.push(promise);
    dispatchEvent(event);
    await Promise.all(waiting);
    return { done, left: (await registration.getNotifications()).length };
}"""


@pytest.mark.parametrize("is_open", [True, False])
def test_a_click_opens_the_page_or_turns_to_it(visit, world, is_open):
    """Chromium lets only a real click open a window: what the worker asks for is noted instead."""
    lead = make_lead(world.northstar, "acme.example")
    path = f"/leads/{lead.pk}/?account=northstar"
    page = visit(path if is_open else "/inbox/", **GRANTED)
    url = page.evaluate("location.origin") + path
    action = Action(label="", url=f"https://the-site-was-called-otherwise.example{path}")
    deliver(elsewhere(page), push(actions=(action,)))
    (worker,) = page.context.service_workers
    clicked = worker.evaluate(CLICK, "open")
    assert clicked == {"done": [["focused" if is_open else "opened", url]], "left": 0}


def test_its_second_button_says_why(visit):
    page = visit("/inbox/", **GRANTED)
    url = page.evaluate("location.origin") + "/activity/m-1/"
    deliver(elsewhere(page), push())
    (worker,) = page.context.service_workers
    assert worker.evaluate(CLICK, "why") == {"done": [["opened", url]], "left": 0}


# --- Without the network ----------------------------------------------------------------------


NO_CONNECTION = {"en": "No connection", "pl": "Brak połączenia"}


@pytest.mark.parametrize("language", NO_CONNECTION)
def test_without_the_network_there_is_a_page_that_says_so(visit, world, language):
    world.ala.user.language = language
    world.ala.user.save()
    page = visit("/inbox/")
    page.wait_for_function("navigator.serviceWorker.controller || navigator.serviceWorker.ready")
    page.context.set_offline(True)
    page.goto("/leads/")
    expect(page.get_by_role("heading", name=NO_CONNECTION[language])).to_be_visible()
    assert page.evaluate("getComputedStyle(document.querySelector('.bar')).backgroundColor") == (
        "rgb(20, 33, 58)"
    )
    assert Axe().run(page).violations_count == 0
    kept = page.evaluate("""async () => {
        const names = await caches.keys();
        const all = await Promise.all(names.map(async (name) => (await caches.open(name)).keys()));
        return all.flat().map(({ url }) => new URL(url).pathname);
    }""")
    assert sorted(kept) == [f"/offline/{language}/", "/static/css/app.css", "/static/img/mark.svg"]
    page.context.set_offline(False)
    page.get_by_role("link").click()
    expect(page).to_have_title(
        "Leads · partnernotify" if language == "en" else "Leady · partnernotify"
    )
