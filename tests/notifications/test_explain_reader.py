"""One activity explained to its reader: the answer, what waits for when, what is not on."""

from datetime import time, timedelta

import pytest
from django.utils import timezone

from accounts.templatetags.moments import due
from notifications.delivery.outcome import LEFT_ALONE
from notifications.models import Delivery, Pace, QuietHours
from tests.factories import choose, make_lead, make_profile, switch_on
from tests.notifications.test_replay import ends
from tests.world import World, read

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    return World()


@pytest.fixture(autouse=True)
def lead(world):
    switch_on(world.northstar, world.ala)
    return make_lead(world.northstar, "acme.example", company="ACME")


# --- What waits -------------------------------------------------------------------------------


def is_quiet(member):
    """Let all days of the member be quiet but the one after tomorrow."""
    day = (timezone.now() + timedelta(days=2)).isoweekday()
    QuietHours.objects.create(membership=member, begins=time(0), ends=time(0), days=str(day))


def wants_a_digest(member):
    Pace.objects.create(membership=member, channel="email", every="day")


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        (wants_a_digest, "waits for the next digest, {until}"),
        (is_quiet, "waits for the end of quiet hours, {until}"),
    ],
)
def test_what_waits_for_its_reader_says_for_what_and_until_when(client, world, wish, words):
    wish(world.ala)
    world.does(message_id="m-1")
    page = read(client, world.ala.user, "/activity/m-1/")
    row = Delivery.objects.get(channel="email")
    with timezone.override(world.ala.user.timezone):
        assert words.format(until=due(row.not_before)) in page
    assert "Send now, or change when" in page
    for url in ("/activity/m-1/", "/activity/", "/settings/partners/communication/"):
        page = read(client, world.ala.user, url)
        assert "Waiting for its time" in page and "On its way" not in page, url
    of_the_vendor = read(client, world.gosia.user, "/activity/m-1/")
    assert words.split(",")[0] in of_the_vendor
    assert "Send now" not in of_the_vendor


def test_what_is_told_in_another_message_waits_for_that(client, world):
    wants_a_digest(world.ala)
    world.does(message_id="m-1")
    world.does("jan@acme.example", message_id="m-2")
    assert Delivery.objects.get(channel="email", state="gathered").carrier
    page = read(client, world.ala.user, "/activity/m-2/")
    assert "waits for the next digest" in page
    assert "Waiting for its time" in page


@pytest.mark.parametrize("tried", [{"starts": 1}, {"detail": LEFT_ALONE}])
@pytest.mark.parametrize("wish", [None, wants_a_digest])
def test_what_failed_waits_for_the_next_try(client, world, wish, tried):
    if wish:
        wish(world.ala)
    world.does(message_id="m-1")
    soon = timezone.now() + timedelta(hours=2)
    row = ends(Delivery.objects.get(channel="email"), "pending", **tried)
    Delivery.objects.filter(pk=row.pk).update(not_before=soon)
    page = read(client, world.ala.user, "/activity/m-1/")
    assert "waits for the next try, " in page
    assert "Send now" not in page


def test_what_was_cancelled_waits_no_more(client, world):
    wants_a_digest(world.ala)
    world.does(message_id="m-1")
    world.does("jan@acme.example", message_id="m-2")
    Delivery.objects.filter(state="gathered").update(state="cancelled", done_at=timezone.now())
    assert "next digest" not in read(client, world.ala.user, "/activity/m-2/")


# --- What somebody has not on -----------------------------------------------------------------


def test_the_reader_learns_which_topic_it_was_and_where_to_change_it(client, world):
    choose(world.ala, "email", "registered_lead_activity", False)
    world.does(message_id="m-1")
    link = "/settings/notifications/email/?topic=registered_lead_activity#"
    page = read(client, world.ala.user, "/activity/m-1/")
    assert page.count("Topic: Registered lead activity.") == 2
    assert link in page
    for other in (world.bartek, world.gosia):
        page = read(client, other.user, "/activity/m-1/")
        assert "Topic: Registered lead activity." in page
        assert link not in page


def test_who_has_email_off_is_led_to_it(client, world):
    choose(world.ala, "email", "enabled", False)
    world.does(message_id="m-1")
    link = 'href="/settings/notifications/email/">Change your notifications'
    assert link in read(client, world.ala.user, "/activity/m-1/")
    assert link not in read(client, world.bartek.user, "/activity/m-1/")


def test_nobody_is_led_to_what_their_profile_has_locked(client, world):
    cell = ("email", "registered_lead_activity")
    make_profile(world.northstar, "Sales", world.ala, cells={cell: False}, locked=(cell,))
    world.does(message_id="m-1")
    page = read(client, world.ala.user, "/activity/m-1/")
    assert "Topic: Registered lead activity." in page
    assert "Change your notifications" not in page


def test_the_answer_stands_first(client, world):
    world.does(message_id="m-1")
    page = read(client, world.ala.user, "/activity/m-1/")
    assert page.index("You are told because") < page.index("Who is on it")
