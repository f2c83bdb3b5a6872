"""The web process dies, or the client behaves as clients do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tests.chaos.registry import scenario
from tests.chaos.stage import Run

EVENTS = 20


@scenario("T01", "kill -9 of web after INSERT, before COMMIT")
def before_commit(run: Run) -> None:
    _die_at(run, "stored")


@scenario("T02", "kill -9 of web after COMMIT, before the nudge and the answer")
def after_commit(run: Run) -> None:
    _die_at(run, "committed")
    run.check(run.ledger.recovered, "what was stored was not there when it was sent again")


def _die_at(run: Run, point: str) -> None:
    run.replace("web", **run.fail_point(f"{point}:kill"))
    with run.client.posting(run.client.demo_requests(EVENTS, run.partners)):
        run.wait_fallen("web")
        run.start("web")
    run.settle()


@scenario("T20", "the same messageId 100 times in parallel")
def one_id_at_once(run: Run) -> None:
    event = run.client.demo_request(run.rng.choice(run.partners))
    run.client.post([event] * 100, threads=50)
    run.settle()
    run.check([try_.status for try_ in event.tries] == [200] * 100, "an answer was not 200")
    rows = run.rows(
        "SELECT count(*) FROM partners_activity WHERE message_id = %s", event.message_id
    )
    run.check(rows == [(1,)], f"{rows} activities")
    run.check(run.emails("true") == 1, "not one delivery")


@scenario("T23", "events out of order, some 7 days late")
def out_of_order(run: Run) -> None:
    """What is older than 72 h on arrival is no news (R22): stored, and nobody is told."""
    now = datetime.now(UTC)
    events = []
    for number in range(40):
        is_late = number % 4 == 0
        age = timedelta(days=7) if is_late else timedelta(hours=run.rng.uniform(0, 70))
        partner = run.rng.choice(run.partners)
        event = run.client.demo_request(partner, timestamp=(now - age).isoformat())
        if is_late:
            event.tells = frozenset()
        events.append(event)
    run.rng.shuffle(events)
    run.client.post(events)
    run.settle()
    stale = run.rows(
        "SELECT count(*) FROM notifications_decision d JOIN partners_activity a"
        " ON a.id = d.activity_id WHERE a.message_id LIKE %s AND d.reason = 'stale'",
        f"{run.client.prefix}-%",
    )
    run.check(stale == [(10,)], f"{stale} events were called stale instead of 10")
