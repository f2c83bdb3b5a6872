"""Batches of 100 events over HTTP, against executemany of the same rows."""

from __future__ import annotations

import http.client
import json
import threading
import time
import uuid
from datetime import UTC, datetime

import psycopg

from tests.instance import Instance

WORK = "batch intake over HTTP, 100 events a request"
FLOOR = "psycopg executemany, 1,000 rows a batch"
REACH = 0.3
EVENTS, PER_REQUEST, CONNECTIONS = 20_000, 100, 4
_state: dict[str, str] = {}


def prepare(product: Instance) -> None:
    _state["key"] = product.write_key()
    product.environment["WEB_WORKERS"] = "2"
    product.start("web")
    with psycopg.connect(product.environment["DATABASE_URL"]) as connection:
        connection.execute(
            "CREATE TABLE bench_activity (LIKE partners_activity INCLUDING DEFAULTS"
            " INCLUDING IDENTITY, PRIMARY KEY (id), UNIQUE (source_id, message_id))"
        )
    _post_all(product, _bodies(2_000))


def event(number: int) -> dict[str, object]:
    return {
        "type": "track",
        "event": "Demo Requested",
        "messageId": uuid.uuid4().hex,
        "userId": f"user-{number % 500}",
        "timestamp": "2026-06-01T12:00:00Z",
        "properties": {"email": f"p{number % 500}@lead{number % 500}.example", "plan": "pro",
                       "path": "/request-a-demo", "note": "x" * 60},
        "context": {"library": {"name": "bench", "version": "1"}, "locale": "en"},
    }  # fmt: skip


def _bodies(events: int) -> list[bytes]:
    return [
        json.dumps({"batch": [event(n * PER_REQUEST + i) for i in range(PER_REQUEST)]}).encode()
        for n in range(events // PER_REQUEST)
    ]


def result(product: Instance) -> float:
    bodies = _bodies(EVENTS)
    begun = time.perf_counter()
    _post_all(product, bodies)
    return EVENTS / (time.perf_counter() - begun)


def _post_all(product: Instance, bodies: list[bytes]) -> None:
    failures: list[str] = []

    def work(mine: list[bytes]) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", product.port)
        headers = {"Authorization": f"Bearer {_state['key']}"}
        for body in mine:
            connection.request("POST", "/v1/batch", body, headers)
            answer = connection.getresponse()
            text = answer.read()
            if answer.status != 200 or json.loads(text)["accepted"] != PER_REQUEST:
                failures.append(f"{answer.status} {text[:200]!r}")

    threads = [
        threading.Thread(target=work, args=(bodies[n::CONNECTIONS],)) for n in range(CONNECTIONS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise RuntimeError(f"{len(failures)} requests failed: {failures[0]}")


def floor(product: Instance) -> float:
    now = datetime.now(UTC)
    rows = []
    for number in range(EVENTS):
        body = event(number)
        rows.append(
            (1, body["messageId"], "track", body["event"], None, "", body["userId"], now, now,
             False, json.dumps(body), uuid.uuid4().hex, "pending", 0, "")
        )  # fmt: skip
    sql = (
        "INSERT INTO bench_activity (source_id, message_id, type, name, contact_id, anonymous_id,"
        " user_id, occurred_at, received_at, consent_denied, payload, body_hash, state, failures,"
        " problem) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
    )
    begun = time.perf_counter()
    with psycopg.connect(product.environment["DATABASE_URL"]) as connection:
        for start in range(0, EVENTS, 1_000):
            with connection.cursor() as cursor:
                cursor.executemany(sql, rows[start : start + 1_000])
            connection.commit()
    return EVENTS / (time.perf_counter() - begun)
