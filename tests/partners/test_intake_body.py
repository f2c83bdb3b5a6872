"""How the bytes of a request arrive: compression."""

from __future__ import annotations

import gzip
import json
from io import BytesIO

import pytest

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
