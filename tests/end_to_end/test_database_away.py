"""PostgreSQL crashes, is full, read-only or out of connections under a running instance (T12-T16).

Nothing is acknowledged that is not stored, `/readyz` says no, every process lives on, and all
goes by itself as soon as the database does.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator

import psycopg
import pytest

from tests.instance import Answer, Instance, instance
from tests.servers import own_postgresql
from tests.sinks import HungServer, wait_until

pytestmark = pytest.mark.processes
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def server():
    with own_postgresql(durable=True) as server:
        yield server


@pytest.fixture(scope="module")
def product(server, tmp_path_factory):
    """A running instance whose database role is no superuser; its processes never end."""
    with psycopg.connect(server.url, autocommit=True) as admin:
        admin.execute("CREATE ROLE app LOGIN")
        admin.execute("CREATE DATABASE app OWNER app")
    url = server.url.replace("pn@", "app@").rpartition("/")[0] + "/app"
    with instance("sqlite", tmp_path_factory.mktemp("away"), DATABASE_URL=url) as running:
        running.key = running.write_key()
        running.start("web", "worker", "beat")
        running.wait_ready()
        yield running
        running.manage("check_invariants")


@pytest.fixture(autouse=True)
def lives_on(product) -> Iterator[None]:
    """After each test all is well again by itself, and no process ended."""
    yield
    wait_until(lambda: post(product).status == 200, what="a stored event")
    product.wait_ready()
    ended = [name for name, process in product.processes.items() if process.poll() is not None]
    assert not ended


@pytest.fixture
def admin(server):
    """A superuser's connection to the instance's database."""
    with psycopg.connect(server.url.rpartition("/")[0] + "/app", autocommit=True) as connection:
        yield connection


def post(product: Instance, message_id: str = "") -> Answer:
    body = {
        "event": "Demo Requested",
        "messageId": message_id or f"m-{next(_numbers)}",
        "context": {"traits": {"email": "anna@acme.example"}},
    }
    return product.post("/v1/track", body, key=product.key)


def is_refusal(answer: Answer) -> bool:
    """Tell whether it is a 503 as the contract has it."""
    return (
        answer.status == 503
        and answer.json["code"] == "unavailable"
        and int(answer.headers["Retry-After"]) > 0
        and answer.headers["Access-Control-Allow-Origin"] == "*"
    )


def stored(admin) -> set[str]:
    return {row[0] for row in admin.execute("SELECT message_id FROM partners_activity")}


def end_connections(admin) -> None:
    admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'app'")


def test_crashes_under_load_lose_nothing_that_was_acknowledged(server, product):
    answers: list[tuple[str, Answer]] = []
    enough = threading.Event()

    def send():
        while not enough.is_set():
            message_id = f"load-{next(_numbers)}"
            answers.append((message_id, post(product, message_id)))

    senders = [threading.Thread(target=send) for _ in range(4)]
    for sender in senders:
        sender.start()
    for _ in range(2):
        before = len(answers)
        wait_until(lambda: len(answers) > before + 20, what="some load")  # noqa: B023
        server.crash()
        assert product.get("/readyz").status == 503
        assert product.get("/healthz").status == 200
        server.start()
    enough.set()
    for sender in senders:
        sender.join()
    refused = [answer for _, answer in answers if answer.status != 200]
    assert refused
    assert all(map(is_refusal, refused))
    acknowledged = {message_id for message_id, answer in answers if answer.status == 200}
    with psycopg.connect(server.url.rpartition("/")[0] + "/app") as connection:
        assert acknowledged <= stored(connection)


def test_a_preflight_is_refused_as_well(server, product):
    server.crash()
    answer = product.request("OPTIONS", "/v1/track", headers={"Origin": "https://shop.example"})
    server.start()
    assert (answer.status, answer.json["code"]) == (503, "unavailable")


def test_no_connection_is_left(product, admin):
    admin.execute("ALTER ROLE app CONNECTION LIMIT 0")
    end_connections(admin)
    before = stored(admin)
    assert is_refusal(post(product))
    assert product.get("/readyz").status == 503
    assert stored(admin) == before
    admin.execute("ALTER ROLE app CONNECTION LIMIT -1")


def test_the_database_became_read_only(product, admin):
    admin.execute("ALTER ROLE app SET default_transaction_read_only = on")
    end_connections(admin)
    before = stored(admin)
    assert is_refusal(post(product))
    ready = product.get("/readyz")
    assert (ready.status, ready.json["stores_events"]) == (503, False)
    assert stored(admin) == before
    admin.execute("ALTER ROLE app RESET default_transaction_read_only")
    end_connections(admin)


@pytest.fixture
def fail_with(admin):
    """Return a function: the next `times` INSERTs of activities fail with this SQLSTATE."""

    def fail(sqlstate: str, times: int) -> None:
        admin.execute(f"CREATE SEQUENCE failures MAXVALUE {times + 1}")
        admin.execute("GRANT ALL ON failures TO app")
        admin.execute(
            f"""
            CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
              IF nextval('failures') <= {times} THEN
                RAISE EXCEPTION 'injected' USING ERRCODE = '{sqlstate}';
              END IF;
              PERFORM setval('failures', {times + 1}, false);
              RETURN NEW;
            END $$
            """
        )
        admin.execute(
            "CREATE TRIGGER fail BEFORE INSERT ON partners_activity FOR EACH STATEMENT"
            " EXECUTE FUNCTION fail()"
        )

    yield fail
    admin.execute("DROP TRIGGER IF EXISTS fail ON partners_activity")
    admin.execute("DROP FUNCTION IF EXISTS fail")
    admin.execute("DROP SEQUENCE IF EXISTS failures")


def test_the_disk_is_full(product, admin, fail_with):
    """PostgreSQL's own answer to it; what was there can still be read and updated in place."""
    fail_with("53100", times=1)
    before = stored(admin)
    assert is_refusal(post(product))
    assert stored(admin) == before
    ready = product.get("/readyz")
    assert (ready.status, ready.json["silent"], ready.json["stores_events"]) == (503, [], False)
    assert post(product).status == 200
    assert product.get("/readyz").status == 200


@pytest.mark.parametrize("sqlstate", ["40001", "40P01"])
def test_a_conflict_is_repeated_inside(product, admin, fail_with, sqlstate):
    fail_with(sqlstate, times=2)
    answer = post(product, "in-the-way-" + sqlstate)
    assert (answer.status, answer.json["accepted"]) == (200, 1)
    assert "in-the-way-" + sqlstate in stored(admin)


def test_a_conflict_without_end_is_refused(product, fail_with):
    fail_with("40001", times=3)
    assert is_refusal(post(product))


def test_two_transactions_that_wait_for_each_other(product, admin):
    """A real deadlock: the request holds a contact and wants an identity, this test both."""
    assert identify(product, "ewa@acme.example", "Ewa").status == 200
    assert identify(product, "ola@acme.example", "Ola").status == 200
    answers: list[Answer] = []
    request = threading.Thread(
        target=lambda: answers.append(identify(product, "ewa@acme.example", "Ewa Nowak"))
    )
    with admin.transaction():
        admin.execute("SELECT 1 FROM partners_identity WHERE value = 'u-1' FOR UPDATE")
        request.start()
        wait_until(lambda: deadlocks_or_waits(admin)[1], what="the request")
        admin.execute("SELECT 1 FROM partners_contact WHERE email LIKE 'ewa@%' FOR UPDATE")
    request.join()
    assert [answer.status for answer in answers] == [200]
    wait_until(lambda: deadlocks_or_waits(admin)[0], what="PostgreSQL's count of deadlocks")


def identify(product: Instance, email: str, name: str) -> Answer:
    body = {"userId": "u-1", "traits": {"email": email, "name": name}}
    return product.post("/v1/identify", body, key=product.key)


def deadlocks_or_waits(admin) -> tuple[int, int]:
    """Return how many deadlocks there were, and how many requests wait for a lock now."""
    return admin.execute(
        """
        SELECT (SELECT deadlocks FROM pg_stat_database WHERE datname = 'app'),
               (SELECT count(*) FROM pg_stat_activity
                WHERE usename = 'app' AND wait_event_type = 'Lock')
        """
    ).fetchone()


def test_a_database_host_that_does_not_answer_is_given_up(tmp_path):
    """The web process starts without it, and keeps nobody waiting for long."""
    with HungServer() as host:
        url = f"postgres://app@127.0.0.1:{host.port}/app"
        product = Instance(tmp_path, {"DATABASE_URL": url, "CELERY_BROKER_URL": "filesystem://"})
        product.key = "any"
        try:
            product.start("web")
            assert is_refusal(post(product))
            assert product.get("/readyz").status == 503
        finally:
            product.stop_all()
