"""At most so many messages a day: the rest waits, is seen waiting, and comes together."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from notifications.channels import DESKTOP, EMAIL, MOBILE
from notifications.delivery import send
from notifications.delivery.recheck import Recheck
from notifications.delivery.send import deliver_due
from notifications.delivery.waiting import reconsider, send_now
from notifications.drain import drain
from notifications.evaluation import evaluate_due
from notifications.invariants import broken
from notifications.models import Delivery, EndpointHealth, Notification, Pace
from notifications.when.waiting import waiting_messages
from tests.accounts.test_at_once import at_once
from tests.factories import (
    choose,
    make_contact,
    make_device,
    make_lead,
    make_member,
)
from tests.northstar import PRICING, Northstar, queue_bells
from tests.push import BrowserKeys

pytestmark = pytest.mark.django_db


@pytest.fixture
def two(northstar):
    """Ala wants two e-mails a day at most; she lives in Warsaw."""
    northstar.ala.user.timezone = "Europe/Warsaw"
    northstar.ala.user.save()
    northstar.pace = Pace.objects.create(membership=northstar.ala, channel=EMAIL, most=2)
    return northstar


def pricing(northstar, *names: str) -> None:
    """Let somebody at a lead of each name look at the prices."""
    for name in names:
        make_lead(northstar.account, f"{name}.example")
        northstar.happens(contact=make_contact(f"anna@{name}.example"), **PRICING)
    evaluate_due()


def letters() -> list[str]:
    return [letter.subject.partition(":")[0] for letter in mail.outbox]


def waits() -> list[str]:
    rows = Delivery.objects.filter(channel=EMAIL, state__in=("pending", "gathered"))
    return list(rows.order_by("pk").values_list("state", flat=True))


def a_day_passes() -> None:
    """Let everything be two days older than it is: a morning has passed, whatever the hour."""
    for delivery in Delivery.objects.filter(channel=EMAIL):
        for field in ("created_at", "not_before", "counted_on", "held_on"):
            if value := getattr(delivery, field):
                setattr(delivery, field, value - timedelta(days=2))
        delivery.save()


def test_the_rest_waits_for_the_morning_and_comes_together(two):
    pricing(two, "a", "b", "c", "d")
    drain(patience_seconds=0)
    assert letters() == ["A", "B"]
    assert waits() == ["pending", "gathered"]
    carrier = Delivery.objects.get(channel=EMAIL, state="pending")
    assert carrier.waits_for == "limit"
    local = carrier.not_before.astimezone(ZoneInfo("Europe/Warsaw"))
    assert f"{local:%H:%M}" == "08:00"
    a_day_passes()
    drain(patience_seconds=0)
    assert len(mail.outbox) == 3
    assert "2 notifications for" in mail.outbox[2].body
    assert waits() == []
    assert sum(broken().values()) == 0


def test_the_bell_has_no_limit(two):
    pricing(two, "a", "b", "c", "d")
    drain(patience_seconds=0)
    bells = Delivery.objects.filter(channel="desktop")
    assert list(bells.values_list("state", flat=True)) == ["delivered"] * 4


def test_what_is_urgent_goes_in_any_case_and_counts(two):
    pricing(two, "a")
    drain(patience_seconds=0)
    for _n in range(2):
        two.happens()
    drain(patience_seconds=0)
    pricing(two, "b")
    drain(patience_seconds=0)
    assert letters() == ["A", "ACME", "ACME"]
    two.happens()
    drain(patience_seconds=0)
    assert len(mail.outbox) == 4
    assert waits() == ["pending"]


def test_the_places_go_to_the_strongest(two):
    make_lead(two.account, "chat.example")
    pricing(two, "a", "b")
    two.happens(contact=make_contact("bo@chat.example"), event="Chat Started")
    evaluate_due()
    deliver_due(EMAIL)
    assert letters() == ["A", "CHAT"]


def test_the_morning_has_places_of_its_own_for_what_is_new(two):
    pricing(two, "a", "b", "c")
    drain(patience_seconds=0)
    a_day_passes()
    pricing(two, "d", "e", "f")
    drain(patience_seconds=0)
    # The rest of yesterday, and two of today.
    assert letters() == ["A", "B", "C", "D", "E"]
    assert waits() == ["pending"]


def test_who_travels_has_the_day_of_their_own_calendar(two):
    day = timezone.now().astimezone(ZoneInfo("Europe/Warsaw")).date()
    pricing(two, "a")
    drain(patience_seconds=0)
    assert Delivery.objects.get(channel=EMAIL).counted_on == day


def test_without_a_limit_nothing_is_counted(northstar):
    pricing(northstar, "a", "b")
    drain(patience_seconds=0)
    assert set(Delivery.objects.values_list("counted_on", "held_on")) == {(None, None)}


def test_each_channel_and_each_member_counts_for_itself(two, sink):
    make_device(two.ala, f"{sink.url}/phone", BrowserKeys().keys)
    Pace.objects.create(membership=two.ala, channel=MOBILE, most=1)
    pricing(two, "a", "b", "c")
    drain(patience_seconds=0)
    assert letters() == ["A", "B"]
    assert len(sink.requests) == 1
    two.settings.recipient = make_member(two.account, "bo@northstar.example")
    two.settings.save()
    pricing(two, "d", "e", "f")
    drain(patience_seconds=0)
    assert letters() == ["A", "B", "D", "E", "F"]


def test_browsers_are_limited_and_the_bell_is_not(two, sink):
    make_device(two.ala, f"{sink.url}/laptop", BrowserKeys().keys, channel=DESKTOP)
    Pace.objects.create(membership=two.ala, channel=DESKTOP, most=1)
    pricing(two, "a", "b", "c")
    drain(patience_seconds=0)
    assert len(sink.requests) == 1
    bells = Delivery.objects.filter(channel=DESKTOP, endpoint_key=Delivery.OWN)
    assert set(bells.values_list("state", "counted_on")) == {("delivered", None)}
    assert bells.count() == 3


def test_a_bell_that_goes_through_its_lane_takes_no_place_of_a_browser(two, sink):
    make_device(two.ala, f"{sink.url}/laptop", BrowserKeys().keys, channel=DESKTOP)
    Pace.objects.create(membership=two.ala, channel=DESKTOP, most=1)
    pricing(two, "a")
    queue_bells()
    drain(patience_seconds=0)
    assert len(sink.requests) == 1
    bell = Delivery.objects.get(channel=DESKTOP, endpoint_key=Delivery.OWN)
    assert (bell.state, bell.counted_on) == ("delivered", None)


def test_two_phones_are_one_interruption(two, sink):
    for name in ("one", "two"):
        make_device(two.ala, f"{sink.url}/{name}", BrowserKeys().keys, name=name)
    Pace.objects.create(membership=two.ala, channel=MOBILE, most=1)
    pricing(two, "a", "b")
    drain(patience_seconds=0)
    assert sorted(request.path for request in sink.requests) == ["/one", "/two"]


def test_a_message_that_is_tried_again_counts_once(two, settings):
    settings.EMAIL_BACKEND = "tests.notifications.test_waiting_together.Busy"
    pricing(two, "a", "b")
    drain(patience_seconds=0)
    assert mail.outbox == []
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    Delivery.objects.filter(starts=1).update(not_before=timezone.now())
    EndpointHealth.objects.all().delete()
    drain(patience_seconds=0)
    assert letters() == ["A", "B"]


def test_what_did_not_go_gives_its_place_back(two):
    pricing(two, "a", "b")
    # Counted, and then its lead is gone before the send.
    lane = Recheck(Delivery.objects.filter(channel=EMAIL).values_list("pk", flat=True))
    lane.over_limit(lane.deliveries)
    two.account.leads.filter(domain="b.example").delete()
    drain(patience_seconds=0)
    pricing(two, "c")
    drain(patience_seconds=0)
    assert letters() == ["A", "C"]


def test_what_was_read_while_it_waited_takes_no_place(two):
    two.pace.most, two.pace.every = 1, "hour"
    two.pace.save()
    pricing(two, "a")
    drain(patience_seconds=0)
    Notification.objects.update(read_at=timezone.now())
    two.pace.every = "time"
    two.pace.save()
    reconsider(two.ala)
    pricing(two, "b")
    drain(patience_seconds=0)
    assert letters() == ["B"]
    assert waits() == []
    assert sum(broken().values()) == 0


def test_nor_does_what_does_not_hold_any_more(two):
    two.pace.most = 1
    two.pace.save()
    pricing(two, "a", "b")
    two.account.leads.filter(domain="a.example").delete()
    drain(patience_seconds=0)
    assert letters() == ["B"]
    assert waits() == []


def test_one_that_cannot_be_looked_at_takes_none_and_holds_up_no_other(two, monkeypatch):
    two.pace.most = 1
    two.pace.save()
    pricing(two, "a", "b")
    first = Delivery.objects.filter(channel=EMAIL).earliest("pk")
    check = Recheck.check

    def look(self, delivery):
        if delivery.pk == first.pk:
            raise ValueError(delivery)
        return check(self, delivery)

    monkeypatch.setattr(Recheck, "check", look)
    deliver_due(EMAIL)
    assert letters() == ["B"]


def test_a_warning_is_not_counted_and_goes(two):
    two.pace.most = 1
    two.pace.save()
    choose(two.ala, EMAIL, "delivery_problems", True)
    pricing(two, "a")
    drain(patience_seconds=0)
    two.settings.recipient = make_member(two.account, "bo@northstar.example", active=False)
    two.settings.save()
    pricing(two, "b")
    drain(patience_seconds=0)
    assert len(mail.outbox) == 2
    notice = Notification.objects.exclude(notice="").get()
    assert notice.deliveries.get(channel=EMAIL).counted_on is None


def test_it_can_be_sent_now(two):
    pricing(two, "a", "b", "c", "d")
    drain(patience_seconds=0)
    assert send_now(two.ala) == 1
    drain(patience_seconds=0)
    assert len(mail.outbox) == 3
    # What one asks for takes no place.
    assert Delivery.objects.filter(counted_on__isnull=False).count() == 2


def test_a_higher_limit_frees_as_much_and_the_rest_waits_on(two):
    pricing(two, "a", "b", "c", "d")
    drain(patience_seconds=0)
    reconsider(two.ala)
    drain(patience_seconds=0)
    assert letters() == ["A", "B"]
    two.pace.most = None
    two.pace.save()
    reconsider(two.ala)
    drain(patience_seconds=0)
    assert len(mail.outbox) == 3
    assert waits() == []


def test_a_digest_is_one_interruption(two):
    two.pace.every = "hour"
    two.pace.save()
    pricing(two, "a", "b", "c")
    drain(patience_seconds=0)
    for delivery in Delivery.objects.filter(channel=EMAIL):
        delivery.created_at -= timedelta(hours=1)
        delivery.not_before -= timedelta(hours=1)
        delivery.save()
    drain(patience_seconds=0)
    (letter,) = mail.outbox
    assert "3 notifications for" in letter.body
    assert Delivery.objects.filter(counted_on__isnull=False).count() == 1


# --- Words ----------------------------------------------------------------------------------


def test_what_waits_says_for_what(two):
    pricing(two, "a", "b", "c", "d")
    drain(patience_seconds=0)
    (waiting,) = waiting_messages(two.ala)
    assert (waiting.count, waiting.why) == (2, "your limit of 2 a day was reached")


def test_the_page_why_says_so_too(two, client):
    pricing(two, "a", "b", "c")
    drain(patience_seconds=0)
    held = Delivery.objects.get(channel=EMAIL, state="pending").notification.activity
    client.force_login(two.ala.user)
    html = client.get(f"/activity/{held.message_id}/").content.decode()
    assert "the limit of 2 a day was reached; held until" in html
    assert (
        "the limit of 2 a day was reached; held until"
        in client.get("/deliveries/").content.decode()
    )


# --- Cost, and several at once --------------------------------------------------------------


def test_a_claim_of_many_costs_as_many_queries_as_one(two):
    """All of them waits: sends have queries of their own."""
    two.pace.most = 1
    two.pace.save()
    pricing(two, "a")
    drain(patience_seconds=0)

    due = Delivery.objects.filter(state="pending", channel=EMAIL)

    def queries() -> int:
        with CaptureQueriesContext(connection) as caught:
            recheck = Recheck(list(due.values_list("pk", flat=True)))
            recheck.over_limit(recheck.deliveries)
        return len(caught)

    pricing(two, "b")
    few = queries()
    pricing(two, *(f"lead{n}" for n in range(20)))
    assert queries() == few


@pytest.mark.django_db(transaction=True)
def test_four_workers_together_do_not_exceed_it(monkeypatch):
    northstar = Northstar()
    Pace.objects.create(membership=northstar.ala, channel=EMAIL, most=3)
    monkeypatch.setattr(send, "CLAIM_SIZE", 2)
    pricing(northstar, *(f"lead{n}" for n in range(12)))
    assert at_once(*[lambda: deliver_due(EMAIL)] * 4) == [None] * 4
    drain(patience_seconds=0)
    assert len(mail.outbox) == 3
    assert sorted(waits()) == ["gathered"] * 8 + ["pending"]
    assert sum(broken().values()) == 0
