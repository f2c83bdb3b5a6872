"""Every bad input of intake, B01-B43, with the contract's answers. Never a 500."""

from __future__ import annotations

import gzip
import json
import zlib

import pytest
from django.db import OperationalError

from partners import intake
from partners.models import Activity, RejectedEvent
from tests.factories import make_source

pytestmark = pytest.mark.django_db

GOOD = {"type": "track", "event": "Demo Requested", "anonymousId": "v1"}


@pytest.fixture
def send(client):
    _, key = make_source()

    def post(body, path="/v1/batch", *, auth=f"Bearer {key}", **headers):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Authorization": auth, **headers} if auth else headers
        return client.post(path, data, content_type="application/json", headers=headers)

    post.key = key
    return post


def batch(*events) -> dict:
    return {"batch": list(events)}


def raw_batch(*events: str) -> bytes:
    return ('{"batch": [' + ", ".join(events) + "]}").encode(errors="surrogatepass")


GOOD_RAW = json.dumps(GOOD)


def raw_event(properties: str) -> str:
    return '{"type": "track", "event": "X", "properties": ' + properties + "}"


UNUSABLE = {
    "B01 empty": (b"", 400, "empty_body"),
    "B01 blank": (b"  \n", 400, "empty_body"),
    "B02 truncated": (b'{"batch": [', 400, "invalid_json"),
    "B02 trailing": (b'{"batch": []} x', 400, "invalid_json"),
    "B02 single quotes": (b"{'batch': []}", 400, "invalid_json"),
    "B03 number": (b"42", 400, "object_expected"),
    "B03 text": (b'"x"', 400, "object_expected"),
    "B03 null": (b"null", 400, "object_expected"),
    "B03 list": (b"[]", 400, "object_expected"),
    "B08 nesting": (b'{"batch":' + b"[" * 100_000 + b"]" * 100_000 + b"}", 400, "too_deep"),
    "B09 duplicate key": (b'{"batch": [], "batch": []}', 400, "duplicate_key"),
    "B09 duplicate write key": (b'{"writeKey": 1, "writeKey": 2}', 400, "duplicate_key"),
    "B12 not UTF-8": (b'{"batch": ["\xe9"]}', 400, "invalid_utf8"),
    "B12 overlong": (b'{"batch": ["\xc0\xaf"]}', 400, "invalid_utf8"),
    "B13 UTF-16": ('{"batch": []}'.encode("utf-16"), 400, "utf8_expected"),
    "B13 UTF-16 without mark": ('{"batch": []}'.encode("utf-16-le"), 400, "utf8_expected"),
    "B15 too large": (b" " * 512_001, 413, "body_too_large"),
    "B19 no event": (b'{"batch": []}', 400, "empty_batch"),
    "B19 no list": (b'{"batch": {}}', 400, "batch_expected"),
    "B19 missing": (b"{}", 400, "batch_expected"),
    "B19 too many": (b'{"batch": [' + b"1," * 2_500 + b"1]}", 413, "batch_too_large"),
}


@pytest.mark.parametrize(("body", "status", "code"), UNUSABLE.values(), ids=UNUSABLE)
def test_the_whole_request_is_unusable(send, body, status, code):
    answer = send(body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.json()["message"]
    assert not Activity.objects.exists()


ONE_EVENT = {
    "B04 NaN": (raw_event('{"a": NaN}'), "invalid_number"),
    "B04 Infinity": (raw_event('{"a": [-Infinity]}'), "invalid_number"),
    "B05 1e400": (raw_event('{"a": 1e400}'), "number_out_of_range"),
    "B05 400 digits and a point": (raw_event('{"a": ' + "1" * 400 + ".0}"), "number_out_of_range"),
    "B05 300 digits e99": (raw_event('{"a": -' + "1" * 300 + "e99}"), "number_out_of_range"),
    "B07 5,000 digits": (raw_event('{"a": ' + "9" * 5_000 + "}"), "number_too_long"),
    "B09 duplicate key": ('{"type": "track", "event": "X", "event": "Y"}', "duplicate_key"),
    "B09 duplicate key inside": (raw_event('{"a": [{"b": 1, "b": 1}]}'), "duplicate_key"),
    "B10 NUL in a value": (raw_event(r'{"a": "\u0000"}'), "nul_character"),
    "B10 NUL in a key": (raw_event(r'{"a\u0000": 1}'), "nul_character"),
    "B11 half a character": (raw_event(r'{"a": "\ud800"}'), "invalid_unicode"),
    "half of a character before a NaN": (raw_event(r'{"\ud800": NaN}'), "invalid_unicode"),
    "NUL before a NaN": (raw_event(r'{"a\u0000": NaN}'), "invalid_number"),
    "a long key before a NaN": (raw_event('{"' + "k" * 300_000 + '": NaN}'), "invalid_number"),
    "B15 event too large": (raw_event('"' + "x" * 32_768 + '"'), "event_too_large"),
    "B21 no type": ('{"event": "X"}', "missing_type"),
    "B21 type 5": ('{"type": 5, "event": "X"}', "unknown_type"),
    "B21 unknown type": ('{"type": "' + "t" * 300 + '"}', "unknown_type"),
    "B21 control character": (r'{"type": "track\u0007", "event": "X"}', "unknown_type"),
    "no event name": ('{"type": "track"}', "missing_event"),
    "blank event name": ('{"type": "track", "event": "  "}', "missing_event"),
    "event name 5": ('{"type": "track", "event": 5}', "missing_event"),
    "nobody identified": ('{"type": "identify"}', "missing_user_id"),
    "no object": ("5", "object_expected"),
    "null": ("null", "object_expected"),
    "context no object": ('{"type": "page", "context": [1]}', "object_expected"),
    "B26 too long": (f'{{"type":"page","messageId":"{"m" * 256}"}}', "invalid_message_id"),
    "B26 empty": ('{"type": "page", "messageId": "  "}', "invalid_message_id"),
    "B26 control": (r'{"type": "page", "messageId": "a\u0007b"}', "invalid_message_id"),
    "B26 number": ('{"type": "page", "messageId": 7}', "invalid_message_id"),
    "userId list": ('{"type": "page", "userId": []}', "invalid_id"),
    "B27 30 February": ('{"type":"page","timestamp":"2024-02-30T00:00:00Z"}', "invalid_timestamp"),
    "B27 24:61": ('{"type":"page","timestamp":"2024-02-03T24:61:00Z"}', "invalid_timestamp"),
    "B27 empty": ('{"type":"page","timestamp":""}', "invalid_timestamp"),
    "B27 words": ('{"type":"page","timestamp":"yesterday"}', "invalid_timestamp"),
    "B29 year 0": ('{"type":"page","timestamp":"0000-01-01T00:00:00Z"}', "invalid_timestamp"),
    "B29 year 1": ('{"type":"page","timestamp":"0001-01-01T00:00:00+05:00"}', "invalid_timestamp"),
    "B29 year 9999": ('{"type":"page","timestamp":"9999-12-31T23:59:59Z"}', "invalid_timestamp"),
    "B32 offset": ('{"type":"page","timestamp":"2026-01-01T00:00:00+99:99"}', "invalid_timestamp"),
    "B32 object": ('{"type":"page","timestamp":{}}', "invalid_timestamp"),
    "sentAt of the event": ('{"type":"page","timestamp":1e12,"sentAt":"x"}', "invalid_timestamp"),
}


@pytest.mark.parametrize(("event", "code"), ONE_EVENT.values(), ids=ONE_EVENT)
def test_a_bad_event_is_rejected_alone(send, event, code):
    """B20: its neighbours are kept, and the debugger has it with the reason."""
    answer = send(raw_batch(GOOD_RAW, event, GOOD_RAW))
    assert answer.status_code == 200, answer.content
    body = answer.json()
    assert (body["success"], body["accepted"]) == (True, 2)
    assert [(r["index"], r["code"]) for r in body["rejected"]] == [(1, code)]
    assert Activity.objects.count() == 2
    assert len(body["rejected"][0]["message"]) <= 500
    rejected = RejectedEvent.objects.get()
    assert (rejected.index, rejected.code) == (1, code)


@pytest.mark.parametrize(
    "event", [raw_event('{"a": NaN}'), raw_event(r'{"a": "\u0000"}'), '{"event": 7}']
)
def test_the_same_on_a_single_path(send, event):
    answer = send(event.encode(), "/v1/track")
    assert answer.status_code == 200
    assert answer.json()["accepted"] == 0 and len(answer.json()["rejected"]) == 1


def test_a_duplicate_key_in_a_single_event(send):
    """At the top it spoils the request; inside, the event, whose place the message names."""
    assert send(b'{"event": "X", "event": "Y"}', "/v1/track").status_code == 400
    answer = send(b'{"event": "X", "properties": {"a": 1, "a": 2}}', "/v1/track")
    (rejected,) = answer.json()["rejected"]
    assert rejected["code"] == "duplicate_key" and "`properties.a`" in rejected["message"]


ACCEPTED = {
    "B06 1e308": raw_event('{"a": 1e308}'),
    "B06 4,000 digits": raw_event('{"a": ' + "9" * 4_000 + "}"),
    "2**53 + 1": raw_event('{"a": 9007199254740993}'),
    "a number like text": raw_event('{"a": "1e400", "b": "NaN"}'),
    "B06 300 digits e1": raw_event('{"a": ' + "1" * 300 + "e1}"),
    "properties no object": raw_event("[1]"),
    "properties a text": raw_event('"x"'),
    "B22 unknown field": '{"type": "page", "nonsense": {"deep": [1, {}]}}',
    "B23 no message id": '{"type": "page"}',
    "B26 null": '{"type": "page", "messageId": null}',
    "B26 word undefined": '{"type": "page", "messageId": "undefined"}',
    "B26 255": f'{{"type": "page", "messageId": "{"m" * 255}"}}',
    "B26 emoji and spaces": '{"type": "page", "messageId": " a 🎈 b "}',
    "B28 milliseconds": '{"type": "page", "timestamp": 1700000000000}',
    "B30 future": '{"type": "page", "timestamp": "2099-01-01T00:00:00Z"}',
    "B31 past": '{"type": "page", "timestamp": "2001-01-01T00:00:00Z"}',
    "B32 naive": '{"type": "page", "timestamp": "2026-01-01T00:00:00"}',
    "B33 wrong types": raw_event('{"score": "12", "tags": "x", "n": [null]}'),
    "B34 odd keys": raw_event('{"__proto__": 1, "$set": {}, "a.b": 2, "": 3}'),
    "B34 1,000 keys": raw_event(json.dumps({f"k{n}": n for n in range(1_000)})),
    "B41 foreign ids": raw_event('{"tenant_id": 7, "partner_id": "b", "account": "southwind"}'),
    "B42 odd ids": '{"type": "page", "userId": "1 OR 1=1", "anonymousId": "../x"}',
    "B42 huge id": '{"type": "page", "userId": 9223372036854775808}',
    "nulls": '{"type": "page", "timestamp": null, "properties": null, "anonymousId": null}',
}


@pytest.mark.parametrize("event", ACCEPTED.values(), ids=ACCEPTED)
def test_odd_but_good(send, event):
    answer = send(raw_batch(event))
    assert answer.status_code == 200
    assert answer.json() == {"success": True, "accepted": 1, "rejected": []}
    assert Activity.objects.get().payload["type"] in ("page", "track")


def test_b13_a_byte_order_mark_is_fine(send):
    assert send(b"\xef\xbb\xbf" + raw_batch(GOOD_RAW)).json()["accepted"] == 1


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "x", ""],
)
def test_b14_content_type_is_ignored(client, send, content_type):
    answer = client.generic(
        "POST",
        "/v1/track",
        GOOD_RAW,
        content_type=content_type,
        headers={"Authorization": f"Bearer {send.key}"},
    )
    assert answer.json()["accepted"] == 1


def test_b17_a_gzip_bomb_is_not_inflated(send):
    bomb = gzip.compress(b"0" * 100_000_000)
    answer = send(bomb, **{"Content-Encoding": "gzip"})
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


def test_gzip_works_however_well_it_compresses(send):
    body = json.dumps(batch(*[GOOD | {"properties": {"x": "y" * 500}}] * 700)).encode()
    packed = gzip.compress(body)
    assert len(body) / len(packed) > 100
    assert send(packed, **{"Content-Encoding": "gzip"}).json()["accepted"] == 700


@pytest.mark.parametrize(
    ("body", "encoding", "code"),
    [
        (b"nonsense", "gzip", "invalid_gzip"),
        (gzip.compress(raw_batch(GOOD_RAW))[:-9], "gzip", "invalid_gzip"),
        (gzip.compress(gzip.compress(raw_batch(GOOD_RAW))), "gzip", "unsupported_encoding"),
        (gzip.compress(raw_batch(GOOD_RAW)), "", "unsupported_encoding"),
        (b"x", "br", "unsupported_encoding"),
        (zlib.compress(b"x"), "deflate", "unsupported_encoding"),
    ],
    ids=["nonsense", "cut short", "twice", "undeclared", "br", "deflate"],
)
def test_b18_broken_or_unknown_compression(send, body, encoding, code):
    answer = send(body, **({"Content-Encoding": encoding} if encoding else {}))
    assert (answer.status_code, answer.json()["code"]) == (400, code)


def test_b24_a_repeat_changes_nothing(send):
    for _ in range(2):
        answer = send({**GOOD, "messageId": "once"}, "/v1/track")
        assert answer.status_code == 200 and answer.json()["accepted"] == 1
    assert Activity.objects.count() == 1
    assert not RejectedEvent.objects.exists()


def test_b25_a_repeat_with_another_body_is_shown_in_the_debugger(send):
    send({**GOOD, "messageId": "once"}, "/v1/track")
    answer = send({**GOOD, "messageId": "once", "event": "Other"}, "/v1/track")
    assert answer.json()["accepted"] == 1
    assert Activity.objects.get().name == "Demo Requested"
    assert RejectedEvent.objects.get().code == "repeated_message_id"


def test_the_same_id_twice_in_one_batch(send):
    event = {**GOOD, "messageId": "once"}
    assert send(batch(event, event)).json()["accepted"] == 2
    assert Activity.objects.count() == 1


@pytest.mark.parametrize(
    "auth", ["", "Bearer", "Bearer wrong", "Basic !!!", "Basic d3Jvbmc6", "Digest x", "Bearer é"]
)
def test_b35_a_missing_or_wrong_key(send, auth):
    answer = send(GOOD, "/v1/track", auth=auth)
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_write_key")
    assert answer.headers["WWW-Authenticate"]


def test_b36_a_revoked_key(client, django_user_model):
    source, key = make_source()
    source.revoked_at = "2026-01-01T00:00:00Z"
    source.save()
    answer = client.post(
        "/v1/track", GOOD_RAW, "application/json", headers={"Authorization": f"Bearer {key}"}
    )
    assert answer.status_code == 401


def test_b37_a_key_in_the_address_is_refused_and_flagged(client):
    source, key = make_source()
    answer = client.post(f"/v1/track?writeKey={key}", GOOD_RAW, "application/json")
    assert (answer.status_code, answer.json()["code"]) == (400, "write_key_in_url")
    source.refresh_from_db()
    assert source.leaked_at


@pytest.mark.parametrize("method", ["get", "put", "delete", "trace", "patch", "head"])
def test_b38_other_methods(client, method):
    answer = getattr(client, method)("/v1/track", headers={"X-HTTP-Method-Override": "POST"})
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "POST, OPTIONS"


def test_b39_a_foreign_host(client):
    answer = client.post("/v1/track", GOOD_RAW, "application/json", headers={"Host": "evil.test"})
    assert answer.status_code == 400


def test_b40_too_many_requests_of_one_key(send, settings, client):
    settings.INTAKE_REQUESTS_PER_SECOND = 3
    answers = [send(GOOD, "/v1/track") for _ in range(6)]
    refused = [a for a in answers if a.status_code == 429]
    assert refused and refused[0].headers["Retry-After"] == "1"
    _, other = make_source("Other")
    answer = client.post(
        "/v1/track", GOOD_RAW, "application/json", headers={"Authorization": f"Bearer {other}"}
    )
    assert answer.status_code == 200


def test_when_nothing_can_be_stored(send, monkeypatch):
    def full(*_args, **_kwargs):
        raise OperationalError("disk full")

    monkeypatch.setattr(intake, "_insert", full)
    answer = send(GOOD, "/v1/track")
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert answer.headers["Retry-After"]
    assert not Activity.objects.exists()
