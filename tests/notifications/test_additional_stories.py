"""R38: as what somebody is told, or why not, on the pages."""

import pytest

from tests.factories import make_lead, switch_on
from tests.world import World, read

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    world = World()
    make_lead(world.northstar, "acme.example", company="ACME", owner=world.bartek)
    switch_on(world.northstar, world.ala)
    return world


def story(client, world, reader):
    activity = world.does()
    return read(client, reader.user, f"/activity/{activity.message_id}/")


def test_the_story_says_as_what_somebody_is_told(client, world):
    communication = world.northstar.communication
    communication.additional.create(membership=world.bartek)
    page = story(client, world, world.bartek)
    assert "You are told because you are among those who hear of: ACME." in page
    assert "As an additional recipient." in page
    communication.additional.create()
    page = story(client, world, world.bartek)
    assert "You are told because you look after: ACME." in page
    assert "As the one who looks after the lead." in page


def test_the_story_says_why_not(client, world):
    world.northstar.communication.additional.create(
        membership=world.bartek, triggers=["pricing_view"]
    )
    page = story(client, world, world.bartek)
    assert "Other actions were chosen for this person, not this one." in page


def test_the_leads_page_names_everybody_who_is_told(client, world):
    communication = world.northstar.communication
    communication.additional.create(triggers=["pricing_view"])
    page = read(client, world.ala.user, f"/leads/{world.northstar.leads.get().pk}/")
    assert "Ala is told (" in page
    assert "Bartek is told (" in page
    assert "Additional recipients hear only of the actions chosen for them." in page
    assert "<dt>Looked after by</dt><dd>Bartek</dd>" in page
