"""Redis or PostgreSQL is emptied, gone, hung or crashed."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator, Sequence

import redis

from tests.chaos.client import percentile
from tests.chaos.proxy import Cut, Proxy
from tests.chaos.registry import scenario
from tests.chaos.stage import WORKERS, Run

PER_SECOND = 20


@scenario("T09", "FLUSHALL of Redis twice a second, under load")
def flushed(run: Run) -> None:
    client = redis.Redis.from_url(run.stage.redis.url)
    until = time.monotonic() + run.stage.sizes.fault_seconds
    with run.client.load(PER_SECOND, run.partners):
        while time.monotonic() < until:
            client.flushall()
            run.fault()
            time.sleep(0.5)
    run.settle()
    _note_speed(run)


@scenario("T10", "Redis down, then up again, under load")
def broker_down(run: Run) -> None:
    _without_redis(run, run.stage.redis.stop, run.stage.redis.start)


@scenario("T11", "Redis hung (SIGSTOP), under load")
def broker_hung(run: Run) -> None:
    signal_redis = run.stage.redis.process.send_signal
    _without_redis(run, lambda: signal_redis(signal.SIGSTOP), lambda: signal_redis(signal.SIGCONT))


def _without_redis(run: Run, stop: Callable[[], None], start: Callable[[], None]) -> None:
    """Intake does not notice: it acknowledges at once, as fast as before."""
    with run.client.load(PER_SECOND, run.partners):
        time.sleep(run.stage.sizes.fault_seconds)
        stop()
        stopped_at = time.time()
        time.sleep(run.stage.sizes.fault_seconds)
        started_at = time.time()
        start()
        run.fault()
    run.settle()
    refused = sum(len(event.tries) > 1 for event in run.client.sent)
    run.check(not refused, f"{refused} events were not acknowledged at once")
    tries = [try_ for event in run.client.sent for try_ in event.tries]
    run.ledger.check_speed(
        [try_.seconds for try_ in tries if try_.ended_at <= stopped_at],
        [try_.seconds for try_ in tries if try_.ended_at > stopped_at and try_.at < started_at],
    )
    _note_speed(run)


def _note_speed(run: Run) -> None:
    run.note_intake()
    run.note("p99 to the inbox", f"{percentile(run.to_inbox(run.client.sent), 99):.1f} s")


@scenario("T12", "PostgreSQL crashes twice under load")
def database_crash(run: Run) -> None:
    postgres, down = run.stage.postgres, []
    with run.client.load(PER_SECOND, run.partners):
        for _ in range(2):
            time.sleep(run.rng.uniform(1, 2))
            postgres.crash()
            began = time.monotonic()
            postgres.start()
            run.fault()
            down.append(time.monotonic() - began)
        time.sleep(1)
    run.settle()
    run.note("down", " and ".join(f"{seconds:.1f} s" for seconds in down))
    refused = sum(try_.status == 503 for event in run.client.sent for try_ in event.tries)
    run.note("answered 503", refused)


@scenario("T13", "connections cut at COMMIT: before it, or its answer lost")
def commit_cut(run: Run) -> None:
    """Two of three of web's first 30 transactions are cut, and two of ten of the workers' 60."""
    port = run.stage.postgres.port
    of_web = _shuffled(run, [Cut.NONE, Cut.BEFORE, Cut.AFTER], 10)
    of_workers = _shuffled(run, [Cut.BEFORE, Cut.AFTER, *[Cut.NONE] * 8], 6)
    with Proxy(port, of_web) as near_web, Proxy(port, of_workers) as near_workers:
        run.replace("web", DATABASE_URL=_through(run, near_web))
        run.replace(*WORKERS, DATABASE_URL=_through(run, near_workers))
        run.client.post(run.client.demo_requests(40, run.partners))
        run.fault()
        run.settle()
        lost = [proxy.done[Cut.AFTER] for proxy in (near_web, near_workers)]
        run.note("COMMIT answers lost", f"{lost[0]} of web, {lost[1]} of workers")
        run.check(all(lost), "no answer to a COMMIT was lost")
        run.check(run.ledger.recovered, "nothing was recovered")
    run.replace("web", *WORKERS)


def _shuffled(run: Run, hand: Sequence[Cut], hands: int) -> Iterator[Cut]:
    """Deal hand after hand, each shuffled: whatever the seed, the first one holds every cut."""
    for _ in range(hands):
        yield from run.rng.sample(hand, len(hand))


def _through(run: Run, proxy: Proxy) -> str:
    return run.stage.postgres.url.replace(f":{run.stage.postgres.port}/", f":{proxy.port}/")
