"""One evolving notification per visit: what follows updates it and makes no new message."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from notifications.drain import drain
from notifications.evaluation import evaluate_due
from notifications.inbox.selectors import bell, newest
from notifications.inbox.services import mark_all_read
from notifications.invariants import broken
from notifications.models import (
    CommunicationSettings,
    Decision,
    Delivery,
    Notification,
    Visit,
)
from notifications.stream import look
from notifications.visits import following
from notifications.visits.closing import end_visits
from partners.services.erase import erase_person
from tests.accounts.test_at_once import at_once
from tests.factories import (
    choose,
    make_account,
    make_activity,
    make_client,
    make_contact,
    make_lead,
    make_member,
    switch_on,
)
from tests.northstar import Northstar
from tests.notifications.visiting import time_passes, views, walks

pytestmark = pytest.mark.django_db
DAY_AGO = 60 * 23


def lines(northstar) -> list[str]:
    return [item.visit for item in newest(northstar.ala)]


def test_what_follows_updates_the_item_and_tells_nobody_anew(northstar):
    walks(northstar, "/docs", "/customers", "/demo")
    drain(patience_seconds=0)
    assert lines(northstar) == ["… and 3 more pages, last: “Demo”"]
    assert len(mail.outbox) == Notification.objects.count() == 1
    views(northstar, "/contact")
    evaluate_due()
    assert lines(northstar) == ["… and 4 more pages, last: “Contact”"]
    assert sum(broken().values()) == 0


def test_one_alone_has_no_line(northstar):
    walks(northstar)
    assert lines(northstar) == [""]
    assert Visit.objects.get().steps == 1


def test_what_the_cooldown_keeps_quiet_is_part_of_it(northstar):
    walks(northstar, "/pricing/teams")
    assert set(Decision.objects.values_list("reason", flat=True)) == {"sent", "cooldown"}
    assert lines(northstar) == ["… and 1 more page, last: “Pricing/teams”"]


def test_something_stronger_is_told_at_once_and_the_first_item_goes_on(northstar):
    walks(northstar, "/docs")
    northstar.happens()
    views(northstar, "/thanks")
    evaluate_due()
    demo, pricing = newest(northstar.ala)
    assert "requested a demo" in demo.sentence
    assert demo.visit == ""
    assert pricing.visit == "… and 3 more actions, last: “Thanks”"
    assert Visit.objects.count() == 1


def test_who_is_told_of_a_later_step_reads_that_others_came_before(northstar):
    bartek = make_member(northstar.account, "bartek@northstar.example")
    listed = CommunicationSettings.objects.get(account=northstar.account).additional
    listed.create(membership=bartek, triggers=["demo_request"])
    walks(northstar, "/docs")
    northstar.happens()
    views(northstar, "/thanks")
    evaluate_due()
    assert [item.visit for item in newest(bartek)] == [
        "one of 4 actions of this visit, last: “Thanks”"
    ]


def test_an_event_with_a_name_of_ours_is_named_as_we_do(northstar):
    walks(northstar)
    northstar.happens()
    evaluate_due()
    assert lines(northstar)[1] == "… and 1 more action, last: “Requested a demo”"


def test_after_the_pause_it_is_another_visit(northstar):
    views(northstar, "/pricing", ago=50)
    views(northstar, "/docs", ago=45)
    views(northstar, "/late", ago=14.9)
    evaluate_due()
    assert lines(northstar) == ["… and 1 more page, last: “Docs”"]
    northstar.happens()
    evaluate_due()
    assert sorted(Visit.objects.values_list("steps", flat=True)) == [1, 2]


def test_a_quiet_visit_of_the_same_day_begins_nothing(northstar):
    """There is no item that could evolve: what was told was another visit."""
    views(northstar, "/pricing", ago=DAY_AGO)
    evaluate_due()
    views(northstar, "/pricing")
    views(northstar, "/docs")
    evaluate_due()
    assert lines(northstar) == [""]


def test_a_late_event_counts_but_is_not_the_last(northstar):
    walks(northstar, "/docs", "/demo")
    views(northstar, "/blog", ago=1.5)
    evaluate_due()
    assert lines(northstar) == ["… and 3 more pages, last: “Demo”"]


def test_what_came_before_the_first_told_action_is_not_more(northstar):
    walks(northstar, "/docs")
    views(northstar, "/home", ago=5)
    evaluate_due()
    assert Visit.objects.get().steps == 2


def test_an_activity_is_counted_once_however_often_it_is_evaluated(northstar, monkeypatch):
    """A batch that fails has counted nothing; who tries again counts."""
    walks(northstar, "/docs")
    views(northstar, "/demo")
    with monkeypatch.context() as patch:
        patch.setattr(following, "nudge_after_commit", lambda _member: 1 / 0)
        evaluate_due()
    assert Visit.objects.get().steps == 2
    northstar.source.activities.filter(state="pending").update(not_before=None)
    evaluate_due()
    evaluate_due()
    assert Visit.objects.get().steps == 3


@pytest.mark.parametrize(
    "fields",
    [
        {"consent_denied": True},
        {"occurred_at": timezone.now() - timedelta(days=4)},
        {"type": "identify"},
        {"payload": {"context": {"userAgent": "Googlebot/2.1"}, "properties": {"path": "/x"}}},
    ],
    ids=["no consent", "stale", "no deed", "robot"],
)
def test_what_tells_nobody_anything_is_no_step(northstar, fields):
    walks(northstar)
    views(northstar, "/docs", **fields)
    evaluate_due()
    assert Visit.objects.get().steps == 1


def test_what_happened_after_the_registration_is_not_this_accounts_business(northstar):
    walks(northstar)
    northstar.lead.expires_at = timezone.now() - timedelta(seconds=1)
    northstar.lead.save()
    views(northstar, "/docs")
    evaluate_due()
    assert Visit.objects.get().steps == 1


def test_others_of_the_company_have_visits_of_their_own(northstar):
    walks(northstar, "/docs")
    bo = make_contact("bo@acme.example")
    views(northstar, "/docs", contact=bo)
    northstar.happens(contact=bo)
    evaluate_due()
    assert sorted(Visit.objects.values_list("contact__email", "steps")) == [
        ("anna@acme.example", 2),
        ("bo@acme.example", 1),
    ]


def test_a_client_of_two_partners_has_a_visit_with_each(northstar):
    northstar.lead.delete()
    other = make_account("southwind")
    for account in (northstar.account, other):
        make_client(account, "acme.example")
    switch_on(other, make_member(other))
    walks(northstar, "/docs")
    assert set(Visit.objects.values_list("account__slug", "steps")) == {
        ("northstar", 2),
        ("southwind", 2),
    }


def test_a_shared_deal_alone_makes_no_visit(northstar):
    """Its team reads sign-ups only; which pages the person views is not theirs to know."""
    northstar.lead.delete()
    deal_member = northstar.ala
    northstar.lead = make_lead(make_account("elsewhere"), "elsewhere.example")
    northstar.lead.domain = "acme.example"
    northstar.share_a_deal()
    deal_member.preferences.create(
        channel="desktop", key="co_selling_prospect_activity", is_on=True
    )
    northstar.happens(event="CRM Signed Up")
    views(northstar, "/docs")
    evaluate_due()
    assert lines(northstar) == [""]
    assert not Visit.objects.exists()


def test_who_is_asked_later_in_the_visit_has_it_in_their_item_too(northstar):
    walks(northstar, "/docs")
    bo = make_member(northstar.account, "bo@northstar.example")
    northstar.settings.recipient = bo
    northstar.settings.save()
    northstar.happens()
    evaluate_due()
    assert [item.visit for item in newest(bo)] == [
        "one of 3 actions of this visit, last: “Requested a demo”"
    ]


# --- Read, and new again --------------------------------------------------------------------


def test_a_read_item_stays_read_while_nothing_stronger_comes(northstar):
    walks(northstar)
    mark_all_read(northstar.ala)
    views(northstar, "/docs")
    views(northstar, "/pricing")
    evaluate_due()
    assert bell(northstar.ala).unread == 0


@pytest.mark.parametrize("by_email", [True, False])
def test_a_read_item_is_new_again_when_something_stronger_is_kept_quiet(northstar, by_email):
    choose(northstar.ala, "email", "enabled", by_email)
    views(northstar, "/checkout", ago=DAY_AGO)
    evaluate_due()
    walks(northstar)
    mark_all_read(northstar.ala)
    views(northstar, "/checkout")
    evaluate_due()
    (unread,) = [item for item in newest(northstar.ala) if item.is_unread]
    assert unread.visit == "… and 1 more page, last: “Checkout”"


def test_open_windows_hear_of_it(northstar, monkeypatch):
    heard = []
    walks(northstar, "/docs")
    before = bell(northstar.ala)
    monkeypatch.setattr(following, "nudge_after_commit", heard.append)
    monkeypatch.setattr(look, "close_old_connections", lambda: None)
    views(northstar, "/demo")
    evaluate_due()
    after = bell(northstar.ala)
    assert heard == [northstar.ala.pk]
    assert (after.unread_ids, after.moves) == (before.unread_ids, before.moves + 1)
    due_at = Visit.objects.get().due_at
    assert (northstar.ala.pk, due_at) in look.look(5)


# --- Cost, and several at once --------------------------------------------------------------


def evaluation_queries() -> int:
    with CaptureQueriesContext(connection) as caught:
        evaluate_due()
    return len(caught)


def test_a_batch_of_many_steps_costs_as_many_queries_as_one(northstar):
    walks(northstar)
    views(northstar, "/docs")
    few = evaluation_queries()
    for n in range(40):
        views(northstar, f"/page{n}")
    assert evaluation_queries() == few


def test_a_batch_with_many_visits_costs_as_many_queries_as_with_one(northstar):
    def visitors(*names: str) -> None:
        for name in names:
            contact = make_contact(f"{name}@acme.example")
            views(northstar, "/docs", contact=contact)
            northstar.happens(contact=contact)
            views(northstar, "/demo", contact=contact)

    def go_on() -> None:
        for visit in Visit.objects.select_related("contact"):
            views(northstar, "/more", contact=visit.contact)
            make_activity(northstar.source, visit.contact)

    visitors("bo")
    evaluate_due()
    go_on()
    few = evaluation_queries()
    visitors(*(f"p{n}" for n in range(30)))
    evaluate_due()
    go_on()
    assert evaluation_queries() == few


def test_whoever_has_no_visit_costs_one_query_more_at_most(northstar):
    views(northstar, "/docs")
    with CaptureQueriesContext(connection) as caught:
        evaluate_due()
    assert len([q for q in caught if "notifications_visit" in q["sql"]]) == 1


@pytest.mark.django_db(transaction=True)
def test_four_workers_count_every_step_once(monkeypatch):
    northstar = Northstar()
    walks(northstar)
    for n in range(40):
        views(northstar, f"/page{n}")
    assert at_once(*[lambda: evaluate_ten()] * 4) == [None] * 4
    while evaluate_due().taken:
        pass
    assert Visit.objects.get().steps == 41


def evaluate_ten() -> None:
    evaluate_due(limit=10)


# --- Erased ---------------------------------------------------------------------------------


def test_nothing_is_left_of_the_visits_of_an_erased_person(northstar):
    walks(northstar, "/docs", "/demo", "/more")
    erase_person("anna@acme.example", actor=None)
    assert not Visit.objects.exists()
    time_passes()
    assert end_visits() == 0
    assert lines(northstar) == [""]
    assert Delivery.objects.filter(notification__is_summary=True).count() == 0
