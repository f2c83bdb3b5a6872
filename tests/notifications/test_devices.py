"""Browsers as endpoints: added, followed, moved, and gone with the sign-in (R68, R74, R75)."""

from __future__ import annotations

import json

import pytest
from django.db import IntegrityError
from django.test import Client

from accounts.models import AuditEntry, Membership
from accounts.services import members
from notifications.channels.web_push import application_server_key
from notifications.endpoints.browsers import browser_name
from notifications.endpoints.devices import SESSION_KEY
from notifications.endpoints.services import MOST
from notifications.models import Endpoint
from partners.services.erase import erase_person
from tests.factories import make_device, make_webhook
from tests.program.files import load
from tests.push import BrowserKeys, as_text
from tests.world import World, read

pytestmark = pytest.mark.django_db
ADD = "/settings/endpoints/devices/"
HERE = "/settings/endpoints/devices/here/"
MOBILE_TAB = "/settings/notifications/mobile/"
DESKTOP_TAB = "/settings/notifications/desktop/"
URL = "https://push.example.net/send/abc"
ANDROID = "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/139.0 Mobile Safari/537.36"


@pytest.fixture
def world():
    return World()


@pytest.fixture
def browser():
    return BrowserKeys()


def signed_in(member: Membership) -> Client:
    client = Client(headers={"user-agent": ANDROID})
    client.force_login(member.user)
    return client


def post(client: Client, url: str, **body):
    return client.post(url, json.dumps(body), content_type="application/json")


def add(client: Client, browser: BrowserKeys, *, url: str = URL, channel: str = "mobile"):
    return post(client, ADD, channel=channel, subscription=browser.subscription(url))


def here(client: Client, browser: BrowserKeys, *, url: str = URL, **more):
    return post(client, HERE, subscription=browser.subscription(url), **more).json()


def log() -> list[tuple[str, str]]:
    entries = AuditEntry.objects.filter(action__startswith="endpoints.").order_by("pk")
    return list(entries.values_list("action", "subject"))


# --- Adding ----------------------------------------------------------------------------------


def test_a_browser_is_added_with_its_keys_and_a_name(world, browser):
    answer = add(signed_in(world.ala), browser)
    device = Endpoint.objects.get()
    assert (answer.status_code, answer.json()) == (201, {"device": device.pk})
    assert (device.membership, device.channel, device.name) == (
        *(world.ala, "mobile", "Chrome on Android"),
    )
    assert (device.address, device.secrets) == (URL, browser.keys)
    assert device.seen_at
    assert log() == [("endpoints.added", "Chrome on Android")]


def test_the_same_browser_again_is_only_seen_again(world, browser):
    client = signed_in(world.ala)
    add(client, browser)
    before = Endpoint.objects.get()
    assert add(client, browser).json() == {"device": before.pk}
    after = Endpoint.objects.get()
    assert after.seen_at > before.seen_at
    assert (after.key, after.name, after.created_at) == (before.key, before.name, before.created_at)
    assert len(log()) == 1


def test_a_second_one_of_the_kind_gets_a_number(world):
    client = signed_in(world.ala)
    for n in range(3):
        add(client, BrowserKeys(), url=f"{URL}{n}")
    names = Endpoint.objects.order_by("pk").values_list("name", flat=True)
    assert list(names) == ["Chrome on Android", "Chrome on Android 2", "Chrome on Android 3"]


def test_on_the_other_tab_it_changes_over(world, browser):
    client = signed_in(world.ala)
    add(client, browser)
    add(client, browser, channel="desktop")
    assert Endpoint.objects.get().channel == "desktop"


def test_somebody_else_takes_it_over(world, browser):
    add(signed_in(world.ala), browser)
    add(signed_in(world.bartek), browser)
    assert Endpoint.objects.get().membership == world.bartek
    assert log()[1] == ("endpoints.left", "Chrome on Android")


def test_one_person_may_use_it_for_several_accounts(world, browser):
    place = Membership.objects.create(account=world.southwind, user=world.ala.user)
    client = signed_in(world.ala)
    first = add(client, browser).json()["device"]
    client.get("/inbox/?account=southwind")
    second = add(client, browser).json()["device"]
    assert set(Endpoint.objects.values_list("membership", flat=True)) == {world.ala.pk, place.pk}
    assert here(client, browser) == {"known": True, "devices": [second]}
    client.get("/inbox/?account=northstar")
    assert here(client, browser) == {"known": True, "devices": [first]}


def test_the_database_keeps_one_row_per_member_and_browser(world, browser):
    make_device(world.ala, URL, browser.keys)
    with pytest.raises(IntegrityError):
        make_device(world.ala, URL, browser.keys, channel="desktop")


def test_ten_are_the_limit(world):
    for n in range(MOST):
        make_device(world.ala, f"{URL}{n}", BrowserKeys().keys)
    answer = add(signed_in(world.ala), BrowserKeys())
    assert answer.status_code == 422
    assert "You have 10 here" in answer.json()["message"]
    assert Endpoint.objects.count() == MOST


COMPRESSED = as_text(b"\x02" + b"\x01" * 32)
NOT_ON_THE_CURVE = as_text(b"\x04" + b"\x01" * 64)


@pytest.mark.parametrize(
    "change",
    [
        *({"endpoint": url} for url in ("http://10.0.0.5/", "https://10.0.0.5/", "ftp://x", "")),
        *({"endpoint": value} for value in (None, 5, "https://push.example/\x00", "x" * 5_000)),
        *({"p256dh": value} for value in ("", "!", COMPRESSED, NOT_ON_THE_CURVE, None, "ż" * 87)),
        *({"auth": value} for value in ("", "AAAA", as_text(b"\x01" * 17), {}, "\ud800")),
        {"keys": None},
        {"keys": []},
        {"extra": "x" * 8_000},
    ],
    ids=lambda change: "-".join(f"{name}={value!r:.20}" for name, value in change.items()),
)
def test_what_no_browser_sends_is_refused(world, browser, change):
    subscription = browser.subscription(URL)
    for name, value in change.items():
        (subscription["keys"] if name in ("p256dh", "auth") else subscription)[name] = value
    client = signed_in(world.ala)
    for answer in (
        post(client, ADD, channel="mobile", subscription=subscription),
        post(client, HERE, subscription=subscription),
    ):
        assert answer.status_code == 422
        assert answer.json()["message"]
    assert not Endpoint.objects.exists()


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b'{"subscription": 5}', b"[" * 7_000])
def test_a_body_that_is_none_is_refused(world, body):
    client = signed_in(world.ala)
    for url in (ADD, HERE):
        assert client.post(url, body, content_type="application/json").status_code == 422


@pytest.mark.parametrize("channel", [None, "email", "other_apps", [], 5])
def test_only_two_channels_send_to_browsers(world, browser, channel):
    assert add(signed_in(world.ala), browser, channel=channel).status_code == 422


def test_a_private_address_is_for_tests_only(world, browser, settings):
    settings.ALLOW_PRIVATE_WEBHOOKS = True
    assert add(signed_in(world.ala), browser, url="http://127.0.0.1:9/push").status_code == 201


def test_a_foreign_site_cannot_add_one(world, browser):
    client = Client(enforce_csrf_checks=True)
    client.force_login(world.ala.user)
    assert add(client, browser).status_code == 403
    token = client.get(HERE).json()["token"]
    body = json.dumps({"channel": "mobile", "subscription": browser.subscription(URL)})
    answer = client.post(ADD, body, content_type="application/json", headers={"x-csrftoken": token})
    assert answer.status_code == 201


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (ANDROID, "Chrome on Android"),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/139 Safari/537.36 Edg/139", "Edge on Windows"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0", "Firefox on Linux"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0) Version/18 Safari/604.1", "Safari on iPhone"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X) Version/18 Safari/605", "Safari on Mac"),
        ("curl/8", "Browser"),
        ("", "Browser"),
    ],
)
def test_names_of_browsers(user_agent, name):
    assert browser_name(user_agent, "desktop") == name


def test_an_ipad_calls_itself_a_mac():
    user_agent = "Mozilla/5.0 (Macintosh; Intel Mac OS X) Version/18 Safari/605"
    assert browser_name(user_agent, "mobile") == "Safari on iPad"


# --- Following -----------------------------------------------------------------------------------


def test_it_follows_when_the_push_service_changes_the_subscription(world, browser):
    client = signed_in(world.ala)
    device = add(client, browser).json()["device"]
    fresh = BrowserKeys()
    told = here(client, fresh, url=f"{URL}/new", former=URL)
    assert told == {"known": True, "devices": [device]}
    row = Endpoint.objects.get()
    assert (row.address, row.secrets) == (f"{URL}/new", fresh.keys)


def test_a_new_subscription_brings_a_silent_device_back(world, browser):
    client = signed_in(world.ala)
    add(client, browser)
    off = {"disabled_at": "2026-01-01T00:00Z", "disabled_because": "silent"}
    Endpoint.objects.update(**off)
    here(client, browser)
    assert Endpoint.objects.get().disabled_at
    here(client, BrowserKeys(), url=f"{URL}/new", former=URL)
    assert not Endpoint.objects.get().disabled_at
    Endpoint.objects.update(**off | {"disabled_because": "owner"})
    here(client, BrowserKeys(), url=f"{URL}/newer", former=f"{URL}/new")
    assert Endpoint.objects.get().disabled_because == "owner"


def test_beside_the_present_subscription_the_former_one_goes(world, browser):
    client = signed_in(world.ala)
    make_device(world.ala, f"{URL}/old", BrowserKeys().keys)
    device = add(client, browser).json()["device"]
    assert here(client, browser, former=f"{URL}/old") == {"known": True, "devices": [device]}
    assert Endpoint.objects.get().pk == device


@pytest.mark.parametrize("former", [None, 5, "\x00", "\ud800", "ż", "x" * 3_000])
def test_a_former_address_that_is_none_is_no_former_address(world, browser, former):
    assert here(signed_in(world.ala), browser, former=former) == {"known": False, "devices": []}


def test_a_removed_device_does_not_come_back_by_itself(world, browser):
    client = signed_in(world.ala)
    add(client, browser)
    client.post(f"/settings/endpoints/{Endpoint.objects.get().pk}/remove/")
    assert here(client, browser) == {"known": False, "devices": []}
    assert not Endpoint.objects.exists()


def test_a_former_address_of_somebody_else_is_left_alone(world, browser):
    make_device(world.ala, URL, browser.keys)
    told = here(signed_in(world.bartek), BrowserKeys(), url=f"{URL}/new", former=URL)
    assert told["known"] is False
    assert Endpoint.objects.get().address == URL


def test_who_signs_in_next_ends_the_messages_of_the_one_before(world, browser):
    add(signed_in(world.ala), browser)
    assert here(signed_in(world.celina), browser) == {"known": False, "devices": []}
    assert not Endpoint.objects.exists()


def test_scripts_learn_the_key_that_they_subscribe_for(world):
    answer = signed_in(world.ala).get(HERE)
    assert answer.json()["key"] == application_server_key()
    assert "no-store" in answer["Cache-Control"]


# --- Gone ---------------------------------------------------------------------------------


def test_logging_out_of_the_browser_removes_it_for_all_accounts(world, browser):
    Membership.objects.create(account=world.southwind, user=world.ala.user)
    client = signed_in(world.ala)
    for account in ("southwind", "northstar"):
        client.get(f"/inbox/?account={account}")
        add(client, browser)
    elsewhere = make_device(world.ala, f"{URL}/elsewhere", BrowserKeys().keys)
    make_webhook(world.ala, "https://hooks.example.com/")
    client.post("/accounts/logout/")
    left = Endpoint.objects.filter(channel="mobile")
    assert list(left) == [elsewhere]
    assert log()[-1] == ("endpoints.removed", "Chrome on Android")


def test_a_later_sign_in_remembers_which_browser_it_is(world, browser):
    add(signed_in(world.ala), browser)
    later = signed_in(world.ala)
    here(later, browser)
    assert later.session[SESSION_KEY] == Endpoint.objects.get().key
    later.post("/accounts/logout/")
    assert not Endpoint.objects.exists()


def test_logging_out_elsewhere_leaves_it(world, browser):
    add(signed_in(world.ala), browser)
    signed_in(world.ala).post("/accounts/logout/")
    assert Endpoint.objects.exists()


@pytest.fixture
def of_bartek(world, browser):
    make_webhook(world.bartek, "https://hooks.example.com/")
    return make_device(world.bartek, URL, browser.keys)


def test_who_is_deactivated_loses_devices_but_keeps_webhooks(client, world, of_bartek):
    html = read(client, world.ala.user, f"/settings/users/{world.bartek.pk}/deactivate/")
    assert "1 browser or phone of Bartek is removed" in html
    members.deactivate_member(world.ala.user, world.bartek)
    assert Endpoint.objects.get().channel == "other_apps"


def test_who_a_program_file_deactivates_loses_devices(world, of_bartek):
    users = [{"email": world.bartek.user.email, "active": False}]
    load({"accounts": [{"slug": "northstar", "users": users}]})
    assert Endpoint.objects.get().channel == "other_apps"


def test_who_may_not_sign_in_any_more_loses_devices(admin_client, world, of_bartek):
    user = world.bartek.user
    page = admin_client.get(f"/admin/accounts/user/{user.pk}/change/")
    form = page.context["adminform"].form
    data = {name: form[name].value() or "" for name in ("email", "name", "language", "timezone")}
    for formset in page.context["inline_admin_formsets"]:
        data |= dict.fromkeys(_management(formset.formset.prefix), 0)
    answer = admin_client.post(f"/admin/accounts/user/{user.pk}/change/", data)
    assert answer.status_code == 302, answer.context["errors"]
    assert Endpoint.objects.get().channel == "other_apps"


def _management(prefix: str) -> list[str]:
    return [f"{prefix}-{name}_FORMS" for name in ("TOTAL", "INITIAL")]


def test_who_leaves_or_is_erased_loses_all(world, of_bartek):
    make_device(world.celina, f"{URL}/c", BrowserKeys().keys)
    members.remove_member(world.ala.user, world.bartek)
    assert Endpoint.objects.get().membership == world.celina
    erase_person(world.celina.user.email, actor=None)
    assert not Endpoint.objects.exists()
