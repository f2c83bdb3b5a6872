"""What many tests here begin with."""

from __future__ import annotations

import pytest

from tests.factories import make_member, make_webhook
from tests.northstar import Northstar
from tests.sinks import HttpSink


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
