"""Quotas at the door (T25): a flood of one write key is refused, whole; nobody else notices."""

from __future__ import annotations

import json
import logging
import time

import pytest
from django.core.cache import cache
from segment.analytics import Client as Segment
from segment.analytics import request

from partnernotify import cache as forgiving
from partners import quota
from partners.models import Activity, RejectedEvent, Source
from partners.quota import seconds_to_wait
from tests.accounts.test_at_once import at_once
from tests.admin.pages import save
from tests.factories import make_source
from tests.servers import redis
from tests.sinks import HungServer

QUOTA = 10


@pytest.fixture(autouse=True)
def small(settings):
    settings.INTAKE_EVENTS_PER_MINUTE = QUOTA
    cache.clear()


@pytest.fixture
def source(db) -> tuple[Source, str]:
    return make_source()


@pytest.fixture
def post(client):
    def post(key: str, events: int):
        body = json.dumps({"batch": [{"type": "track", "event": "X"}] * events})
        headers = {"Authorization": f"Bearer {key}"}
        return client.post("/v1/batch", body, content_type="text/plain", headers=headers)

    return post


@pytest.fixture
def at(monkeypatch):
    """Return a function that sets the clock: the minute, and the second in it."""

    def at(minute: int, second: float = 0):
        monkeypatch.setattr(quota, "time", lambda: minute * 60 + second)

    at(1)
    return at


def test_more_than_the_quota_is_refused_whole(source, post, at):
    _, key = source
    assert post(key, 4).status_code == 200
    at(1, 17.2)
    refused = post(key, 7)
    assert refused.status_code == 429
    assert refused["Retry-After"] == "43"
    assert refused.json() == {
        "code": "too_many_events",
        "message": "At most 10 events a minute. Nothing of this request was kept.",
    }
    assert refused["Access-Control-Allow-Origin"] == "*"
    assert Activity.objects.count() == 4
    assert not RejectedEvent.objects.exists()


def test_what_was_refused_is_welcome_after_the_time_that_was_said(source, post, at):
    _, key = source
    post(key, QUOTA)
    at(1, 59.99)
    assert post(key, 1)["Retry-After"] == "1"
    at(2, 0.99)
    assert post(key, 1).status_code == 200


def test_a_refused_request_takes_nothing_of_the_quota(source, post, at):
    _, key = source
    assert [post(key, n).status_code for n in (6, 5, 4, 1)] == [200, 429, 200, 429]


def test_others_are_unaffected(source, post, at):
    _, key = source
    _, other = make_source("Shop")
    post(key, QUOTA)
    assert post(key, 1).status_code == 429
    assert post(other, QUOTA).status_code == 200


def test_one_event_counts_one_on_its_own_path(source, client, at):
    _, key = source
    body = json.dumps({"event": "X", "writeKey": key})
    answers = [client.post("/v1/track", body, "text/plain") for _ in range(QUOTA + 1)]
    assert [answer.status_code for answer in answers] == [200] * QUOTA + [429]


def test_a_batch_larger_than_the_quota_is_a_minute_of_its_own(source, post, at):
    """It would never fit, and clients send again what was refused with 429."""
    _, key = source
    assert post(key, 1).status_code == 200
    assert post(key, QUOTA + 5).status_code == 429
    at(2)
    assert post(key, QUOTA + 5).status_code == 200
    assert post(key, 1).status_code == 429


def test_a_write_key_may_have_a_number_of_its_own(source, post, at, admin_client):
    row, key = source
    save(admin_client, Source, row, events_per_minute="20")
    assert [post(key, n).status_code for n in (15, 5, 1)] == [200, 200, 429]
    save(admin_client, Source, row, events_per_minute="")
    at(2)
    assert [post(key, n).status_code for n in (QUOTA, 1)] == [200, 429]


def test_who_is_refused_has_asked_nothing_but_the_key(source, post, at, django_assert_num_queries):
    _, key = source
    post(key, QUOTA)
    with django_assert_num_queries(1):
        post(key, 1)


# --- The counter ------------------------------------------------------------------------


@pytest.fixture(params=["in this process", "in Redis"])
def counter(request, settings):
    if request.param == "in this process":
        yield
        return
    with redis() as url:
        settings.CACHES = away(url)
        cache.clear()
        yield


def away(url: str) -> dict:
    options = {"socket_connect_timeout": 0.2, "socket_timeout": 0.2}
    backend = "partnernotify.cache.ForgivingRedisCache"
    return {"default": {"BACKEND": backend, "LOCATION": url, "OPTIONS": options}}


def test_no_race_lets_more_through(counter, at):
    source, waits = Source(pk=7), []

    def send():
        for _ in range(20):
            waits.append(seconds_to_wait(source, 1))

    assert at_once(*[send] * 4) == [None] * 4
    assert len(waits) == 80
    assert waits.count(0) == QUOTA


def test_the_counters_end_by_themselves(counter, at):
    source = Source(pk=7)
    seconds_to_wait(source, 3)
    assert cache.get("intake-events-7-1") == 3
    assert cache.touch("intake-events-7-1", timeout=0)
    assert cache.get("intake-events-7-1") is None


def test_a_counter_that_was_emptied_begins_anew(counter, at):
    source = Source(pk=7)
    seconds_to_wait(source, QUOTA)
    cache.clear()
    assert [seconds_to_wait(source, n) for n in (QUOTA, 1)] == [0, 60]


# --- Redis away -------------------------------------------------------------------------


def test_without_redis_there_is_no_quota_and_only_one_waits(settings, source, post, caplog):
    _, key = source
    with HungServer() as server, caplog.at_level(logging.WARNING, logger=forgiving.__name__):
        settings.CACHES = away(f"redis://127.0.0.1:{server.port}/0")
        assert [post(key, QUOTA).status_code for _ in range(3)] == [200] * 3
    assert len(caplog.records) == 1


def test_redis_that_is_back_counts_again(settings, at, monkeypatch):
    with redis() as url:
        settings.CACHES = away(url)
        cache.clear()
        # As if it had been away until a moment ago.
        monkeypatch.setitem(forgiving._away_until, url, time.monotonic() - 1)
        assert [seconds_to_wait(Source(pk=7), 6) for _ in range(2)] == [0, 60]
        assert url not in forgiving._away_until


# --- Segment's client -------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_the_official_client_sends_the_whole_batch_again(live_server, monkeypatch):
    """Three seconds before the minute ends: it is refused, waits as told, and all arrives."""
    began = time.time()
    monkeypatch.setattr(quota, "time", lambda: 57 + time.time() - began)
    source, key = make_source()
    assert seconds_to_wait(source, QUOTA - 1) == 0
    failures = []
    segment = Segment(
        key, host=live_server.url, on_error=lambda error, _batch: failures.append(error)
    )
    for number in range(5):
        segment.track("user-1", f"Event {number}")
    segment.flush()
    segment.shutdown()
    request._session.close()  # And with it the server's thread and its connection.
    assert not failures
    stored = Activity.objects.order_by("pk").values_list("name", flat=True)
    assert list(stored) == [f"Event {number}" for number in range(5)]
    assert time.time() - began > 2
