"""Additional recipients, as a person adds, limits and takes them off (R31, R38, R102)."""

from __future__ import annotations

from functools import partial

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from notifications.models import AdditionalRecipient
from tests.factories import make_lead, make_member, switch_on
from tests.sinks import wait_until
from tests.world import World

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
COMMUNICATION = "/settings/partners/communication/"


@pytest.fixture
def world():
    world = World()
    make_lead(world.northstar, "acme.example", company="ACME")
    switch_on(world.northstar, world.ala)
    return world


@pytest.fixture
def visit(visit, world):
    return partial(visit, user=world.ala.user)


def add(world, *triggers, member=None):
    additional = world.northstar.communication.additional
    return additional.create(membership=member or world.bartek, triggers=list(triggers))


def stored():
    rows = AdditionalRecipient.objects.order_by("pk")
    return [(row.membership and row.membership.user.name, row.triggers) for row in rows]


def test_somebody_is_added_limited_and_taken_off_without_a_reload(visit, world):
    page = visit(COMMUNICATION)
    page.get_by_text("More recipients").click()
    page.get_by_label("Add somebody").select_option(label="Bartek · bartek@northstar.example")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_text("Saved", exact=True)).to_be_visible()
    row = page.locator(".additional-list > li")
    expect(row).to_contain_text("Every action")
    row.get_by_text("Choose actions").click()
    row.get_by_label("Every action").click()
    row.get_by_label("Requested a demo").click()
    expect(row.get_by_text("Only: Requested a demo", exact=True)).to_be_visible()
    expect(row.get_by_label("Requested a demo")).to_be_focused()
    expect(page.locator("#history li")).to_have_count(2)
    assert stored() == [("Bartek", ["demo_request"])]
    row.get_by_role("button", name="Take off Bartek").click()
    expect(row).to_have_count(0)
    expect(page.locator("#additional-title")).to_be_focused()
    assert stored() == []


def test_quick_clicks_are_one_change(visit, world):
    add(world, "pricing_view", "demo_request", "crm_signup")
    page = visit(COMMUNICATION)
    page.get_by_text("Choose actions").click()
    for name in ("Viewed pricing page", "Signed up for the CRM"):
        page.get_by_label(name).click()
    expect(page.get_by_text("Only: Requested a demo", exact=True)).to_be_visible()
    expect(page.locator("#history li")).to_have_count(1)
    assert stored() == [("Bartek", ["demo_request"])]


def test_the_box_for_every_action_goes_with_the_others(visit, world):
    add(world)
    page = visit(COMMUNICATION)
    page.get_by_text("Choose actions").click()
    every, demo = page.get_by_label("Every action"), page.get_by_label("Requested a demo")
    expect(demo).to_be_checked()
    demo.click()
    expect(every).to_be_checked(indeterminate=True)
    expect(page.get_by_text("Only: ")).not_to_contain_text("Requested a demo")
    demo.click()
    expect(every).to_be_checked()
    expect(page.locator(".additional-list .row-text")).to_contain_text("Every action")
    assert stored() == [("Bartek", [])]


def test_what_was_just_ticked_is_saved_when_the_page_is_left(visit, world):
    add(world, "demo_request")
    page = visit(COMMUNICATION)
    page.get_by_text("Choose actions").click()
    page.get_by_label("Viewed pricing page").click()
    page.goto("about:blank")
    wait_until(lambda: stored() == [("Bartek", ["demo_request", "pricing_view"])], what="the ticks")


def test_the_last_action_is_put_back_and_the_page_says_why(visit, world):
    add(world, "demo_request")
    page = visit(COMMUNICATION)
    page.get_by_text("Choose actions").click()
    page.get_by_label("Requested a demo").click()
    status = page.locator("[data-autosave-status]")
    expect(status).to_have_text("Tick at least one action, or take the person off.")
    expect(status).to_have_attribute("data-tone", "hint")
    page.get_by_label("Add somebody").focus()
    expect(status).to_have_text("Not saved. Tick at least one action, or take the person off.")
    expect(status).to_have_attribute("data-tone", "bad")
    expect(page.get_by_label("Requested a demo")).to_be_checked()
    page.context.set_offline(True)
    page.get_by_label("Viewed pricing page").click()
    expect(page.get_by_text("Not saved: no connection.")).to_be_visible()
    expect(page.get_by_label("Viewed pricing page")).not_to_be_checked()
    assert stored() == [("Bartek", ["demo_request"])]


def test_all_of_it_works_without_scripts(visit, world):
    page = visit(COMMUNICATION, java_script_enabled=False)
    page.get_by_text("More recipients").click()
    page.get_by_label("Add somebody").select_option(label="Whoever looks after the lead")
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_text("Choose actions").click()
    page.get_by_label("Every action").uncheck()
    page.get_by_label("Viewed pricing page").uncheck()
    page.locator(".additional-more").get_by_role("button", name="Save").click()
    ((name, triggers),) = stored()
    assert (name, "pricing_view" in triggers, "demo_request" in triggers) == (None, False, True)
    page.get_by_role("button", name="Take off Whoever looks after the lead").click()
    expect(page.locator(".additional-list")).to_have_count(0)
    assert stored() == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [(1280, 900), (390, 800), (320, 640)], ids=str)
@pytest.mark.parametrize("language", ["en", "pl"])
def test_the_list_passes_axe_and_does_not_scroll_sideways(visit, world, scheme, size, language):
    """R102, R103; for who may change it, and for who may not."""
    width, height = size
    long_name = make_member(world.northstar, f"{'aleksandra-' * 5}@northstar.example", active=False)
    add(world, "demo_request", "pricing_view")
    add(world, member=long_name)
    for member in (world.ala, world.bartek):
        member.user.language = language
        member.user.save()
        viewport = {"width": width, "height": height}
        page = visit(COMMUNICATION, user=member.user, viewport=viewport, color_scheme=scheme)
        for summary in page.locator(".additional-more > summary").all():
            summary.click()
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
