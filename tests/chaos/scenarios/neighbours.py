"""One event or one account misbehaves: the others do not notice."""

from __future__ import annotations

from tests.chaos.client import Sent, percentile
from tests.chaos.failpoints import POISON
from tests.chaos.registry import scenario
from tests.chaos.stage import WORKERS, Run
from tests.sinks import wait_until

EVENTS = 20


@scenario("T24", "an event that cannot be evaluated, among others")
def poison_for_evaluation(run: Run) -> None:
    poison = _among_others(run, "poison-evaluation")
    state = run.rows(
        "SELECT state, failures FROM partners_activity WHERE message_id = %s", poison.message_id
    )
    run.check(state == [("quarantined", 5)], f"the poison is {state}")


@scenario("T24x", "a message that cannot be rendered, among others")
def poison_for_rendering(run: Run) -> None:
    poison = _among_others(run, "poison-rendering")
    dead = run.rows(
        "SELECT count(*) FROM notifications_delivery d JOIN notifications_notification n"
        " ON n.id = d.notification_id JOIN partners_activity a ON a.id = n.activity_id"
        " WHERE a.message_id = %s AND d.state = 'dead' AND d.failures = 4 AND d.detail <> ''",
        poison.message_id,
    )
    run.check(dead == [(1,)], f"{dead} deliveries of the poison are dead instead of 1")


def _among_others(run: Run, point: str) -> Sent:
    """Send one poisoned event among good ones; let its pauses pass when those are through."""
    run.replace(*WORKERS, by=("worker-1",), PN_FAILPOINT=f"{point}:raise")
    poison = run.client.demo_request(run.rng.choice(run.partners), mark=f"{POISON}-")
    events = [*run.client.demo_requests(EVENTS, run.partners), poison]
    run.rng.shuffle(events)
    run.client.post(events)
    wait_until(lambda: len(run.received) >= EVENTS, what="the neighbours' mail")
    run.settle(hurry=True)
    run.explained = 1
    return poison


@scenario("T25", "one account's flood, and quiet accounts beside it")
def flood(run: Run) -> None:
    size = run.stage.sizes.flood
    run.environment = {"DELIVERY_LEASE_SECONDS": "60"}  # As usual: nobody dies here.
    noisy, *quiet = run.rng.sample(run.partners, 11)
    run.replace(*WORKERS, by=())
    run.client.post([run.client.demo_request(noisy) for _ in range(size)])
    run.start(*WORKERS)
    wait_until(lambda: run.received, what="the first of the flood")
    behind = [run.client.demo_request(partner) for partner in quiet * 3]
    run.client.post(behind, threads=2)
    wait_until(lambda: len(run.to_inbox(behind)) == len(behind), seconds=60, what="the quiet")
    run.check(len(run.received) < size, "the flood was over before the quiet accounts' mail")
    run.settle()
    quiet_p99 = percentile(run.to_inbox(behind), 99)
    flood_p99 = percentile(run.to_inbox(run.client.sent), 99)
    run.note("p99 of the quiet", f"{quiet_p99:.1f} s")
    run.note("of the flood", f"{flood_p99:.0f} s")
    run.check(quiet_p99 < flood_p99 / 3, "the quiet accounts waited with the flood")
