"""A visit that has ended: closed once, summed up in the bell and where its reader wants that."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from notifications.channels import DESKTOP, EMAIL, MOBILE, OTHER_APPS, SLACK
from notifications.drain import drain
from notifications.evaluation import evaluate_due
from notifications.inbox.selectors import inbox, newest
from notifications.invariants import broken
from notifications.models import Decision, Delivery, EmailCount, Notification, Preference, Visit
from notifications.services import unsubscribe
from notifications.topics import LEAD_ACTIVITY, VISIT_SUMMARY
from notifications.unsubscribe import read_token
from notifications.visits import closing
from notifications.visits.closing import end_visits
from tests.accounts.test_at_once import at_once
from tests.factories import choose, make_chat, make_contact, make_device, make_member, make_webhook
from tests.northstar import Northstar
from tests.notifications.visiting import time_passes, views, walks
from tests.push import BrowserKeys
from tests.queries import assert_constant_queries

pytestmark = pytest.mark.django_db
PAGES = ("/docs", "/customers", "/demo")
SUMMARY = "4 pages in 3 min, from “Pricing” to “Demo”"


@pytest.fixture
def wanted(northstar):
    """Ala wants summaries by e-mail."""
    choose(northstar.ala, EMAIL, VISIT_SUMMARY, True)
    return northstar


def ends(northstar, *pages: str) -> None:
    """Let a visit happen, be told, and end."""
    walks(northstar, *(pages or PAGES))
    drain(patience_seconds=0)
    time_passes()
    drain(patience_seconds=0)


def test_the_item_closes_with_a_summary_and_nobody_is_disturbed(northstar):
    ends(northstar)
    assert [item.visit for item in newest(northstar.ala)] == [SUMMARY]
    assert Visit.objects.get().ended_at
    assert len(mail.outbox) == Notification.objects.count() == 1
    assert sum(broken().values()) == 0


def test_a_short_visit_keeps_its_line(wanted):
    ends(wanted, "/docs", "/demo")
    assert [item.visit for item in newest(wanted.ala)] == ["… and 2 more pages, last: “Demo”"]
    assert len(mail.outbox) == 1


def test_nothing_is_closed_before_its_time(northstar):
    walks(northstar, *PAGES)
    assert end_visits() == 0
    assert not Visit.objects.get().ended_at


def test_what_comes_afterwards_is_no_part_of_it(northstar):
    ends(northstar)
    views(northstar, "/more")
    evaluate_due()
    assert Visit.objects.get().steps == 4


def test_who_chose_it_gets_one_mail_more(wanted):
    ends(wanted)
    told, letter = mail.outbox
    assert letter.subject == f"ACME: anna@acme.example, {SUMMARY}"
    assert f"anna@acme.example (ACME): {SUMMARY}." in letter.body
    assert "Turn off summaries of visits" in letter.body
    assert letter.extra_headers["References"] == told.extra_headers["References"]
    assert letter.extra_headers["List-Id"].startswith("<visit-summary.")
    assert inbox(wanted.ala).count() == 1  # The bell has it in the item.
    assert EmailCount.objects.get().count == 2
    assert Decision.objects.filter(outcome="send").count() == 1
    assert sum(broken().values()) == 0


def test_its_unsubscribe_link_ends_the_summaries_alone(wanted):
    ends(wanted)
    url = mail.outbox[1].extra_headers["List-Unsubscribe"].strip("<>")
    found = read_token(url.rstrip("/").rpartition("/")[2])
    assert found == (wanted.ala.pk, (VISIT_SUMMARY,))
    unsubscribe(wanted.ala, [VISIT_SUMMARY])
    row = Preference.objects.get()
    assert (row.key, row.is_on, row.unsubscribed) == (VISIT_SUMMARY, False, True)


def test_the_page_of_that_link_says_what_ends(wanted, client):
    ends(wanted)
    path = "/u/" + mail.outbox[1].extra_headers["List-Unsubscribe"].strip("<>").split("/u/")[1]
    assert "Summary of a visit" in client.get(path).content.decode()


@pytest.mark.parametrize("why", ["switch", "topic", "registration", "recipient"])
def test_what_does_not_hold_any_more_is_not_sent(wanted, why):
    walks(wanted, *PAGES)
    drain(patience_seconds=0)
    time_passes()
    end_visits()
    if why == "switch":
        Preference.objects.all().delete()
    elif why == "topic":
        choose(wanted.ala, EMAIL, LEAD_ACTIVITY, False)
    elif why == "registration":
        wanted.lead.status = "invalid"
        wanted.lead.save()
    else:
        wanted.settings.recipient = make_member(wanted.account, "bo@northstar.example")
        wanted.settings.save()
    drain(patience_seconds=0)
    assert len(mail.outbox) == 1
    # What was told stays told, and nobody else is told of the beginning now.
    assert set(Decision.objects.values_list("outcome", flat=True)) == {"send"}
    assert EmailCount.objects.get().count == 1
    assert sum(broken().values()) == 0


def test_a_summary_that_fails_says_nothing_of_the_activity(wanted, client, settings):
    walks(wanted, *PAGES)
    drain(patience_seconds=0)
    settings.EMAIL_BACKEND = "tests.notifications.test_waiting_together.Refusing"
    time_passes()
    drain(patience_seconds=0)
    assert Delivery.objects.get(notification__is_summary=True).state == "dead"
    client.force_login(wanted.ala.user)
    assert "Could not be delivered" not in client.get("/activity/").content.decode()


def test_the_daily_limit_holds_for_it_too(wanted, settings):
    settings.EMAIL_DAILY_CAP = 1
    ends(wanted)
    assert len(mail.outbox) == 1


def test_a_stronger_action_is_told_and_there_is_one_summary(wanted):
    walks(wanted, *PAGES)
    wanted.happens()
    drain(patience_seconds=0)
    time_passes()
    drain(patience_seconds=0)
    subjects = [letter.subject for letter in mail.outbox]
    assert len(subjects) == 3
    assert "5 actions in 4 min, from “Pricing” to “Requested a demo”" in subjects[2]


def test_everybody_who_was_told_hears_of_the_end_as_they_want(wanted):
    bo = make_member(wanted.account, "bo@northstar.example")
    choose(wanted.ala, EMAIL, LEAD_ACTIVITY, False)
    wanted.settings.backup = bo
    wanted.settings.save()
    choose(bo, EMAIL, VISIT_SUMMARY, True)
    ends(wanted)
    assert [letter.to for letter in mail.outbox] == [["bo@northstar.example"]] * 2
    assert "You are the backup recipient" in mail.outbox[1].body
    assert sum(broken().values()) == 0


# --- Apps and phones ------------------------------------------------------------------------


def test_a_webhook_hears_of_it_as_an_event_of_its_own(northstar, hook, sink):
    choose(northstar.ala, OTHER_APPS, VISIT_SUMMARY, True)
    ends(northstar)
    told, ended = [json.loads(request.body) for request in sink.requests]
    assert (told["type"], ended["type"]) == ("lead.activity", "lead.visit_ended")
    visit = ended["data"]["visit"]
    assert (visit["activities"], visit["pages"]) == (4, 4)
    assert visit["started_at"] < visit["ended_at"]
    assert ended["data"]["person"]["email"] == "anna@acme.example"
    assert "page" not in ended["data"]
    assert len({request.headers["webhook-id"] for request in sink.requests}) == 2


def test_a_webhook_that_fails_sends_no_mail_instead(northstar, sink):
    choose(northstar.ala, OTHER_APPS, VISIT_SUMMARY, True)
    choose(northstar.ala, EMAIL, LEAD_ACTIVITY, True)
    make_webhook(northstar.ala, f"{sink.url}/hook")
    walks(northstar, *PAGES)
    drain(patience_seconds=0)
    sink.answer = lambda _request: (410, {}, b"")
    time_passes()
    drain(patience_seconds=0)
    summaries = Delivery.objects.filter(notification__is_summary=True)
    assert list(summaries.values_list("channel", "state")) == [("other_apps", "dead")]


def test_a_chat_gets_one_closing_message(northstar, sink):
    choose(northstar.ala, OTHER_APPS, VISIT_SUMMARY, True)
    make_chat(northstar.ala, SLACK, f"{sink.url}/services/T0/B0/x", teaser=True)
    ends(northstar)
    assert len(sink.requests) == 2
    text = sink.requests[1].body.decode()
    assert "A visit has ended: 4 pages in 3 min" in text
    assert "anna" not in text.lower()


@pytest.mark.parametrize("channel", [MOBILE, DESKTOP])
def test_a_push_takes_the_place_of_the_first_one_quietly(northstar, sink, channel):
    browser = BrowserKeys()
    make_device(northstar.ala, f"{sink.url}/phone", browser.keys, channel=channel)
    choose(northstar.ala, channel, VISIT_SUMMARY, True)
    ends(northstar)
    told, ended = [browser.read(request.body) for request in sink.requests]
    assert ended["tag"] == told["tag"]
    assert (told["silent"], ended["silent"]) == (False, True)
    assert ended["title"] == "A visit has ended: 4 pages in 3 min"
    first, second = sink.requests
    assert second.headers["topic"] == first.headers["topic"]
    assert (first.headers["urgency"], second.headers["urgency"]) == ("high", "low")


def test_the_desktop_without_a_browser_has_nothing_to_sum_up(northstar):
    """The bell shows in the first message how the visit went on."""
    choose(northstar.ala, DESKTOP, VISIT_SUMMARY, True)
    ends(northstar)
    assert not Notification.objects.filter(is_summary=True).exists()


def test_a_summary_to_a_browser_is_no_second_item_in_the_bell(northstar, sink):
    make_device(northstar.ala, f"{sink.url}/laptop", BrowserKeys().keys, channel=DESKTOP)
    choose(northstar.ala, DESKTOP, VISIT_SUMMARY, True)
    ends(northstar)
    (told,) = Delivery.objects.filter(notification__is_summary=True)
    assert (told.channel, told.is_bell, told.state) == (DESKTOP, False, "delivered")
    assert sum(broken().values()) == 0


def test_a_push_with_names_says_who_and_where(northstar, sink):
    browser = BrowserKeys()
    make_device(northstar.ala, f"{sink.url}/phone", browser.keys)
    for key in (VISIT_SUMMARY, "names"):
        choose(northstar.ala, MOBILE, key, True)
    ends(northstar)
    title = browser.read(sink.requests[1].body)["title"]
    assert title == f"anna@acme.example (ACME): {SUMMARY}"


# --- Pages ----------------------------------------------------------------------------------


def test_the_timelines_and_the_inbox_show_it(northstar, client):
    ends(northstar)
    client.force_login(northstar.ala.user)
    for url in ("/activity/", f"/leads/{northstar.lead.pk}/"):
        html = client.get(url).content.decode()
        assert html.count(f"The visit that began here: {SUMMARY}") == 1
    for url in ("/inbox/", "/inbox/panel/"):
        assert SUMMARY in client.get(url).content.decode()


def test_in_polish(northstar, client):
    northstar.ala.user.language = "pl"
    northstar.ala.user.save()
    ends(northstar)
    client.force_login(northstar.ala.user)
    html = client.get("/inbox/").content.decode()
    assert "4 strony w 3 min, od „Pricing” do „Demo”" in html


def test_the_timeline_costs_the_same_with_many_visits(northstar, client):
    ends(northstar)
    client.force_login(northstar.ala.user)

    def grow() -> None:
        for n in range(4):
            contact = make_contact(f"p{n}@acme.example")
            northstar.happens(contact=contact)
            for page in PAGES:
                views(northstar, page, contact=contact)
        evaluate_due()
        time_passes()
        end_visits()

    assert_constant_queries(lambda: client.get("/activity/"), grow)


def test_the_switch_stands_on_every_tab_and_is_off(northstar, client):
    client.force_login(northstar.ala.user)
    for tab in ("email", "desktop", "other-apps", "mobile"):
        html = client.get(f"/settings/notifications/{tab}/").content.decode()
        name = f'name="{tab.replace("-", "_")}-{VISIT_SUMMARY}"'
        assert "checked" not in html[html.index(name) :].partition(">")[0]


# --- Several at once, and many --------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_four_workers_close_a_visit_once():
    northstar = Northstar()
    choose(northstar.ala, EMAIL, VISIT_SUMMARY, True)
    walks(northstar, *PAGES)
    drain(patience_seconds=0)
    time_passes()
    assert at_once(*[end_visits] * 4) == [None] * 4
    drain(patience_seconds=0)
    assert len(mail.outbox) == 2
    assert Notification.objects.filter(is_summary=True).count() == 1


def test_one_that_cannot_be_summed_up_stops_no_other(wanted):
    """A newer version may have known the word."""
    walks(wanted, *PAGES)
    jan = make_contact("jan@acme.example")
    wanted.happens(contact=jan)
    for page in PAGES:
        views(wanted, page, contact=jan)
    evaluate_due()
    first, second = Visit.objects.order_by("pk")
    first.notifications.get().reasons.update(part="unheard-of")
    time_passes()
    assert end_visits() == 2
    assert not Visit.objects.filter(ended_at=None).exists()
    assert Notification.objects.get(is_summary=True).visit == second


def test_after_an_outage_only_what_lies_beside_it_is_closed_one_by_one(wanted, monkeypatch):
    """Begun first and over last: it meets the batches of the others no sooner than its own."""
    monkeypatch.setattr(closing, "BATCH_SIZE", 2)
    people = [make_contact(f"p{n}@acme.example") for n in range(6)]
    for contact in people:
        wanted.happens(contact=contact)
        for page in PAGES:
            views(wanted, page, contact=contact)
    evaluate_due()
    for n, visit in enumerate(Visit.objects.order_by("-pk")):
        Visit.objects.filter(pk=visit.pk).update(due_at=timezone.now() - timedelta(minutes=9 - n))
    bad = Visit.objects.earliest("pk")
    bad.notifications.get().reasons.update(part="unheard-of")
    with CaptureQueriesContext(connection) as caught:
        assert end_visits() == 6
    closed = [q for q in caught if q["sql"].startswith('UPDATE "notifications_visit"')]
    # Two batches; the third, taken back; its two visits; the bad one, taken back and closed.
    assert len(closed) == 2 + 1 + 2 + 1
    assert not Visit.objects.filter(ended_at=None).exists()


def test_a_visit_that_goes_on_is_not_closed_by_who_comes_late(northstar):
    walks(northstar, *PAGES)
    time_passes()
    views(northstar, "/more")
    evaluate_due()
    assert end_visits() == 0
    assert Visit.objects.get().due_at > timezone.now() + timedelta(minutes=29)


def test_many_summaries_cost_as_many_queries_as_one(wanted):
    def closing(people: int) -> int:
        for n in range(people):
            contact = make_contact(f"p{people}-{n}@acme.example")
            wanted.happens(contact=contact)
            for page in PAGES:
                views(wanted, page, contact=contact)
        evaluate_due()
        time_passes()
        with CaptureQueriesContext(connection) as caught:
            assert end_visits() == people
        return len(caught)

    closing(1)
    assert closing(2) == closing(20)
