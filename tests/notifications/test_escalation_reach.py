"""Escalation that would reach nobody: the page says so."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from notifications.drain import drain
from notifications.models import Absence, Decision
from tests.factories import choose, make_lead, make_member, switch_on
from tests.notifications.test_escalation import time_passes
from tests.queries import assert_constant_queries
from tests.world import World, read

pytestmark = pytest.mark.django_db
URL = "/settings/partners/communication/"
NOBODY = "There is nobody left to tell: no backup recipient, no other admin, and no partner manager"
NOT_NOW = "Whoever would be told next has turned it off, is away, or takes no messages."


@pytest.fixture
def world():
    """Ala, the only admin, is the recipient; Bartek is a member."""
    world = World()
    make_lead(world.northstar, "acme.example")
    world.settings = switch_on(world.northstar, world.ala)
    return world


def set_up(world, **fields):
    for name, value in fields.items():
        setattr(world.settings, name, value)
    world.settings.save()


def says(client, world):
    page = read(client, world.ala.user, URL)
    return NOBODY if NOBODY in page else NOT_NOW if NOT_NOW in page else ""


def is_escalated(world):
    """Whether anybody is in fact told of what nobody has looked at."""
    world.does()
    for _step in range(4):
        time_passes()
        drain(patience_seconds=0)
    return Decision.objects.filter(part="escalation", outcome="send").exists()


def another_admin(world):
    return make_member(world.northstar, "eve@northstar.example", role="admin")


def away(member):
    day = timezone.now().date()
    Absence.objects.create(membership=member, begins=day - timedelta(1), ends=day + timedelta(1))


def silent(member):
    for channel in ("email", "desktop"):
        choose(member, channel, "escalation", False)


CASES = {
    "nobody else is there": (lambda w: None, NOBODY),
    "a backup": (lambda w: set_up(w, backup=w.bartek), ""),
    "another admin": (another_admin, ""),
    "a partner manager": (
        lambda w: make_member(w.vendor, "pat@northwind.example", role="partner_manager"),
        "",
    ),
    "the recipient is no admin": (lambda w: set_up(w, recipient=w.bartek), ""),
    "the other admin hears of everything anyway": (
        lambda w: w.settings.additional.create(membership=another_admin(w)),
        NOBODY,
    ),
    "the other admin hears of another action": (
        lambda w: w.settings.additional.create(
            membership=another_admin(w), triggers=["pricing_view"]
        ),
        "",
    ),
    "the other admin is deactivated": (
        lambda w: make_member(w.northstar, role="admin", active=False),
        NOBODY,
    ),
    "the other admin is away": (lambda w: away(another_admin(w)), NOT_NOW),
    "the other admin has it off": (lambda w: silent(another_admin(w)), NOT_NOW),
    "an admin of another partner": (lambda w: switch_on(w.southwind, w.celina), NOBODY),
    "the backup is told in the recipient's place": (
        lambda w: (choose(w.ala, "email", "enabled", False), set_up(w, backup=w.bartek)),
        NOBODY,
    ),
}


@pytest.mark.parametrize(("arrange", "words"), CASES.values(), ids=CASES)
def test_the_page_says_what_would_happen(client, world, arrange, words):
    set_up(world, escalate_after=1)
    arrange(world)
    assert says(client, world) == words
    assert is_escalated(world) is (not words)


def test_it_says_so_once_it_is_switched_on(client, world):
    assert says(client, world) == ""
    client.post(URL, {"receive_lead_activity": "on", "escalate_after": "4"})
    page = read(client, world.ala.user, URL)
    assert "For leads and clients this reaches nobody else." in page
    assert 'href="#id_backup"' in page
    client.post(URL, {"receive_lead_activity": "on", "backup": str(world.bartek.pk)})
    assert says(client, world) == ""


def test_without_lead_activity_the_admins_hear_of_deals(client, world):
    set_up(world, receive_lead_activity=False, escalate_after=1)
    assert says(client, world) == ""


def test_it_costs_the_same_for_many(client, world):
    set_up(world, escalate_after=1)
    another_admin(world)
    client.force_login(world.ala.user)

    def grow():
        for number in range(3):
            email = f"pat{number}@northwind.example"
            make_member(world.vendor, email, role="partner_manager")
            make_member(world.northstar, role="admin")

    assert_constant_queries(lambda: client.get(URL), grow)
