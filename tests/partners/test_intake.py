"""Intake of good events: paths, keys, browsers, clocks, and who the people are."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from partners.events import _clean_email
from partners.models import Activity, Contact, Identity
from tests.factories import make_contact, make_source

pytestmark = pytest.mark.django_db


@pytest.fixture
def key():
    return make_source()[1]


@pytest.fixture
def send(client, key):
    def post(body, path="/v1/track", **headers):
        headers = {"Authorization": f"Bearer {key}", **headers}
        return client.post(path, json.dumps(body), content_type="text/plain", headers=headers)

    return post


def track(**fields) -> dict:
    return {"type": "track", "event": "Demo Requested", **fields}


# --- Paths and keys -----------------------------------------------------------------


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("track", "track"), ("t", "track"), ("identify", "identify"), ("i", "identify"),
        ("page", "page"), ("p", "page"), ("screen", "screen"), ("s", "screen"),
        ("group", "group"), ("g", "group"), ("alias", "alias"), ("a", "alias"),
    ],
)  # fmt: skip
def test_each_path_says_the_type(send, path, kind, slash):
    answer = send({"event": "X", "userId": "u1", "type": "other"}, f"/v1/{path}{slash}")
    assert answer.status_code == 200
    assert answer.json()["accepted"] == 1 and answer.json()["messageId"]
    assert Activity.objects.get().type == kind


@pytest.mark.parametrize("path", ["/v1/batch", "/v1/b", "/v1/batch/", "/v1/b/"])
def test_a_batch(send, path):
    answer = send({"batch": [track(), track()]}, path)
    assert answer.json() == {"success": True, "accepted": 2, "rejected": []}


def test_the_largest_batch_is_taken(send):
    assert send({"batch": [track()] * 2_500}, "/v1/batch").json()["accepted"] == 2_500


@pytest.mark.parametrize("way", ["basic", "bearer", "body"])
def test_three_ways_to_show_the_key(client, key, way):
    headers = {
        "basic": {"Authorization": "Basic " + base64.b64encode(f"{key}:".encode()).decode()},
        "bearer": {"Authorization": f"Bearer {key}"},
        "body": {},
    }[way]
    body = track() | ({"writeKey": key} if way == "body" else {})
    answer = client.post("/v1/t", json.dumps(body), content_type="text/plain", headers=headers)
    assert answer.status_code == 200


def test_the_key_is_stored_as_a_hash_only(key):
    with connection.cursor() as cursor:
        cursor.execute("SELECT key_hash, prefix FROM partners_source")
        assert key not in " ".join(cursor.fetchone())


def test_two_keys_may_use_the_same_message_id(client):
    for _ in range(2):
        _, key = make_source()
        body = json.dumps(track(messageId="m1", writeKey=key))
        client.post("/v1/track", body, content_type="text/plain")
    assert Activity.objects.count() == 2


# --- Browsers -----------------------------------------------------------------------


def test_a_preflight_is_answered_for_origins_that_some_key_lists(client):
    make_source(origins=["https://northwind.example"])
    for origin, allowed in (("https://northwind.example", True), ("https://evil.example", False)):
        answer = client.options("/v1/t", headers={"Origin": origin})
        assert answer.status_code == 204
        assert (answer.headers.get("Access-Control-Allow-Origin") == origin) is allowed


def test_a_key_without_origins_allows_every_website(client, key):
    make_source(origins=["https://northwind.example"])
    for origin in ("https://any.example", "https://northwind.example", None):
        answer = client.options("/v1/t", headers={"Origin": origin} if origin else {})
        assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_a_revoked_key_opens_nothing(client):
    source, _ = make_source()
    source.revoked_at = timezone.now()
    source.save()
    answer = client.options("/v1/t", headers={"Origin": "https://any.example"})
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_a_key_is_for_its_own_websites(client):
    _, key = make_source(origins=["https://northwind.example"])
    make_source("other")
    body = json.dumps(track(writeKey=key))
    bad = client.post("/v1/t", body, "text/plain", headers={"Origin": "https://evil.example"})
    good = client.post("/v1/t", body, "text/plain", headers={"Origin": "https://northwind.example"})
    server = client.post("/v1/t", body, "text/plain")
    assert [a.status_code for a in (bad, good, server)] == [403, 200, 200]
    assert good.headers["Access-Control-Allow-Origin"] == "https://northwind.example"


# --- Clocks -------------------------------------------------------------------------

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("fields", "batch", "expected"),
    [
        ({}, {}, NOON),
        ({"timestamp": "2026-06-01T11:00:00Z"}, {}, NOON - timedelta(hours=1)),
        ({"timestamp": "2026-06-01T11:00:00"}, {}, NOON - timedelta(hours=1)),
        # The sender's clock is an hour ahead; ten minutes passed until it sent.
        (
            {"timestamp": "2026-06-01T12:50:00Z", "sentAt": "2026-06-01T13:00:00Z"},
            {},
            NOON - timedelta(minutes=10),
        ),
        (
            {"timestamp": "2026-06-01T12:50:00Z"},
            {"sentAt": "2026-06-01T13:00:00Z"},
            NOON - timedelta(minutes=10),
        ),
        (
            {
                "originalTimestamp": "2026-06-01T12:50:00Z",
                "timestamp": "2020-06-01T12:50:00Z",
                "sentAt": "2026-06-01T13:00:00Z",
            },
            {"sentAt": "2026-06-01T19:00:00Z"},
            NOON - timedelta(minutes=10),
        ),
        # Never later than received.
        ({"timestamp": "2026-06-01T18:00:00Z"}, {}, NOON),
        ({"timestamp": "2026-06-01T13:10:00Z", "sentAt": "2026-06-01T13:00:00Z"}, {}, NOON),
        # An envelope with a bad clock does not refuse its events.
        ({"timestamp": "2026-06-01T11:00:00Z"}, {"sentAt": "x"}, NOON - timedelta(hours=1)),
    ],
)
def test_the_senders_clock_is_corrected(send, monkeypatch, fields, batch, expected):
    monkeypatch.setattr(timezone, "now", lambda: NOON)
    send({"batch": [track(**fields)], **batch}, "/v1/batch")
    assert Activity.objects.get().occurred_at == expected


# --- Who it is ----------------------------------------------------------------------

ANNA = "anna@acme.example"


@pytest.mark.parametrize(
    "fields",
    [
        {"context": {"traits": {"email": ANNA}}},
        {"traits": {"email": f" {ANNA.upper()} "}},
        {"properties": {"email": ANNA}},
        {"userId": ANNA},
        {"context": {"traits": {"email": ANNA}}, "properties": {"email": "b@other.example"}},
        {"context": {"traits": {"email": "no e-mail"}}, "properties": {"email": ANNA}},
    ],
)
def test_the_event_says_who(send, fields):
    send(track(**fields))
    assert Activity.objects.get().contact.email == ANNA


def test_a_long_text_is_no_email_and_is_not_remembered(send):
    _clean_email.cache_clear()
    send(track(userId="u", properties={"email": "a" * 30_000 + "@acme.example"}))
    assert Activity.objects.get().contact is None
    assert _clean_email.cache_info().currsize == 1  # The user id.


@pytest.mark.parametrize(
    "traits", [{"traits": {"email": ANNA}}, {"context": {"traits": {"email": ANNA}}}]
)
@pytest.mark.parametrize("ids", [{"userId": "u1"}, {"anonymousId": "v1"}])
def test_identify_said_who(send, ids, traits):
    send({**ids, **traits}, "/v1/identify")
    send(track(**ids))
    assert Activity.objects.get(type="track").contact.email == ANNA


def test_events_of_one_request_apply_in_order(send):
    events = [
        track(anonymousId="v1"),
        {"type": "identify", "anonymousId": "v1", "traits": {"email": ANNA, "name": "Anna Nowak"}},
        track(anonymousId="v1"),
    ]
    send({"batch": events}, "/v1/batch")
    known = Activity.objects.order_by("pk").values_list("contact__name", flat=True)
    assert list(known) == [None, "Anna Nowak", "Anna Nowak"]


def test_the_newest_identify_wins(send):
    for email in (ANNA, "bo@acme.example"):
        send({"userId": "u1", "traits": {"email": email}}, "/v1/identify")
    send(track(userId="u1"))
    assert Activity.objects.get(type="track").contact.email == "bo@acme.example"


def test_alias_joins_two_ids(send):
    send({"anonymousId": "v1", "traits": {"email": ANNA}}, "/v1/identify")
    send({"previousId": "v1", "userId": "u9"}, "/v1/alias")
    send(track(userId="u9"))
    assert Activity.objects.get(type="track").contact.email == ANNA


def test_a_track_with_an_email_identifies_only_itself(send):
    send(track(anonymousId="v1", properties={"email": ANNA}))
    send(track(anonymousId="v1"))
    assert Activity.objects.filter(contact=None).count() == 1
    assert not Identity.objects.exists()


def test_names_and_consent_come_from_identify(send):
    make_contact(ANNA, name="A.")
    send({"userId": "u", "traits": {"email": ANNA, "firstName": "Anna", "lastName": "Nowak"}},
         "/v1/identify")  # fmt: skip
    send({"userId": "u", "traits": {"consent": "denied"}}, "/v1/identify")
    contact = Contact.objects.get()
    assert (contact.name, contact.consent_denied) == ("Anna Nowak", True)


@pytest.mark.parametrize(
    ("consent", "denied"),
    [
        (False, True), ("denied", True), ({"status": "denied"}, True),
        ({"categoryPreferences": {"Analytics": False, "Ads": False}}, True),
        ({"categoryPreferences": {"Analytics": True, "Ads": False}}, False),
        ({"categoryPreferences": {}}, False), (True, False), ("granted", False), (None, False),
    ],
)  # fmt: skip
def test_consent_is_denied_only_by_saying_so(send, consent, denied):
    send(track(context={"consent": consent}))
    assert Activity.objects.get().consent_denied is denied


# --- Queries ------------------------------------------------------------------------


def statements(act) -> int:
    with CaptureQueriesContext(
        connection,
    ) as captured:
        act()
    return len(captured)


def people(number: int, start: int = 0) -> list[dict]:
    return [
        {"type": "identify", "userId": f"u{n}", "traits": {"email": f"p{n}@c{n}.example"}}
        for n in range(start, start + number)
    ]


def test_the_number_of_statements_does_not_depend_on_the_number_of_events(send):
    """Key, identities, contacts (find, add, find again), identities, insert, savepoints."""
    few = statements(lambda: send({"batch": people(3)}, "/v1/batch"))
    many = statements(lambda: send({"batch": people(60, start=10)}, "/v1/batch"))
    assert few == many


def test_known_people_cost_four_statements(send):
    """The key, identities, contacts, one insert; besides the transaction's own."""
    send({"batch": people(50)}, "/v1/batch")
    events = [track(userId=f"u{n}", messageId=f"m{n}") for n in range(50)]
    with CaptureQueriesContext(connection) as captured:
        send({"batch": events}, "/v1/batch")
    sql = [q["sql"] for q in captured if "SAVEPOINT" not in q["sql"]]
    assert len(sql) == 4, "\n".join(sql)
