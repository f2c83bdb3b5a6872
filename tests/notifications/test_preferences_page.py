"""Settings → Notifications (R62-R71, R78)."""

import re

import pytest

from notifications.models import CommunicationSettings, Preference
from notifications.services import save_preferences
from tests.factories import choose, switch_on
from tests.queries import assert_constant_queries
from tests.world import World

pytestmark = pytest.mark.django_db
URL = "/settings/notifications/email/"
TOPIC = "co_selling_prospect_activity"


@pytest.fixture
def world():
    return World()


def page(client, who, url=URL):
    client.force_login(who.user)
    answer = client.get(url)
    assert answer.status_code == 200
    return answer.content.decode()


def shown(html):
    """Return what a browser would post if nobody touched anything."""
    fields = {}
    for element in re.findall(r"<input[^>]*>", html):
        attributes = dict(re.findall(r'(\w[\w-]*)="([^"]*)"', element))
        name = attributes.get("name", "")
        if name.startswith("initial-"):
            fields[name] = attributes["value"]
        elif "data-cell" in element and " checked" in element:
            fields[name] = "on"
    return fields


def rows():
    return set(Preference.objects.values_list("channel", "key", "is_on"))


def test_the_start_leads_to_the_email_tab(client, world):
    client.force_login(world.ala.user)
    assert client.get("/settings/notifications/").url == URL
    assert client.get("/settings/notifications/fax/").status_code == 404


def test_four_tabs_of_which_one_is_chosen(client, world):
    html = page(client, world.ala, "/settings/notifications/other-apps/")
    tabs = re.findall(r'role="tab"[^>]*aria-selected="(\w+)"[^>]*>([^<]*)<', html)
    assert [label for _selected, label in tabs] == ["Email", "Desktop", "Other apps", "Mobile app"]
    assert [selected for selected, _label in tabs] == ["false", "false", "true", "false"]


def test_the_group_carries_the_vendors_name_and_the_topic_its_own(client, world):
    html = page(client, world.ala)
    assert "Northwind Partners" in html
    assert ">Co Selling Prospect Activity</label>" in html
    assert "2 of 3 on" in html


def test_ticking_a_topic_on_one_tab_changes_that_channel_only(client, world):
    """R66."""
    data = shown(page(client, world.ala)) | {f"email-{TOPIC}": "on"}
    answer = client.post(URL, data)
    assert (answer.status_code, answer.url) == (302, URL)
    assert rows() == {("email", TOPIC, True)}


def test_what_equals_the_default_needs_no_row(client, world):
    choose(world.ala, "email", TOPIC, True)
    data = shown(page(client, world.ala))
    del data[f"email-{TOPIC}"]
    client.post(URL, data)
    assert rows() == set()


def test_changes_of_several_tabs_are_saved_together(client, world):
    data = shown(page(client, world.ala)) | {f"desktop-{TOPIC}": "on", "mobile-enabled": "on"}
    del data["email-enabled"]
    client.post(URL, data)
    assert rows() == {
        ("desktop", TOPIC, True),
        ("mobile", "enabled", True),
        ("email", "enabled", False),
    }


def test_the_master_switch_keeps_the_ticks(client, world):
    """R67."""
    choose(world.ala, "email", TOPIC, True)
    data = shown(page(client, world.ala))
    del data["email-enabled"]
    client.post(URL, data)
    assert rows() == {("email", TOPIC, True), ("email", "enabled", False)}


def test_an_old_page_does_not_undo_what_changed_elsewhere(client, world):
    data = shown(page(client, world.ala)) | {f"desktop-{TOPIC}": "on"}
    choose(world.ala, "email", "registered_lead_activity", False)
    client.post(URL, data)
    assert rows() == {
        ("email", "registered_lead_activity", False),
        ("desktop", TOPIC, True),
    }


def test_a_plain_post_says_all_of_its_tab_and_nothing_of_the_others(client, world):
    """Without the hidden fields of what was shown, what is stored is the measure."""
    choose(world.ala, "email", TOPIC, True)
    client.force_login(world.ala.user)
    plain = {"email-enabled": "on", "email-escalation": "on"}
    client.post(URL, plain | {"email-registered_lead_activity": "on"})
    assert rows() == set()
    client.post(URL, plain | {f"email-{TOPIC}": "on"})
    assert rows() == {("email", TOPIC, True), ("email", "registered_lead_activity", False)}
    client.post("/settings/notifications/desktop/", {f"desktop-{TOPIC}": "on"})
    assert ("desktop", "bell", False) in rows()
    assert ("email", TOPIC, True) in rows()


def test_opening_the_page_changes_nothing(client, world):
    page(client, world.ala)
    assert rows() == set()


def test_the_vendors_people_have_no_partner_topics(client, world):
    """R1."""
    html = page(client, world.gosia)
    assert "Co Selling Prospect Activity" not in html
    client.post(URL, {"email-enabled": "on", f"email-{TOPIC}": "on"})
    assert rows() == set()


def test_preferences_belong_to_the_membership(client, world):
    data = shown(page(client, world.ala)) | {f"email-{TOPIC}": "on"}
    client.post(URL, data)
    assert Preference.objects.get().membership == world.ala


def test_an_outsider_is_told_why_there_is_nothing(client, world):
    client.force_login(world.obcy)
    answer = client.get(URL)
    assert answer.status_code == 403
    assert "not a member of any account" in answer.content.decode()


def test_an_unverified_address_is_said(client, world):
    assert "Not verified" not in page(client, world.ala)
    world.ala.user.emailaddress_set.update(verified=False)
    assert "Not verified" in page(client, world.ala)


def test_saving_costs_the_same_for_one_cell_and_for_many(world):
    one = {("email", TOPIC): True}
    all_cells = one | {("desktop", TOPIC): True, ("email", "enabled"): False}
    cells = iter([one, one, all_cells])
    assert assert_constant_queries(lambda: save_preferences(world.ala, next(cells)), int) <= 6


def test_only_admins_choose_about_delivery_problems(client, world):
    assert "Delivery problems" in page(client, world.ala)
    assert "Delivery problems" not in page(client, world.bartek)


def test_what_cannot_be_switched_off_is_shown_locked(client, world):
    """R72."""
    html = page(client, world.bartek)
    assert html.count("Always sent") == 1
    assert "Password resets and invitations" in html


# --- The account's recipient --------------------------------------------------------------


def saved(client, who, *, without):
    """Save the e-mail tab without these, and return what is said."""
    data = shown(page(client, who))
    answer = client.post(URL, {k: v for k, v in data.items() if k not in without}, follow=True)
    return [str(message) for message in answer.context["messages"]]


@pytest.mark.parametrize("cell", ["email-enabled", "email-registered_lead_activity"])
def test_the_recipient_is_warned_who_lets_no_lead_email_through(client, world, cell):
    """A member without rights is as much warned as an admin."""
    switch_on(world.northstar, world.bartek)
    assert saved(client, world.bartek, without=())[1:] == []
    _saved, warning = saved(client, world.bartek, without=(cell,))
    assert warning == (
        "Northstar Agency has chosen you for its e-mails about leads, and they are off. "
        "None reaches you until you turn them on again."
    )
    assert saved(client, world.ala, without=(cell,))[1:] == []


def test_no_recipient_is_warned_while_the_account_wants_no_lead_emails(client, world):
    CommunicationSettings.objects.create(account=world.northstar, recipient=world.bartek)
    assert saved(client, world.bartek, without=("email-enabled",))[1:] == []
