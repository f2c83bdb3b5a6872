"""Two clicks at the same moment, over connections of their own."""

from __future__ import annotations

import pytest

from notifications.delivery.replay import missed, replay_range
from notifications.endpoints.services import (
    MOST,
    KnownAddressError,
    RenewedAlreadyError,
    TooManyError,
    add_app,
    renew_secret,
    switch_on,
)
from notifications.models import Delivery, Endpoint
from tests.accounts.test_at_once import at_once
from tests.factories import make_lead, make_webhook
from tests.factories import switch_on as switch_lead_activity_on
from tests.sinks import HttpSink
from tests.world import World

pytestmark = pytest.mark.django_db(transaction=True)
URL = "https://hooks.example.com/"


@pytest.fixture
def ala():
    return World().ala


def add(member, path):
    return lambda: add_app(
        member, kind="webhook", name=path, address=f"{URL}{path}", never_twice=False
    )


def test_the_limit_holds(ala):
    for n in range(MOST - 1):
        make_webhook(ala, f"{URL}{n}")
    assert set(at_once(add(ala, "a"), add(ala, "b"))) == {None, TooManyError}
    assert Endpoint.objects.count() == MOST


def test_a_double_click_adds_one(ala):
    assert set(at_once(add(ala, "a"), add(ala, "a"))) == {None, KnownAddressError}


def test_a_double_click_makes_one_new_secret(ala):
    hook = make_webhook(ala, URL)
    old = hook.secrets["signing"]
    raised = at_once(lambda: renew_secret(hook), lambda: renew_secret(hook))
    assert set(raised) == {None, RenewedAlreadyError}
    assert Endpoint.objects.get().secrets["former"] == old


def test_a_double_click_sends_again_once(settings):
    settings.ALLOW_PRIVATE_WEBHOOKS = True
    world = World()
    make_lead(world.northstar, "acme.example")
    switch_lead_activity_on(world.northstar, world.ala)
    with HttpSink() as sink:
        sink.answer = lambda _request: (410, {}, b"")
        hook = make_webhook(world.ala, sink.url)
        world.does()
    hook.refresh_from_db()
    switch_on(hook, actor=world.ala.user)

    def again():
        replay_range(missed(hook), actor=world.ala.user, account=world.northstar, what="x")

    assert at_once(again, again) == [None, None]
    assert Delivery.objects.filter(replay=1).count() == 1
