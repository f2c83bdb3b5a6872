"""How the bytes of a request arrive: length, chunks, compression."""

from __future__ import annotations

import gzip
import json
from io import BytesIO

import pytest

from partners.models import Activity
from tests.factories import make_source

pytestmark = pytest.mark.django_db

BODY = json.dumps({"batch": [{"type": "page", "messageId": f"m{n}"} for n in range(3)]}).encode()


@pytest.fixture
def send(client):
    """Post `body` with an environment of the server's own making."""
    _, key = make_source()

    def post(body: bytes, *, encoding: str = "", **environ):
        headers = {"Authorization": f"Bearer {key}", "Content-Encoding": encoding}
        environ.setdefault("wsgi.input", BytesIO(body))
        return client.generic("POST", "/v1/batch", body, headers=headers, **environ)

    return post


# --- Length -------------------------------------------------------------------------------


def test_a_body_in_chunks_is_read_to_its_end(send):
    """The server undoes the chunks and says so; there is no Content-Length."""
    environ = {"CONTENT_LENGTH": "", "wsgi.input_terminated": True}
    answer = send(BODY, HTTP_TRANSFER_ENCODING="chunked", **environ)
    assert answer.json()["accepted"] == 3
    answer = send(b" " * 600_000, HTTP_TRANSFER_ENCODING="chunked", **environ)
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


def test_a_server_that_cannot_undo_chunks_asks_for_the_length(send):
    answer = send(BODY, CONTENT_LENGTH="", HTTP_TRANSFER_ENCODING="chunked")
    assert (answer.status_code, answer.json()["code"]) == (411, "length_required")


def test_no_body_at_all(send):
    answer = send(b"", CONTENT_LENGTH="")
    assert (answer.status_code, answer.json()["code"]) == (400, "empty_body")


@pytest.mark.parametrize("length", ["abc", "1e3", "-5", "9" * 5_000])
def test_a_wrong_length_is_refused(send, length):
    assert send(BODY, CONTENT_LENGTH=length).status_code in (400, 413)
    assert not Activity.objects.exists()


# --- Compression ----------------------------------------------------------------------------


def test_gzip_in_several_members(send):
    members = gzip.compress(BODY[:30]) + gzip.compress(b"") + gzip.compress(BODY[30:])
    assert send(members, encoding="gzip").json()["accepted"] == 3


def test_the_cap_counts_all_members(send):
    answer = send(gzip.compress(b" " * 300_000) * 2, encoding="gzip")
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


@pytest.mark.parametrize(
    "members",
    [
        gzip.compress(BODY) + b"rubbish",
        gzip.compress(BODY) + gzip.compress(BODY)[:-9],
        gzip.compress(BODY)[:-8] + b"\0" * 8,
        b"\x1f",
    ],
    ids=["rubbish", "cut short", "wrong checksum", "one byte"],
)
def test_a_damaged_member_is_refused(send, members):
    answer = send(members, encoding="gzip")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_gzip")


def test_twenty_thousand_empty_members_cost_nothing_special(send):
    answer = send(gzip.compress(b"") * 20_000 + gzip.compress(BODY), encoding="gzip")
    assert answer.json()["accepted"] == 3
