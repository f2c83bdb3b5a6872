"""Settings → When, the inbox's word on what waits, and the snooze of a lead (R85, R86)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from accounts.models import Membership
from notifications.channels import EMAIL
from notifications.drain import drain
from notifications.models import Delivery, Endpoint, Pace, QuietHours, Snooze
from tests.factories import make_account, make_member, make_webhook
from tests.queries import assert_constant_queries

pytestmark = pytest.mark.django_db
URL = "/settings/when/"
AT_ONCE = {
    f"{channel}-{field}": value
    for channel in ("email", "desktop", "other_apps", "mobile")
    for field, value in (("every", "time"), ("at", "08:00"), ("weekday", "0"))
}
NO_QUIET = {"quiet-begins": "18:00", "quiet-ends": "08:00", "quiet-days": [*"12345"]}
PLAIN = AT_ONCE | NO_QUIET


@pytest.fixture
def page(client, northstar):
    client.force_login(northstar.ala.user)
    return client


def save(page, **fields):
    return page.post(URL, PLAIN | {key.replace("__", "-"): v for key, v in fields.items()})


def test_nothing_is_chosen_at_first(page):
    html = page.get(URL).content.decode()
    assert 'value="time" selected' in html
    assert "checked" not in html[html.index('name="quiet-is_on"') :].partition(">")[0]
    assert "Waiting for you" not in html


def test_a_digest_and_quiet_hours_are_kept(page, northstar):
    answer = save(
        page,
        email__every="week",
        email__at="09:30",
        email__weekday="2",
        mobile__at_any_hour="on",
        quiet__is_on="on",
        quiet__begins="20:00",
        quiet__days=["1", "6"],
        quiet__country="PL",
    )
    assert (answer.status_code, answer.url) == (302, URL)
    pace = Pace.objects.get(channel=EMAIL)
    assert (pace.every, f"{pace.at:%H:%M}", pace.weekday) == ("week", "09:30", 2)
    assert Pace.objects.get(channel="mobile").at_any_hour
    quiet = QuietHours.objects.get(membership=northstar.ala)
    assert (str(quiet), quiet.days, quiet.country) == ("20:00–08:00", "16", "PL")
    html = page.get(URL).content.decode()
    assert 'value="09:30"' in html
    assert '<option value="PL" selected>Poland</option>' in html
    save(page)
    assert not QuietHours.objects.exists()


@pytest.mark.parametrize(
    "bad",
    [
        {"email__at": "25:00"},
        {"email__every": "yearly"},
        {"email__weekday": "9"},
        {"email__most": "0"},
        {"email__most": "51"},
        {"email__most": "many"},
        {"quiet__is_on": "on", "quiet__begins": ""},
        {"quiet__is_on": "on", "quiet__days": []},
        {"quiet__is_on": "on", "quiet__days": ["8"]},
        {"quiet__is_on": "on", "quiet__country": "XX"},
    ],
)
def test_what_makes_no_sense_is_refused_in_words_and_changes_nothing(page, bad):
    answer = save(page, **bad)
    assert answer.status_code == 422
    assert "Not saved." in answer.content.decode()
    assert not Pace.objects.exists()
    assert not QuietHours.objects.exists()


def test_a_limit_of_a_day_is_kept_and_taken_away(page):
    save(page, email__most="5")
    assert Pace.objects.get(channel=EMAIL).most == 5
    assert 'name="email-most" value="5"' in page.get(URL).content.decode()
    save(page, email__most="")
    assert Pace.objects.get(channel=EMAIL).most is None


def test_what_is_urgent_is_said_to_escape_the_limit_alone(page):
    html = page.get(URL).content.decode()
    assert "A demo request, a sign-up and the like are not held back by this limit" in html
    assert "a digest, quiet hours and a pause still apply to them" in html
    assert "always come at once" not in html


def test_the_page_has_the_save_bar_and_says_when_it_gives_back_what_was_refused(page):
    html = page.get(URL).content.decode()
    assert "data-unsaved" in html
    assert f'"{html.count("data-cell")} changes not saved"]' in html
    assert "data-refused" not in html
    assert "data-refused" in save(page, email__most="51").content.decode()


def test_what_waits_is_shown_and_can_be_sent_now(page, northstar):
    save(page, email__every="day")
    northstar.happens()
    northstar.happens()
    drain(patience_seconds=0)
    html = page.get(URL).content.decode()
    assert "2 notifications" in html
    assert "the next digest" in html
    answer = page.post(f"{URL}send/", follow=True)
    assert "1 message is sent now." in answer.content.decode()
    drain(patience_seconds=0)
    assert len(mail.outbox) == 1
    assert "Nothing waits any more." in page.post(f"{URL}send/", follow=True).content.decode()


def test_another_choice_frees_what_waits(page, northstar):
    save(page, email__every="week")
    northstar.happens()
    drain(patience_seconds=0)
    assert mail.outbox == []
    save(page)
    drain(patience_seconds=0)
    assert len(mail.outbox) == 1


def test_a_pause_and_its_end(page, northstar):
    assert (
        "Paused until" in page.post(f"{URL}pause/", {"span": "hour"}, follow=True).content.decode()
    )
    northstar.happens()
    drain(patience_seconds=0)
    assert mail.outbox == []
    assert Delivery.objects.get(channel="desktop").state == "delivered"
    page.post(f"{URL}pause/", {"span": ""})
    drain(patience_seconds=0)
    assert len(mail.outbox) == 1
    assert page.post(f"{URL}pause/", {"span": "century"}).status_code == 400


def test_a_lead_is_snoozed_for_oneself_only(page, northstar):
    bo = make_member(northstar.account, "bo@northstar.example")
    url = f"/leads/{northstar.lead.pk}/"
    answer = page.post(f"{url}snooze/", {"span": "week"}, follow=True)
    assert " is muted until " in answer.content.decode()
    (kept,) = Snooze.objects.all()
    assert (kept.membership, kept.lead) == (northstar.ala, northstar.lead)
    assert timedelta(days=6) < kept.until - timezone.now() < timedelta(days=8)
    page.force_login(bo.user)
    assert "For a week" in page.get(url).content.decode()
    assert page.post(f"{url}snooze/", {"span": "monday"}).status_code == 400


def test_times_are_those_of_the_members_zone(page, northstar):
    user = northstar.ala.user
    user.timezone = "America/New_York"
    user.save()
    save(page, email__every="day", email__at="09:00")
    northstar.happens()
    drain(patience_seconds=0)
    html = page.get(URL).content.decode()
    assert "America/New_York" in html
    assert ", 09:00</time>" in html


def test_the_inbox_says_what_waits(page, northstar):
    save(page, email__every="day")
    northstar.happens()
    drain(patience_seconds=0)
    html = page.get("/inbox/").content.decode()
    assert "1 notification waits" in html


def test_the_page_costs_the_same_whatever_waits(page, northstar):
    def more_waits():
        for _ in range(3):
            northstar.happens()
        drain(patience_seconds=0)

    save(page, email__every="day")
    northstar.happens()
    drain(patience_seconds=0)
    assert_constant_queries(lambda: page.get(URL), more_waits)


# --- The vendor's people --------------------------------------------------------------------


@pytest.fixture
def pat(client):
    """A partner manager, who is logged in."""
    vendor = make_account("northwind", kind="vendor")
    pat = make_member(vendor, "pat@northwind.example", role="partner_manager")
    client.force_login(pat.user)
    return pat


def test_a_partner_manager_is_told_of_escalations_and_keeps_hours_too(client, pat):
    html = client.get(URL).content.decode()
    assert "How often" in html
    assert "Away" not in html  # Nobody stands in for them: every partner manager is told.
    assert 'href="/settings/when/"' in client.get("/settings/profile/").content.decode()
    tab = client.get("/settings/notifications/email/").content.decode()
    assert "At once or in a digest, and your quiet hours" in tab
    assert save(client, email__every="day").status_code == 302
    assert Pace.objects.get(membership=pat, channel=EMAIL).every == "day"


def test_and_connects_apps_and_browsers(client, pat):
    assert "/settings/endpoints/add-slack/" in client.get("/settings/endpoints/").content.decode()
    fields = {"name": "Mine", "address": "https://hooks.example.com/in"}
    assert client.post("/settings/endpoints/add-webhook/", fields).status_code == 302
    assert Endpoint.objects.get().membership == pat
    # Without a subscription, and not because it is none of theirs.
    asked = client.post("/settings/endpoints/devices/", "{}", content_type="application/json")
    assert asked.status_code == 422


def test_and_removes_them_with_another_role(client, pat):
    """There is nothing to be told any more, and none to be added."""
    hook = make_webhook(pat, "https://hooks.example.com/in", name="Mine")
    Membership.objects.filter(pk=pat.pk).update(role="growth_specialist")
    html = client.get("/settings/endpoints/").content.decode()
    assert "Nothing to send there" in html
    assert "/settings/endpoints/add-" not in html
    assert "Remove one to connect another" not in html
    assert "Mine" in html
    assert f'href="/settings/endpoints/{hook.pk}/"' in html
    assert client.post(f"/settings/endpoints/{hook.pk}/remove/").status_code == 302
    assert not Endpoint.objects.exists()


def test_of_nothing_to_be_told_there_is_no_hour(client):
    gosia = make_member(make_account("northwind", kind="vendor"), role="growth_specialist")
    client.force_login(gosia.user)
    assert client.get(URL).status_code == 404
    assert 'href="/settings/when/"' not in client.get("/settings/profile/").content.decode()
