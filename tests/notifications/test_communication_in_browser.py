"""Settings → Partners → Communication, driven as a person would."""

from __future__ import annotations

from functools import partial

import pytest
from playwright.sync_api import expect

from notifications.models import CommunicationSettings

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
COMMUNICATION = "/settings/partners/communication/"


@pytest.fixture
def visit(visit, world):
    """Return a function that opens a page as Ala."""
    return partial(visit, user=world.ala.user)


def stored(world):
    return CommunicationSettings.objects.get(account=world.northstar)


def receive(page):
    return page.get_by_role("switch", name="Receive lead activity notifications")


def recipient(page):
    return page.get_by_role("combobox", name="Select notification recipient")


def test_every_change_saves_at_once(visit, world):
    """R31."""
    page = visit(COMMUNICATION)
    recipient(page).select_option(label="Bartek · bartek@northstar.example")
    expect(page.get_by_text("Saved", exact=True)).to_be_visible()
    assert stored(world).recipient == world.bartek
    receive(page).click()
    expect(page.locator("#history")).to_contain_text("Turned lead activity off")
    expect(recipient(page)).to_be_disabled()
    row = stored(world)
    assert (row.receive_lead_activity, row.recipient) == (False, world.bartek)


def test_a_backup_is_saved_at_once_too(visit, world):
    page = visit(COMMUNICATION)
    backup = page.get_by_role("combobox", name="Backup recipient")
    expect(backup).to_be_hidden()
    page.get_by_text("More recipients").click()
    backup.select_option(label="Bartek · bartek@northstar.example")
    expect(page.locator("#history")).to_contain_text("Changed the backup: nobody → Bartek")
    backup.select_option(label="Ala · ala@northstar.example")
    expect(page.get_by_text("Not saved. This is the recipient already.")).to_be_visible()
    expect(backup).to_have_value(str(world.bartek.pk))
    assert stored(world).backup == world.bartek


def test_a_warning_comes_and_goes_without_a_reload(visit, world):
    page = visit(COMMUNICATION)
    recipient(page).select_option("")
    expect(page.locator("#warning")).to_contain_text("No recipient chosen")
    expect(recipient(page)).to_have_value("")
    expect(page.get_by_role("button", name="Send test e-mail")).to_be_disabled()
    recipient(page).select_option(str(world.ala.pk))
    expect(page.locator("#warning")).to_be_empty()


def test_a_failed_save_puts_the_control_back_and_says_why(visit, world):
    page = visit(COMMUNICATION)
    page.context.set_offline(True)
    receive(page).click()
    expect(page.get_by_text("Not saved: no connection.")).to_be_visible()
    expect(receive(page)).to_be_checked()
    page.context.set_offline(False)
    world.bartek.is_active = False
    world.bartek.save()
    recipient(page).select_option(str(world.bartek.pk))
    expect(page.get_by_text("Not saved. Choose an active member")).to_be_visible()
    expect(recipient(page)).to_have_value(str(world.ala.pk))
    assert stored(world).recipient == world.ala


def test_whom_the_arrow_keys_only_pass_by_is_not_chosen(visit, world):
    CommunicationSettings.objects.update(recipient=None)
    page = visit(COMMUNICATION)
    recipient(page).focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    expect(page.locator("#history li")).to_have_count(1)
    expect(page.locator("#history")).to_contain_text("nobody → Bartek")
    assert stored(world).recipient == world.bartek


def test_what_is_true_in_each_state_is_said(visit, world):
    page = visit(COMMUNICATION)
    expect(page.get_by_text("This person gets an e-mail")).to_be_visible()
    receive(page).click()
    expect(page.get_by_text("Switched off: nobody gets an e-mail.")).to_be_visible()
    expect(page.get_by_text("Nothing is sent about clients either")).to_be_visible()
    expect(page.get_by_role("button", name="Send test e-mail")).to_be_disabled()
    receive(page).click()
    expect(page.get_by_role("button", name="Send test e-mail")).to_be_enabled()


def test_two_quick_changes_are_both_kept(visit, world):
    page = visit(COMMUNICATION)
    recipient(page).select_option(str(world.bartek.pk))
    page.get_by_role("switch", name="Also about our clients").click()
    expect(page.locator("#history")).to_contain_text("Turned client activity off")
    row = stored(world)
    assert (row.recipient, row.client_activity) == (world.bartek, False)


def test_what_a_colleague_changed_meanwhile_stays(visit, world):
    page, colleague = visit(COMMUNICATION), visit(COMMUNICATION)
    clients = "Also about our clients"
    colleague.get_by_role("switch", name=clients).click()
    expect(colleague.get_by_text("Saved", exact=True)).to_be_visible()
    recipient(page).select_option(label="Bartek · bartek@northstar.example")
    expect(page.get_by_text("Saved", exact=True)).to_be_visible()
    expect(page.get_by_role("switch", name=clients)).not_to_be_checked()
    row = stored(world)
    assert (row.recipient, row.client_activity) == (world.bartek, False)
    # What this page shows now is what its next change starts from.
    page.get_by_role("switch", name=clients).click()
    expect(page.locator("#history")).to_contain_text("Turned client activity on")
    assert stored(world).client_activity


def test_the_page_works_without_javascript(visit, world):
    """Switching on and choosing is one step."""
    CommunicationSettings.objects.update(receive_lead_activity=False, recipient=None)
    page = visit(COMMUNICATION, java_script_enabled=False)
    receive(page).click()
    recipient(page).select_option(str(world.bartek.pk))
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved", exact=True)).to_be_visible()
    row = stored(world)
    assert (row.receive_lead_activity, row.recipient) == (True, world.bartek)
    expect(page.get_by_text("Save first: the test uses what is saved.")).to_be_visible()
