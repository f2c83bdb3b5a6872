"""What a channel comes with; run by test_adding_a_channel.py in a product that has "sms"."""

from __future__ import annotations

import pytest
from django.core.management import call_command

from notifications.models import Delivery, Endpoint, Preference
from notifications.topics import LEAD_ACTIVITY
from tests.factories import choose, make_activity, make_contact, make_lead, switch_on
from tests.sinks import HttpSink
from tests.world import World, read

pytestmark = pytest.mark.django_db
TAB = "/settings/notifications/sms/"
TICKS = ("enabled", LEAD_ACTIVITY)


@pytest.fixture
def world():
    world = World()
    make_lead(world.northstar, "acme.example", company="ACME")
    switch_on(world.northstar, world.ala)
    return world


@pytest.fixture
def ala(world):
    return world.ala


def test_its_tab_is_shown_and_what_is_ticked_there_is_kept(client, ala):
    page = read(client, ala.user, TAB)
    assert 'id="tab-sms" href="/settings/notifications/sms/" aria-selected="true"' in page
    assert ">Text message<" in page
    assert "Receive text messages" in page
    client.post(TAB, {f"sms-{key}": "on" for key in TICKS})
    kept = Preference.objects.filter(membership=ala, channel="sms", is_on=True)
    assert set(kept.values_list("key", flat=True)) == set(TICKS)


def test_it_has_a_pace(client, ala):
    assert 'name="sms-every"' in read(client, ala.user, "/settings/when/")


def test_what_happens_is_told_through_it(client, world, ala, settings):
    settings.ALLOW_PRIVATE_WEBHOOKS = True
    for key in TICKS:
        choose(ala, "sms", key, True)
    with HttpSink() as phone:
        Endpoint.objects.create(membership=ala, channel="sms", name="Phone", address=phone.url)
        make_activity(world.source, make_contact("anna@acme.example"))
        call_command("drain")
    (request,) = phone.requests
    assert request.body.decode() == "anna@acme.example (ACME) requested a demo."
    assert Delivery.objects.get(channel="sms").state == "delivered"
    assert "Phone" in read(client, ala.user, "/settings/endpoints/")
