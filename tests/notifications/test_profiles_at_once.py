"""Two admins save at the same moment: nobody undoes what the other one did."""

from __future__ import annotations

import pytest
from django.test import Client

from notifications.models import Profile
from notifications.topics import CO_SELLING
from tests.accounts.test_at_once import at_once
from tests.factories import make_member
from tests.notifications.test_profile_pages import URL, cells, form_of, url
from tests.world import World

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def admins():
    """Ala, and another admin of her account."""
    world = World()
    return world.ala, make_member(world.northstar, role="admin")


def test_what_both_change_is_kept(admins):
    profile = Profile.objects.create(account=admins[0].account, name="Sales")
    pages = []
    for admin, channel in zip(admins, ("email", "desktop"), strict=True):
        client = Client()
        data = form_of(client, admin, profile, **{f"{channel}-{CO_SELLING}": "on"})
        pages.append((client, data | {"confirmed": "1"}))
    save = [lambda c=client, d=data: c.post(url(profile), d) for client, data in pages]
    assert at_once(*save) == [None] * 2
    assert {cell for cell, (is_on, _) in cells(profile).items() if is_on} == {
        ("email", CO_SELLING),
        ("desktop", CO_SELLING),
    }


def test_one_of_two_takes_the_name(admins):
    clients = [Client(), Client()]
    for client, admin in zip(clients, admins, strict=True):
        client.force_login(admin.user)
    codes = []
    make = [lambda c=c: codes.append(c.post(URL, {"name": "Sales"}).status_code) for c in clients]
    assert at_once(*make) == [None] * 2
    assert sorted(codes) == [302, 422]
    assert Profile.objects.count() == 1
