"""What many tests here begin with."""

from __future__ import annotations

import pytest

from notifications.models import Notification
from tests.factories import make_lead, make_member, make_webhook, switch_on
from tests.northstar import Northstar
from tests.sinks import HttpSink
from tests.world import World


@pytest.fixture
def northstar():
    return Northstar()


@pytest.fixture
def bo(northstar):
    """The backup of Ala, who is the recipient."""
    bo = make_member(northstar.account, "bo@northstar.example", name="Bo")
    northstar.settings.backup = bo
    northstar.settings.save()
    return bo


@pytest.fixture
def dora(northstar):
    """A colleague of Ala's."""
    return make_member(northstar.account, "dora@northstar.example", name="Dora")


@pytest.fixture
def sink(settings):
    """A receiver on this machine, to which webhooks may go."""
    settings.ALLOW_PRIVATE_WEBHOOKS = True
    with HttpSink() as sink:
        yield sink


@pytest.fixture
def hook(northstar, sink):
    """A webhook of Ala's."""
    return make_webhook(northstar.ala, f"{sink.url}/hook")


@pytest.fixture
def world(db):
    """Ala was told of a lead just now."""
    world = World()
    make_lead(world.northstar, "acme.example", company="ACME")
    switch_on(world.northstar, world.ala)
    world.does()
    return world


@pytest.fixture
def ala(client, world):
    """A client in which Ala is signed in."""
    client.force_login(world.ala.user)
    return client


@pytest.fixture
def url(world):
    """The item about that in her inbox."""
    return f"/inbox/{Notification.objects.get().pk}/"
