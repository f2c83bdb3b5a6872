"""Webhooks and devices on the whole path: decided, sent over HTTP, left alone, given up."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from standardwebhooks import Webhook

from notifications.channels import DESKTOP, EMAIL, MOBILE, OTHER_APPS
from notifications.channels.webhook import former_until, renew, valid_secrets
from notifications.delivery.claim import claim, sweep
from notifications.delivery.outcome import LEFT_ALONE, Result, start
from notifications.delivery.recheck import Recheck
from notifications.delivery.send import deliver_due
from notifications.drain import drain
from notifications.evaluation import evaluate_due
from notifications.invariants import broken
from notifications.models import Attempt, Delivery, Endpoint, EndpointHealth, Notification
from partners.models import Activity
from tests.factories import (
    make_account,
    make_device,
    make_member,
    make_source,
    make_user,
    make_webhook,
)
from tests.northstar import Northstar
from tests.notifications.test_addresses import leads_to
from tests.push import BrowserKeys
from tests.sinks import HttpSink
from tests.world import read

pytestmark = pytest.mark.django_db
PAST = timezone.now() - timedelta(minutes=1)


def happens(northstar: Northstar, times: int = 1) -> None:
    for _ in range(times):
        northstar.happens()
    evaluate_due()


def rows(channel: str = OTHER_APPS):
    return Delivery.objects.filter(channel=channel).order_by("pk")


def make_due() -> None:
    rows().filter(state="pending").update(not_before=PAST)


def forget_the_pause() -> None:
    EndpointHealth.objects.update(wait_until=PAST)
    make_due()


# --- What goes out ------------------------------------------------------------------------


def test_a_webhook_gets_a_signed_message(northstar, sink, hook):
    happens(northstar)
    drain(patience_seconds=0)
    (request,) = sink.requests
    (row,) = rows()
    body = Webhook(hook.secrets["signing"]).verify(request.body, dict(request.headers))
    assert body["type"] == "lead.activity"
    assert body["data"]["person"]["email"] == "anna@acme.example"
    assert body["data"]["reasons"][0]["domain"] == "acme.example"
    assert request.headers["webhook-id"] == str(row.public_id)
    assert (row.state, row.endpoint_key) == ("delivered", hook.key)
    assert EndpointHealth.objects.get().sent_at
    assert sum(broken().values()) == 0


def test_after_a_new_secret_both_sign_for_a_day(northstar, sink, hook):
    old = hook.secrets["signing"]
    hook.secrets = renew(hook.secrets)
    hook.save()
    happens(northstar)
    drain(patience_seconds=0)
    (request,) = sink.requests
    for secret in (old, hook.secrets["signing"]):
        assert Webhook(secret).verify(request.body, dict(request.headers))
    assert former_until(hook.secrets) > timezone.now() + timedelta(hours=23)
    over = hook.secrets | {"former_until": PAST.isoformat()}
    assert former_until(over) is None
    assert valid_secrets(over) == [hook.secrets["signing"]]


def test_each_endpoint_gets_its_own_delivery(northstar, sink, hook):
    other = make_webhook(northstar.ala, f"{sink.url}/other")
    make_webhook(northstar.ala, f"{sink.url}/off", disabled_at=PAST, disabled_because="owner")
    happens(northstar)
    drain(patience_seconds=0)
    assert sorted(r.path for r in sink.requests) == ["/hook", "/other"]
    assert {row.endpoint_key for row in rows()} == {hook.key, other.key}


def test_the_secret_does_not_lie_readable_in_the_database(hook):
    raw = Endpoint.objects.extra(select={"raw": "secrets"}).values_list("raw", flat=True).get()
    assert hook.secrets["signing"] not in raw
    assert Endpoint.objects.get().secrets == hook.secrets


def test_a_push_is_encrypted_for_the_device(northstar, sink):
    browser = BrowserKeys()
    make_device(northstar.ala, f"{sink.url}/push", browser.keys)
    happens(northstar)
    drain(patience_seconds=0)
    (request,) = sink.requests
    (row,) = rows(MOBILE)
    assert browser.read(request.body)["tag"] == str(row.public_id)
    assert request.headers["topic"] == row.public_id.hex
    assert request.headers["authorization"].startswith("vapid t=")
    assert row.state == "delivered"


def test_a_removed_endpoint_gets_nothing(northstar, sink, hook):
    happens(northstar)
    hook.delete()
    drain(patience_seconds=0)
    assert sink.requests == []
    assert rows().get().reason == "suppressed_address"


# --- What comes back ------------------------------------------------------------------------


def test_intake_takes_no_webhook_of_ours(northstar, client, sink, hook):
    """B101: whichever instance sent it, and however it got a write key on its way."""
    happens(northstar)
    drain(patience_seconds=0)
    (request,) = sink.requests
    _, key = make_source("loop")
    headers = {**request.headers, "authorization": f"Bearer {key}"}
    before = Activity.objects.count()
    for path in ("/v1/track", "/v1/b"):
        answer = client.post(path, request.body, content_type="application/json", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (400, "webhook_not_event")
    assert Activity.objects.count() == before


@pytest.mark.parametrize(("status", "state"), [(200, "delivered"), (500, "pending")])
def test_whatever_it_answers_can_be_written_down(northstar, sink, hook, status, state):
    """On PostgreSQL a NUL cannot: the message would go again and again, and hold up others."""
    sink.answer = lambda _request: (status, {}, bytes(range(256)))
    happens(northstar)
    drain(patience_seconds=0)
    (row,) = rows()
    assert (row.state, row.starts, len(sink.requests)) == (state, 1, 1)
    assert row.detail.startswith(f'{status} !"#')
    assert row.detail.isprintable()


def test_what_it_answers_is_shown_as_text_and_to_whom_it_concerns(northstar, client, sink, hook):
    """B105: to the endpoint's owner and the vendor; its headers to nobody."""
    sink.answer = lambda _request: (500, {"X-Powered-By": "inner-host"}, b"<script>evil()</script>")
    happens(northstar)
    drain(patience_seconds=0)
    (row,) = rows()
    vendor = make_member(make_account("northwind", kind="vendor"), role="admin").user
    explained = f"/activity/{row.notification.activity.message_id}/"
    owner = northstar.ala.user
    for user, url in (
        *((owner, f"/settings/endpoints/{hook.pk}/"), (vendor, "/deliveries/")),
        *((vendor, explained), (make_user(is_superuser=True, is_staff=True), admin_page(row))),
    ):
        page = read(client, user, url)
        assert "500 &lt;script&gt;evil()" in page, url
        assert "<script>evil" not in page and "inner-host" not in page, url
    for url in ("/deliveries/", explained):
        assert "evil()" not in read(client, owner, url), url


def admin_page(row: Delivery) -> str:
    return f"/admin/notifications/delivery/{row.pk}/change/"


# --- Left alone ----------------------------------------------------------------------------


def test_an_endpoint_that_asks_for_a_pause_gets_one_and_no_try_is_lost(northstar, sink, hook):
    sink.answer = lambda _request: (429, {"Retry-After": "120"}, b"")
    happens(northstar, 5)
    deliver_due(OTHER_APPS)
    make_due()
    deliver_due(OTHER_APPS)
    assert len(sink.requests) == 1
    assert sorted(rows().values_list("starts", flat=True)) == [0, 0, 0, 0, 1]
    assert set(rows().filter(starts=0).values_list("detail", flat=True)) == {LEFT_ALONE}
    wait = EndpointHealth.objects.get().wait_until
    assert timedelta(seconds=110) < wait - timezone.now() <= timedelta(seconds=120)
    sink.answer = lambda _request: (200, {}, b"")
    forget_the_pause()
    drain(patience_seconds=0)
    assert set(rows().values_list("state", flat=True)) == {"delivered"}
    assert sum(broken().values()) == 0


def test_another_endpoint_goes_on_meanwhile(northstar, sink, hook):
    make_webhook(northstar.ala, f"{sink.url}/well")
    sink.answer = lambda request: (503 if request.path == "/hook" else 200, {}, b"")
    happens(northstar, 3)
    drain(patience_seconds=0)
    assert len(sink.at("/hook")) == 1
    assert len(sink.at("/well")) == 3


def test_after_ten_failures_only_one_probe_goes(northstar, sink, hook):
    sink.answer = lambda _request: (500, {}, b"")
    happens(northstar, 14)
    drain(patience_seconds=0)
    assert len(sink.requests) == 10
    assert EndpointHealth.objects.get().openings == 1
    forget_the_pause()
    drain(patience_seconds=0)
    assert len(sink.requests) == 11
    assert EndpointHealth.objects.get().openings == 2
    sink.answer = lambda _request: (200, {}, b"")
    forget_the_pause()
    drain(patience_seconds=0)
    assert set(rows().values_list("state", flat=True)) == {"delivered"}
    assert EndpointHealth.objects.get().openings == 0


def test_two_sends_at_once_and_one_while_it_is_probed(northstar, hook):
    happens(northstar, 4)
    token = uuid.uuid4()
    recheck = Recheck(claim(OTHER_APPS, token, 10))
    first, second, third, _ = map(recheck.check, recheck.deliveries)
    assert start(first, token) is None
    EndpointHealth.objects.update(openings=1)
    assert start(second, token) == Result.POSTPONED
    EndpointHealth.objects.update(openings=0)
    assert start(third, token) is None
    assert Attempt.objects.filter(delivery__channel=OTHER_APPS).count() == 2


def test_what_is_behind_a_busy_endpoint_is_put_off_in_one_go(northstar, sink, hook):
    happens(northstar, 8)
    token = uuid.uuid4()
    recheck = Recheck(claim(OTHER_APPS, token, 2))
    for delivery in recheck.deliveries:
        assert start(recheck.check(delivery), token) is None

    with CaptureQueriesContext(connection) as many:
        tally = deliver_due(OTHER_APPS)
    assert tally.results == {Result.POSTPONED: 6}
    assert sink.requests == []
    assert rows().filter(state="pending", starts=0, not_before__gt=timezone.now()).count() == 6
    assert len([q for q in many if '"not_before" =' in q["sql"]]) == 1


def test_a_mail_server_that_is_down_is_left_alone_as_a_whole(northstar, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    happens(northstar, 14)
    drain(patience_seconds=0)
    assert Attempt.objects.filter(delivery__channel=EMAIL).count() == 10
    assert rows(EMAIL).filter(starts=0).count() == 4
    assert Endpoint.objects.count() == 0


def test_a_name_that_leads_inside_by_now(northstar, client, settings, sink, hook, monkeypatch):
    """B104: seen at each try, said to whom it concerns, and over once the name is mended."""
    Endpoint.objects.update(address=f"http://hooks.example:{sink.port}/hook")
    leads_to(monkeypatch, "127.0.0.1")
    settings.ALLOW_PRIVATE_WEBHOOKS = False
    happens(northstar)
    drain(patience_seconds=0)
    (row,) = rows()
    attempt = row.attempts.get()
    assert (row.state, attempt.outcome) == ("pending", "not_sent")
    assert attempt.detail.startswith("blocked_ip: ")
    assert sink.requests == []
    owner = northstar.ala.user
    log = read(client, owner, "/deliveries/?tab=waiting")
    assert "Its address leads into a private network, where nothing is sent." in log
    assert "waits for the next try, " in log
    assert "Change the address" in read(client, owner, f"/settings/endpoints/{hook.pk}/")
    settings.ALLOW_PRIVATE_WEBHOOKS = True
    forget_the_pause()
    drain(patience_seconds=0)
    assert [request.path for request in sink.requests] == ["/hook"]
    assert rows().get().state == "delivered"


# --- Given up ------------------------------------------------------------------------------


def test_an_endpoint_that_is_gone_is_switched_off_and_its_owner_told(northstar, sink, hook):
    sink.answer = lambda _request: (410, {}, b"")
    happens(northstar, 3)
    drain(patience_seconds=0)
    drain(patience_seconds=0)
    assert len(sink.requests) == 1
    hook.refresh_from_db()
    assert (bool(hook.disabled_at), hook.disabled_because) == (True, "gone")
    assert sorted(rows().values_list("state", flat=True)) == ["dead", "suppressed", "suppressed"]
    notice = Notification.objects.exclude(notice="").get()
    assert (notice.membership, notice.endpoint) == (northstar.ala, hook)
    told = notice.deliveries.values_list("channel", "state")
    assert sorted(told) == [(DESKTOP, "delivered"), (EMAIL, "delivered")]
    (letter,) = [m for m in mail.outbox if "Switched off" in m.subject]
    assert "Sales hook" in letter.subject
    assert "gone for good" in letter.body
    assert sum(broken().values()) == 0


def test_ten_failures_in_five_days_switch_it_off(northstar, sink, hook):
    sink.answer = lambda _request: (500, {}, b"")
    happens(northstar)
    drain(patience_seconds=0)
    EndpointHealth.objects.update(failed=9, failing_since=timezone.now() - timedelta(days=6))
    forget_the_pause()
    deliver_due(OTHER_APPS)
    hook.refresh_from_db()
    assert hook.disabled_because == "silent"
    assert Notification.objects.filter(endpoint=hook).count() == 1


# --- Never twice ----------------------------------------------------------------------------


@pytest.mark.parametrize(("never_twice", "state"), [(True, "unknown"), (False, "pending")])
def test_what_may_have_arrived(northstar, sink, hook, never_twice, state):
    Endpoint.objects.update(never_twice=never_twice)

    def hang_up(_request):
        raise HttpSink.Hangup

    sink.answer = hang_up
    happens(northstar)
    drain(patience_seconds=0)
    assert rows().get().state == state


@pytest.mark.parametrize(("never_twice", "state"), [(True, "unknown"), (False, "pending")])
def test_a_worker_that_died_during_the_send(northstar, hook, never_twice, state):
    Endpoint.objects.update(never_twice=never_twice)
    happens(northstar)
    token = uuid.uuid4()
    recheck = Recheck(claim(OTHER_APPS, token, 1))
    start(recheck.check(recheck.deliveries[0]), token)
    rows().update(lease_until=PAST)
    sweep()
    assert rows().get().state == state
