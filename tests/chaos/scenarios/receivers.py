"""Webhooks and push services that are slow, gone, moved, busy or rude."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

from tests.chaos.client import Sent, percentile, recipient
from tests.chaos.receivers import OK, Receiver, Reply
from tests.chaos.registry import scenario
from tests.chaos.stage import WORKERS, Run
from tests.sinks import Request, wait_until

EVENTS = 40


def events_of(run: Run, partners: list[int], count: int = EVENTS) -> list[Sent]:
    return [run.client.demo_request(run.rng.choice(partners)) for _ in range(count)]


def path_of(partner: int) -> str:
    return f"/{partner}"


@scenario("T27", "one webhook that never answers and one with an endless body")
def slow(run: Run) -> None:
    """The others do not notice. Who never answers is asked again after a pause."""
    silent, endless, *good = run.webhooks(8)
    is_silent = True

    def behave(request: Request) -> Reply:
        if request.path == path_of(silent) and is_silent:
            run.stage.hooks.take(request)
            time.sleep(6)  # Longer than the total deadline.
            return 503, {}, b""
        if request.path == path_of(endless):
            return 200, {}, b"a" * 20_000_000
        return OK

    run.stage.hooks.behave = behave
    memory = _memory(run)
    run.client.post(events_of(run, [silent, endless, *good]))
    others = [e for e in run.client.sent if recipient(silent) not in e.tells]
    wait_until(lambda: len(run.to_inbox(others)) == len(others), what="the others' messages")
    run.note("p99 of the others", f"{percentile(run.to_inbox(others), 99):.1f} s")
    is_silent = False
    run.settle(hurry=True)
    run.note("memory of workers", f"× {_memory(run) / memory:.2f}")


def _memory(run: Run) -> int:
    """Return the kilobytes that the workers hold."""
    pids = [run.product.processes[name].pid for name in WORKERS]
    return sum(_resident(pid) for pid in pids)


def _resident(pid: int) -> int:
    with open(f"/proc/{pid}/status") as status:
        return int(next(line for line in status if line.startswith("VmRSS")).split()[1])


@scenario("T28", "webhooks that take one in five messages and close without an answer")
def no_answer(run: Run) -> None:
    partners = run.webhooks(6)
    run.stage.hooks.behave = _vanishing(run, run.stage.hooks)
    run.client.post(events_of(run, partners))
    run.settle(hurry=True)
    run.check(run.ledger.interrupted, "no answer was lost")


@scenario("T28x", "the same, for webhooks that never want anything twice")
def no_answer_never_twice(run: Run) -> None:
    partners = run.webhooks(6)
    run.never_twice = True
    run.rows_of("UPDATE notifications_endpoint SET never_twice = true")
    run.stage.hooks.behave = _vanishing(run, run.stage.hooks)
    run.client.post(events_of(run, partners))
    run.settle(hurry=True)
    waiting = run.deliveries("other_apps", "d.state = 'unknown'")
    run.check(waiting == run.ledger.interrupted > 0, f"{waiting} wait for a person")
    run.note("waiting for a person", waiting)


@scenario("T28p", "a push service that does so")
def no_answer_to_a_push(run: Run) -> None:
    devices = run.devices(4)
    run.stage.pushes.behave = _vanishing(run, run.stage.pushes)
    run.client.post(events_of(run, devices))
    run.settle(hurry=True)
    run.check(run.ledger.interrupted, "no answer was lost")


def _vanishing(run: Run, receiver: Receiver):
    return lambda request: receiver.vanish(request) if run.rng.random() < 0.2 else OK


@scenario("T29", "a name that is not found, and one that leads to a private address")
def names(run: Run) -> None:
    """Nothing leaves for either, and nothing is lost; the mails of others go meanwhile."""
    unknown, private = partners = run.webhooks(2)
    _move(run, unknown, "http://nobody.invalid/")
    _move(run, private, f"http://localhost:{run.stage.hooks.port}/{private}")
    run.replace(*WORKERS, ALLOW_PRIVATE_WEBHOOKS="false")
    mails = run.client.demo_requests(10, run.partners)
    run.client.post([*events_of(run, partners, 10), *mails])
    wait_until(lambda: run.deliveries("other_apps", "d.starts > 0 AND d.state = 'pending'") >= 2,
               what="both were tried")  # fmt: skip
    wait_until(lambda: len(run.to_inbox(mails)) == len(mails), what="the mails of others")
    run.check(not run.requests(private), "the private address was connected to")
    run.count()
    run.check(not run.ledger.interrupted, "a send that never left was called unknown")
    for partner in partners:
        _move(run, partner, f"{run.stage.hooks.url}/{partner}")
    run.replace(*WORKERS, ALLOW_PRIVATE_WEBHOOKS="true")
    run.settle(hurry=True)


def _move(run: Run, partner: int, address: str) -> None:
    run.rows_of(
        "UPDATE notifications_endpoint SET address = %s WHERE name = %s", address, f"hook {partner}"
    )


@scenario("T30", "a webhook that answers 500 for a while")
def broken_for_a_while(run: Run) -> None:
    """After ten failures it is left alone, so most messages wait without a try."""
    broken, *good = run.webhooks(4)
    is_broken = True
    run.stage.hooks.behave = lambda request: (
        (500, {}, b"oops") if is_broken and request.path == path_of(broken) else OK
    )
    events = [*events_of(run, [broken]), *events_of(run, good)]
    run.client.post(events)
    wait_until(lambda: run.deliveries("other_apps", "d.state = 'delivered'") >= EVENTS,
               what="the others")  # fmt: skip
    wait_until(lambda: run.openings(broken) == 1, what="the breaker")
    asked = len(run.requests(broken))
    run.check(asked <= 12, f"{asked} requests before it was left alone")
    run.note("requests before it was left alone", asked)
    untried = run.deliveries("other_apps", "d.state = 'pending' AND d.starts = 0")
    run.note("waiting without a try", untried)
    is_broken = False
    run.fault()
    run.settle(hurry=True)
    run.check(run.openings(broken) == 0, "the breaker is still open")


@scenario("T31", "429 with Retry-After")
def busy(run: Run) -> None:
    wait = 6
    (busy_one,) = run.webhooks(1)
    first = True

    def behave(_request: Request) -> Reply:
        nonlocal first
        if first:
            first = False
            return 429, {"Retry-After": str(wait)}, b""
        return OK

    run.stage.hooks.behave = behave
    run.client.post(events_of(run, [busy_one]))
    run.settle()
    times = sorted(request.at for request in run.requests(busy_one))
    gaps = [after - times[0] for after in times[1:]]
    early = [gap for gap in gaps if gap < wait - 0.5]
    # Two may be under way at once: one more was sent before the answer came.
    run.check(len(early) <= 1 and max(early, default=0) < 0.5, f"asked again after {early} s")
    late = gaps[len(early) :]
    run.check(late, "not asked again once the time was over")
    if late:
        run.note("asked again after", f"{late[0]:.1f} s")


@scenario("T32", "a redirect to another host")
def redirected(run: Run) -> None:
    (moved,) = run.webhooks(1)
    with Receiver() as inner:
        run.stage.hooks.behave = lambda _request: (302, {"Location": f"{inner.url}/secret"}, b"")
        run.client.post(events_of(run, [moved], 5))
        wait_until(lambda: run.requests(moved), what="the first request")
        run.stage.hooks.behave = lambda _request: OK
        run.settle(hurry=True)
        run.check(not inner.requests, "the redirect was followed")


@scenario("T33", "410: a webhook that is gone for good")
def gone(run: Run) -> None:
    gone_one, *good = run.webhooks(4)
    evaluated = threading.Event()

    def behave(request: Request) -> Reply:
        if request.path != path_of(gone_one):
            return OK
        evaluated.wait(10)  # Of what is evaluated later nothing is sent there at all.
        return 410, {}, b""

    run.stage.hooks.behave = behave
    lost = events_of(run, [gone_one], 10)
    run.client.post([*lost, *events_of(run, good)])
    wait_until(lambda: run.rows(
        "SELECT 1 FROM notifications_delivery d JOIN notifications_endpoint e"
        " ON e.key = d.endpoint_key WHERE e.name = %s HAVING count(*) = 10", f"hook {gone_one}"
    ), what="ten messages")  # fmt: skip
    evaluated.set()
    run.settle(hurry=True)
    asked = len(run.requests(gone_one))
    run.check(asked <= 2, f"{asked} requests")  # Two may have been under way at once.
    notices = run.rows(
        "SELECT d.channel, d.state FROM notifications_delivery d JOIN notifications_notification n"
        " ON n.id = d.notification_id JOIN notifications_endpoint e ON e.id = n.endpoint_id"
        " WHERE e.name = %s AND e.disabled_because = 'gone'",
        f"hook {gone_one}",
    )
    run.check(notices == [("desktop", "delivered")], f"its owner was told {notices}")
    run.explained = len(lost)


@scenario("T36", "a hundred failures in the same second")
def crowd(run: Run) -> None:
    run.stage.smtp.answer = lambda _message: "451 Not now"
    run.client.post(run.client.demo_requests(100, run.partners))
    wait_until(lambda: run.emails("d.starts = 1 AND d.state = 'pending'") == 100,
               seconds=60, what="the failures")  # fmt: skip
    spread = run.rows(
        "SELECT count(*) FROM notifications_delivery d JOIN notifications_attempt t"
        " ON t.delivery_id = d.id JOIN notifications_notification n ON n.id = d.notification_id"
        " JOIN partners_activity a ON a.id = n.activity_id"
        " WHERE d.channel = 'email' AND a.message_id LIKE %s"
        " GROUP BY floor(extract(epoch FROM d.not_before - t.ended_at))",
        f"{run.client.prefix}-%",
    )
    most, seconds = max(n for (n,) in spread), len(spread)
    run.check(most <= 3 * 100 / seconds, f"{most} of 100 come back in one second")
    run.note("come back over", f"{seconds} s, at most {most} in one")
    run.stage.smtp.answer = lambda _message: None
    run.settle(hurry=True)


@scenario("T51", "the endpoint is removed, and the topic switched off, between claim and send")
def withdrawn(run: Run) -> None:
    removed, unticked, *good = run.webhooks(5)
    run.replace(*WORKERS, **run.fail_point("claimed-hooks:sleep:2"))
    stopped = [*events_of(run, [removed], 5), *events_of(run, [unticked], 5)]
    run.client.post([*stopped, *events_of(run, good, 10)])
    run.wait_hit()
    run.rows_of("DELETE FROM notifications_endpoint WHERE name = %s", f"hook {removed}")
    run.rows_of(
        "UPDATE notifications_preference p SET is_on = false FROM accounts_membership m, "
        "accounts_user u WHERE p.membership_id = m.id AND m.user_id = u.id AND u.email = %s"
        " AND p.channel = 'other_apps' AND p.key = 'enabled'",
        recipient(unticked),
    )
    at = time.time()
    run.settle()
    late = [
        request
        for partner in (removed, unticked)
        for request in run.requests(partner)
        if request.at > at + FRESH.total_seconds()
    ]
    run.check(not late, f"{len(late)} were sent after that")
    run.explained = 10


@scenario("T51x", "the endpoint is switched off between the check and the send")
def switched_off(run: Run) -> None:
    (hook,) = run.webhooks(1)
    run.replace(*WORKERS, **run.fail_point("checked-hooks:sleep:2"))
    run.client.post(events_of(run, [hook], 1))
    run.wait_hit()
    run.rows_of(
        "UPDATE notifications_endpoint SET disabled_at = now(), disabled_because = 'owner'"
        " WHERE name = %s",
        f"hook {hook}",
    )
    run.settle()
    run.check(not run.requests(hook), "it was sent all the same")
    run.explained = 1


# Facts may be so old at a send.
FRESH = timedelta(seconds=1)
