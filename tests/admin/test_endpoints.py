"""Operators read the endpoints of all members, and switch them."""

import pytest
from django.contrib.auth.models import Permission

from accounts.models import AuditEntry
from notifications.models import Endpoint, EndpointHealth
from tests.admin.pages import act, url
from tests.factories import make_webhook

pytestmark = pytest.mark.django_db


@pytest.fixture
def hook(world):
    hook = make_webhook(world.ala, "https://hooks.example.com/secret-path")
    EndpointHealth.objects.create(
        channel=hook.channel, endpoint_key=hook.key, last_error="503 busy", openings=2
    )
    return hook


@pytest.mark.parametrize("page", ["changelist", "change"])
def test_host_and_health_are_shown_and_neither_path_nor_secret(admin_client, hook, page):
    arguments = [hook.pk] if page == "change" else []
    html = admin_client.get(url(Endpoint, page, *arguments)).content.decode()
    assert "hooks.example.com" in html and "Sales hook" in html
    assert "secret-path" not in html
    assert hook.secrets["signing"] not in html
    assert ("503 busy" in html) == (page == "change")


def test_an_operator_switches_it_off_and_on(admin_client, operator, hook):
    answer = act(admin_client, Endpoint, "switch_off", hook)
    assert "1 is switched off." in answer.content.decode()
    hook.refresh_from_db()
    assert hook.disabled_because == "operator"
    act(admin_client, Endpoint, "switch_on", hook)
    hook.refresh_from_db()
    assert hook.disabled_at is None
    entries = AuditEntry.objects.order_by("pk").values_list("action", "actor", "account")
    account = hook.membership.account_id
    assert list(entries) == [
        ("endpoints.switched_off", operator.pk, account),
        ("endpoints.switched_on", operator.pk, account),
    ]


def test_who_may_only_look_cannot_switch(client, world, hook):
    world.gosia.user.is_staff = True
    world.gosia.user.save()
    world.gosia.user.user_permissions.add(Permission.objects.get(codename="view_endpoint"))
    client.force_login(world.gosia.user)
    act(client, Endpoint, "switch_off", hook)
    hook.refresh_from_db()
    assert hook.disabled_at is None


def test_the_health_names_the_endpoint(admin_client, hook):
    html = admin_client.get(url(EndpointHealth, "changelist")).content.decode()
    assert "Sales hook" in html and "503 busy" in html
    assert hook.key not in html
