"""The list of triggers: all of them, switched and made without knowing a key."""

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from accounts.models import AuditEntry
from notifications.facts.triggers import load_triggers
from notifications.models import Trigger
from notifications.triggers import BUILT_IN
from tests.admin.pages import errors_of, save, url

pytestmark = pytest.mark.django_db
SWITCH = "/admin/notifications/trigger/switch/"


def is_on(key):
    return next(enabled for trigger, enabled in load_triggers() if trigger.key == key)


def test_the_list_shows_every_trigger(admin_client):
    Trigger.objects.create(key="docs_view", label="Read the docs", page_path="/docs/*")
    page = admin_client.get(url(Trigger, "changelist")).content.decode()
    for trigger in BUILT_IN.values():
        assert str(trigger.label) in page
    assert "Read the docs" in page
    assert page.count(">built in<") == len(BUILT_IN)


def test_a_built_in_trigger_is_switched_by_its_button(admin_client, operator):
    page = admin_client.get(url(Trigger, "changelist")).content.decode()
    assert f'formaction="{SWITCH}" name="off" value="pricing_view"' in page
    admin_client.post(SWITCH, {"off": "pricing_view"})
    assert not is_on("pricing_view")
    admin_client.post(SWITCH, {"on": "pricing_view"})
    assert is_on("pricing_view")
    old_new = AuditEntry.objects.order_by("pk").values_list("old", "new", "subject", "actor")
    label = "Viewed pricing page"
    assert list(old_new) == [
        ("on", "off", label, operator.pk),
        ("off", "on", label, operator.pk),
    ]


def test_switching_twice_changes_nothing(admin_client):
    admin_client.post(SWITCH, {"on": "pricing_view"})
    assert not Trigger.objects.exists()
    assert not AuditEntry.objects.exists()


def test_an_unknown_trigger_is_not_switched(admin_client):
    assert admin_client.post(SWITCH, {"on": "nothing"}).status_code == 404
    assert admin_client.get(SWITCH).status_code == 405


def test_staff_who_only_look_do_not_switch(client, world):
    gosia = world.gosia.user
    gosia.is_staff = True
    gosia.save()
    gosia.user_permissions.add(Permission.objects.get(codename="view_trigger"))
    client.force_login(gosia)
    page = client.get(url(Trigger, "changelist")).content.decode()
    assert "formaction" not in page
    assert client.post(SWITCH, {"off": "pricing_view"}).status_code == 403
    assert is_on("pricing_view")


def test_an_own_trigger_needs_something_to_match(admin_client):
    answer = save(admin_client, Trigger, label="Docs")
    assert "needs an event name or a page path" in errors_of(answer)
    save(admin_client, Trigger, label="Docs", page_path="/docs/*")
    assert Trigger.objects.get().page_path == "/docs/*"


def test_the_key_is_made_once_and_is_nobody_elses(admin_client):
    for _n in range(2):
        save(admin_client, Trigger, label="Pricing view", event_name="Own")
    keys = sorted(Trigger.objects.values_list("key", flat=True))
    assert keys == ["pricing_view_2", "pricing_view_3"]
    first = Trigger.objects.get(key="pricing_view_2")
    save(admin_client, Trigger, first, label="Renamed", enabled=None)
    first.refresh_from_db()
    assert (first.key, first.label, first.enabled) == ("pricing_view_2", "Renamed", False)


def test_a_name_that_has_no_letters_still_gets_a_key(admin_client):
    save(admin_client, Trigger, label="価格", event_name="Own")
    assert Trigger.objects.get().key == "own"


def test_the_name_of_a_trigger_is_one_line(admin_client):
    """It stands in the subjects of mails."""
    answer = save(admin_client, Trigger, label="Saw it\nBcc: x", event_name="Viewed")
    assert "one line" in errors_of(answer)
    assert not Trigger.objects.exists()


def test_a_built_in_trigger_has_no_page_here(admin_client):
    admin_client.post(SWITCH, {"off": "pricing_view"})
    row = Trigger.objects.get()
    answer = admin_client.get(url(Trigger, "change", row.pk))
    assert answer.url == reverse("admin:index")
