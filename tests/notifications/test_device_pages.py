"""Where devices are listed, renamed and tried."""

from __future__ import annotations

import pytest

from tests.factories import make_device, make_webhook
from tests.notifications.test_devices import DESKTOP_TAB, MOBILE_TAB, URL, log
from tests.push import BrowserKeys
from tests.queries import assert_constant_queries
from tests.world import World, read

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    return World()


@pytest.fixture
def browser():
    return BrowserKeys()


def test_each_tab_lists_its_own_browsers(client, world, browser):
    phone = make_device(world.ala, URL, browser.keys)
    laptop = make_device(world.ala, f"{URL}/l", browser.keys, channel="desktop", name="Laptop")
    html = read(client, world.ala.user, MOBILE_TAB)
    for device in (phone, laptop):
        assert device.name in html
        for part in ("test", "name", "remove"):
            assert f"/settings/endpoints/{device.pk}/{part}/" in html
        assert f'data-device="{device.pk}"' in html
    assert "push.example.net/send" not in html
    assert "data-device=" not in read(client, world.bartek.user, MOBILE_TAB)
    assert "Use this browser" not in read(client, world.gosia.user, DESKTOP_TAB)
    assert "Laptop" in read(client, world.ala.user, "/settings/endpoints/")


def test_the_tabs_say_what_needs_a_script(client, world):
    html = read(client, world.ala.user, MOBILE_TAB)
    assert html.count("JavaScript has to be switched on") == 2


def test_the_list_says_which_switch_is_off(client, world, browser):
    make_device(world.ala, URL, browser.keys, channel="desktop")
    assert "Nothing is sent to them" not in read(client, world.ala.user, DESKTOP_TAB)
    world.ala.preferences.filter(key="browser").delete()
    assert "“Browser” is switched off" in read(client, world.ala.user, DESKTOP_TAB)


def test_the_page_costs_the_same_for_one_and_for_many(client, world, browser):
    make_device(world.ala, f"{URL}/x", browser.keys)
    client.force_login(world.ala.user)
    assert_constant_queries(
        lambda: client.get(MOBILE_TAB),
        lambda: [make_device(world.ala, f"{URL}{n}", browser.keys) for n in range(4)],
    )


def test_a_device_is_renamed_by_its_owner_only(client, world, browser):
    device = make_device(world.ala, URL, browser.keys)
    page = f"/settings/endpoints/{device.pk}/name/"
    client.force_login(world.bartek.user)
    assert client.post(page, {"name": "Mine"}).status_code == 404
    client.force_login(world.ala.user)
    refused = client.post(page, {"name": "a\nb"})
    assert refused.status_code == 422
    assert "one line" in refused.content.decode()
    assert client.post(page, {"name": "Work phone"}).url == f"/settings/endpoints/{device.pk}/"
    device.refresh_from_db()
    assert device.name == "Work phone"
    assert log() == [("endpoints.name", "Phone")]


def test_the_hint_is_in_the_readers_language(client, world, browser):
    device = make_device(world.ala, URL, browser.keys)
    world.ala.user.language = "pl"
    world.ala.user.save()
    html = read(client, world.ala.user, f"/settings/endpoints/{device.pk}/name/")
    assert "What you call it" not in html


def test_a_webhook_has_no_such_page(client, world):
    hook = make_webhook(world.ala, "https://hooks.example.com/")
    client.force_login(world.ala.user)
    assert client.get(f"/settings/endpoints/{hook.pk}/name/").status_code == 404


def test_a_test_is_pushed_and_always_shown(client, world, browser, sink):
    device = make_device(world.ala, f"{sink.url}/push", browser.keys)
    sink.answer = lambda _request: (201, {}, b"")
    client.force_login(world.ala.user)
    html = client.post(f"/settings/endpoints/{device.pk}/test/", follow=True).content.decode()
    assert "The test is on its way" in html
    (request,) = sink.requests
    pushed = browser.read(request.body)
    assert pushed["type"] == "test"
    assert pushed["title"] == "This is a test. Notifications will reach you here."
