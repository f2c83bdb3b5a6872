"""Two clicks at the same moment, over connections of their own."""

from __future__ import annotations

import functools
import threading
import uuid

import pytest
from django.db import connection, transaction
from django.db.models.functions import Now

from notifications.channels import OTHER_APPS
from notifications.channels.base import DeliveryError, Failure
from notifications.channels.registry import sender_of
from notifications.delivery.claim import claim
from notifications.delivery.health import lock_health, note_failure_of
from notifications.delivery.outcome import Accepted, Result, fail, finish, start
from notifications.delivery.recheck import Recheck
from notifications.delivery.replay import missed, replay_range
from notifications.delivery.routes import Failed
from notifications.delivery.send import deliver_due
from notifications.endpoints.browsers import Subscription
from notifications.endpoints.devices import add_device, follow_device
from notifications.endpoints.services import (
    MOST,
    KnownAddressError,
    RenewedAlreadyError,
    TooManyError,
    add_app,
    change_app,
    remove,
    renew_secret,
    switch_off,
    switch_on,
)
from notifications.evaluation import evaluate_due
from notifications.models import Delivery, Endpoint, EndpointHealth
from tests.accounts.test_at_once import at_once
from tests.factories import make_activity, make_contact, make_device, make_lead, make_webhook
from tests.factories import switch_on as switch_lead_activity_on
from tests.notifications.test_erasure_at_once import somebody_waits_for_this_connection
from tests.push import BrowserKeys
from tests.sinks import HttpSink, wait_until
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


@pytest.fixture
def world(settings):
    """Ala is the recipient of what her leads do, also on what she connects."""
    settings.ALLOW_PRIVATE_WEBHOOKS = True
    world = World()
    make_lead(world.northstar, "acme.example")
    switch_lead_activity_on(world.northstar, world.ala)
    return world


def test_a_double_click_sends_again_once(world):
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


# --- Switched off between the check and the send ------------------------------------------------


def off(hook):
    switch_off(hook, actor=hook.membership.user)


def on(hook):
    switch_on(hook, actor=hook.membership.user)


def gone(endpoint):
    """Another message to it was answered with 410."""
    error = DeliveryError(Failure.REFUSED, "410", bad_address=True)
    (delivery,) = Delivery.objects.filter(endpoint_key=endpoint.key)
    with transaction.atomic():
        note_failure_of(endpoint, delivery, error)


@pytest.fixture
def begin(world):
    """Return a function that begins the send of a message that was checked just now."""
    with HttpSink() as sink:
        world.hook, world.sink = make_webhook(world.ala, sink.url), sink
        world.phone = make_device(world.ala, f"{sink.url}/phone", BrowserKeys().keys)
        make_activity(world.source, make_contact("anna@acme.example"))
        evaluate_due()
        world.token = uuid.uuid4()
        recheck = Recheck(claim(OTHER_APPS, world.token, 10))
        (world.checked,) = map(recheck.check, recheck.deliveries)
        assert world.checked.is_told
        yield lambda: start(world.checked, world.token)


def assert_nothing_was_sent(world):
    deliver_due(OTHER_APPS)
    (row,) = Delivery.objects.filter(channel=OTHER_APPS)
    assert (row.state, row.reason, row.starts) == ("suppressed", "suppressed_address", 0)
    assert world.sink.requests == []


@pytest.mark.parametrize("end", [off, gone, remove])
def test_nothing_is_sent_to_what_was_switched_off_since_the_check(world, begin, end):
    assert at_once(lambda: end(world.hook)) == [None]
    assert begin() == Result.POSTPONED
    assert_nothing_was_sent(world)


@pytest.mark.parametrize("end", [off, gone, remove])
def test_nor_to_what_is_just_being_switched_off(world, begin, end):
    """Whoever waits for it sees what became of it, not what was there when it began to wait."""
    begun = []
    sender = threading.Thread(target=at_once, args=[lambda: begun.append(begin())])
    with transaction.atomic():
        end(world.hook)
        sender.start()
        if connection.vendor == "postgresql":  # SQLite lets one in at a time.
            wait_until(somebody_waits_for_this_connection, what="the send")
    sender.join()
    assert begun == [Result.POSTPONED]
    assert_nothing_was_sent(world)


# --- Each holds the health first ----------------------------------------------------------------


def moved(hook):
    change_app(hook, name=hook.name, address=f"{URL}moved", never_twice=False)


def replaced(phone):
    """The push service gave the browser another subscription."""
    fresh = Subscription(address=f"{URL}fresh", keys=BrowserKeys().keys)
    follow_device(phone.membership.user, fresh, former=phone.address)


def new_keys(phone):
    fresh = Subscription(address=phone.address, keys=BrowserKeys().keys)
    add_device(phone.membership, channel=phone.channel, subscription=fresh, name=phone.name)


def waits_for_the_health(act, endpoint, meanwhile):
    """Let `act` wait for the endpoint's health until `meanwhile` is committed; return what it
    raised."""
    raised = []
    waiting = threading.Thread(target=lambda: raised.extend(at_once(act)))
    with transaction.atomic():
        lock_health(endpoint)
        waiting.start()
        if connection.vendor == "postgresql":
            wait_until(somebody_waits_for_this_connection, what="whoever comes second")
        meanwhile()
    waiting.join()
    return raised


@pytest.mark.parametrize(
    ("change", "endpoint"),
    [(off, "hook"), (moved, "hook"), (remove, "hook"), (replaced, "phone"), (new_keys, "phone")],
)
def test_a_change_and_a_failed_send_take_turns(world, begin, change, endpoint):
    """PostgreSQL would end one of them: the outcome of a send would be unknown."""
    found = getattr(world, endpoint)
    assert waits_for_the_health(lambda: change(found), found, lambda: gone(found)) == [None]


def test_who_gives_up_after_a_wait_says_when_that_was(world, begin):
    """And not when the wait began: what was sent meanwhile was not sent to what was off."""
    begin()
    meanwhile = []
    waits_for_the_health(
        lambda: gone(world.hook), world.hook, lambda: meanwhile.append(database_time())
    )
    world.hook.refresh_from_db()
    assert world.hook.disabled_at >= meanwhile[0]


def database_time():
    return Endpoint.objects.values_list(Now(), flat=True).first()


@pytest.mark.parametrize(("change", "endpoint"), [(moved, "hook"), (replaced, "phone")])
def test_what_a_former_address_says_is_not_held_against_the_present_one(
    world, begin, change, endpoint
):
    former = getattr(world, endpoint)
    change(Endpoint.objects.get(pk=former.pk))
    gone(former)
    assert Endpoint.objects.get(pk=former.pk).disabled_at is None


# --- Of what was removed no health is left --------------------------------------------------------


def took_it(world):
    (route,) = world.checked.routes
    finish(Accepted(checked=world.checked, route=route, detail="200"), world.token)


def answered(*words, **more):
    """Return what writes down that the endpoint did not take it."""

    def refused_it(world):
        (route,) = world.checked.routes
        failed = Failed(route=route, error=DeliveryError(*words, **more))
        fail(sender_of(OTHER_APPS, "webhook"), world.checked, world.token, [failed])

    return refused_it


ENDS = {
    "delivered": took_it,
    "pending": answered(Failure.REFUSED, "503", endpoint_down=True),
    "dead": answered(Failure.REFUSED, "422", permanent=True),
}


def test_a_send_that_begins_leaves_none(world, begin):
    remove(world.hook)
    begin()
    assert not EndpointHealth.objects.exists()


@pytest.mark.parametrize("state", ENDS)
def test_a_send_that_ends_leaves_none(world, begin, state):
    begin()
    remove(world.hook)
    ENDS[state](world)
    assert Delivery.objects.get(channel=OTHER_APPS).state == state
    assert not EndpointHealth.objects.exists()


@pytest.mark.parametrize("state", ENDS)
def test_nor_does_one_that_ends_at_that_moment(world, begin, state):
    begin()
    end = functools.partial(ENDS[state], world)
    assert waits_for_the_health(end, world.hook, lambda: remove(world.hook)) == [None]
    assert Delivery.objects.get(channel=OTHER_APPS).state == state
    assert not EndpointHealth.objects.exists()


@pytest.mark.parametrize("click", [off, on, remove])
def test_nor_does_another_click_at_that_moment(world, begin, click):
    again, first = (functools.partial(act, world.hook) for act in (click, remove))
    assert waits_for_the_health(again, world.hook, first) == [None]
    assert not EndpointHealth.objects.exists()
