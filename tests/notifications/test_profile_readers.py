"""What a profile sets, as its member reads it, and as an admin reads it for a member."""

from __future__ import annotations

import pytest

from notifications.selectors import wishes_of
from notifications.topics import LEAD_ACTIVITY
from tests.factories import choose, make_member, make_profile
from tests.notifications.test_preferences_page import shown
from tests.notifications.test_profile_pages import MAIL_OF_DEALS
from tests.world import World, read

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    return World()


# --- The member's own page ---------------------------------------------------------------


def test_the_members_page_says_whose_word_each_cell_is(client, world):
    make_profile(
        world.northstar,
        "Sales",
        world.bartek,
        cells={MAIL_OF_DEALS: True, ("email", "enabled"): True, ("email", LEAD_ACTIVITY): False},
        locked=(("email", "enabled"),),
    )
    page = "/settings/notifications/email/"
    html = read(client, world.bartek.user, page)
    assert "Default from profile “Sales”." in html
    assert "Required: profile “Sales”" in html
    assert html.count("Profile “Sales”") == 2
    choose(world.bartek, *MAIL_OF_DEALS, False)
    html = read(client, world.bartek.user, page)
    assert "Default from profile “Sales” – you changed 1." in html
    assert "Your choice; on in the profile" in html
    assert "Reset to the profile" in html


def test_what_is_locked_cannot_be_posted(client, world):
    make_profile(
        world.northstar,
        "Sales",
        cells={("email", "enabled"): True},
        locked=(("email", "enabled"),),
        is_default=True,
    )
    page = "/settings/notifications/email/"
    data = shown(read(client, world.bartek.user, page))
    data.pop("email-enabled", None)
    client.post(page, data)
    assert wishes_of(world.bartek).choices == {}


def test_without_a_profile_the_page_is_as_it_was(client, world):
    html = read(client, world.ala.user, "/settings/notifications/email/")
    assert "profile “" not in html and "Reset to the profile" not in html


# --- View as user -----------------------------------------------------------------------------


def test_an_admin_sees_what_counts_for_a_member_and_who_says_so(client, world):
    make_profile(
        world.northstar,
        "Sales",
        world.bartek,
        cells={MAIL_OF_DEALS: True, ("email", "enabled"): True},
        locked=(("email", "enabled"),),
    )
    choose(world.bartek, *MAIL_OF_DEALS, False)
    page = f"/settings/users/{world.bartek.pk}/notifications/email/"
    assert page in read(client, world.ala.user, "/settings/users/")
    html = read(client, world.ala.user, page)
    assert "Default from profile “Sales” – 1 changed." in html
    assert "Own choice; on in the profile" in html
    assert "Required: profile “Sales”" in html
    assert "Delivery problems" not in html  # Bartek is no admin.
    boxes = html.count("data-cell")
    assert boxes and html.count("disabled") >= boxes
    assert "data-save" not in html and "Your choice" not in html
    assert client.post(page).status_code == 405


def test_a_deactivated_member_is_said_to_get_nothing(client, world):
    zoe = make_member(world.northstar, name="Zoe", active=False)
    page = f"/settings/users/{zoe.pk}/notifications/desktop/"
    assert "Deactivated: none of it is sent." in read(client, world.ala.user, page)
