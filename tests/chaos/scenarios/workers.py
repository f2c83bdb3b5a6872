"""A worker dies or sleeps at the worst moment."""

from __future__ import annotations

import signal
import subprocess
import sys

from tests.chaos.client import recipient
from tests.chaos.registry import scenario
from tests.chaos.stage import EVERYBODY, WORKERS, Run
from tests.instance import ROOT
from tests.sinks import wait_until

EVENTS = 20
# A worker has two threads at e-mail, its task and its look-out: one fault may cut both.
MOST_CUT = 2
NEVER_TWICE = {"PN_NEVER_TWICE": "email"}


@scenario("T03", "kill -9 of a worker after its claim")
def after_the_claim(run: Run) -> None:
    _die_at(run, "claimed")
    run.check(not run.emails("d.starts > 1"), "a claim was charged as a try")


@scenario("T04", "kill -9 after the attempt is committed, before the request")
def before_the_request(run: Run) -> None:
    _die_at(run, "started")
    run.check(not run.ledger.duplicated, "sent twice, though the first never left")


@scenario("T04x", "kill -9 before the request, on a channel that never sends twice")
def before_the_request_never_twice(run: Run) -> None:
    _never_twice(run)
    _die_at(run, "started")
    cut = _cut_and_not_received(run)
    run.check(0 < run.explained <= cut, f"{run.explained} of {cut} cut sends did not arrive")


@scenario("T05", "kill -9 of a worker while the receiver answers")
def while_the_receiver_answers(run: Run) -> None:
    run.replace(*WORKERS, by=("worker-1",))
    at = run.rng.randrange(1, EVENTS)

    def answer(_message: object) -> None:
        if len(run.received) == at:
            run.kill("worker-1")

    run.stage.smtp.answer = answer
    run.client.post(run.client.demo_requests(EVENTS, run.partners))
    wait_until(lambda: run.ledger.kills, what="the kill")
    run.start(*WORKERS)
    run.settle()
    run.check(run.ledger.kills == 1, "the worker was not killed once")


@scenario("T06", "kill -9 after the receiver accepted, before that is committed")
def before_the_outcome(run: Run) -> None:
    _die_at(run, "accepted")


@scenario("T06x", "kill -9 before the outcome is committed, on a channel that never sends twice")
def before_the_outcome_never_twice(run: Run) -> None:
    _never_twice(run)
    _die_at(run, "accepted")
    cut = _cut_and_not_received(run)
    run.check(0 <= run.explained < cut, f"{run.explained} of {cut} cut sends did not arrive")


def _never_twice(run: Run) -> None:
    run.never_twice = True
    run.environment = NEVER_TWICE


def _cut_and_not_received(run: Run) -> int:
    """Return how many cut sends wait for a person; what did not arrive must be among them."""
    run.explained = EVENTS - len(run.received)
    cut = run.emails("d.state = 'unknown'")
    run.check(cut == run.ledger.interrupted, f"{cut} wait for a person")
    _check_interrupted(run)
    return cut


def _check_interrupted(run: Run) -> None:
    cut = run.ledger.interrupted
    run.check(1 <= cut <= MOST_CUT, f"{cut} sends were interrupted")


def _die_at(run: Run, point: str) -> None:
    run.replace(*WORKERS, by=("worker-1",), **run.fail_point(f"{point}:kill"))
    run.client.post(run.client.demo_requests(EVENTS, run.partners))
    run.wait_fallen("worker-1")
    held = run.emails("d.state IN ('leased', 'sending')")
    run.check(held, "nothing was held")
    run.note("held", held)
    run.start(*WORKERS)
    run.settle()


@scenario("T07", "kill -9 in the middle of evaluating an event with many recipients")
def halfway_through_an_evaluation(run: Run) -> None:
    run.replace(*WORKERS, by=("worker-1",), **run.fail_point("evaluating:kill"))
    everybody = map(recipient, run.partners)
    run.client.post([run.client.event(f"anna@{EVERYBODY}", everybody)])
    run.wait_fallen("worker-1")
    run.check(not run.emails("true"), "half of an evaluation was kept")
    run.start(*WORKERS)
    run.settle()
    run.note("recipients", len(run.partners))


@scenario("T17", "SIGTERM to every process in turn, three times, under load")
def rolling_restarts(run: Run) -> None:
    """Workers and beat are not noticed; a client of web has to ask again."""
    with run.client.load(20, run.partners):
        for _round in range(3):
            _restart(run, *WORKERS, "beat")
    meanwhile = [event for event in run.client.sent if len(event.tries) > 1]
    run.check(not meanwhile, f"{len(meanwhile)} events were refused while workers restarted")
    with run.client.load(20, run.partners):
        for _round in range(3):
            _restart(run, "web")
    run.settle()
    again = sum(len(event.tries) > 1 for event in run.client.sent)
    run.note("sent again while web restarted", again)
    run.check(not run.ledger.interrupted, "a send was cut in two")


def _restart(run: Run, *names: str) -> None:
    for name in names:
        run.product.stop(name)
        run.start(name)


@scenario("T18", "SIGSTOP of a worker during a send beyond its lease, then SIGCONT")
def zombie(run: Run) -> None:
    """It finishes when somebody else has sent: what it writes then is refused by its token."""
    run.replace(*WORKERS, by=("worker-1",))
    at = run.rng.randrange(1, EVENTS)

    def answer(_message: object) -> None:
        if len(run.received) == at:
            run.signal("worker-1", signal.SIGSTOP)
            run.fault()

    run.stage.smtp.answer = answer
    run.client.post(run.client.demo_requests(EVENTS, run.partners))
    wait_until(lambda: len(run.received) > at, what="the send")
    run.start("worker-2")
    run.settle()
    _check_interrupted(run)
    _wake(run)


@scenario("T18x", "SIGSTOP of a worker in the transaction that writes an outcome, then SIGCONT")
def zombie_in_a_transaction(run: Run) -> None:
    """PostgreSQL ends the transaction after 30 s; until then only this one delivery waits.

    The receiver refuses the first message: that outcome is more than one statement.
    """
    refused: list[object] = []

    def answer(message: object) -> str | None:
        if refused:
            return None
        refused.append(message)
        return "451 Not now"

    run.stage.smtp.answer = answer
    run.replace(*WORKERS, by=("worker-1",), **run.fail_point("ending:freeze"))
    run.client.post(run.client.demo_requests(EVENTS, run.partners))
    run.wait_hit()
    run.fault()
    run.start("worker-2")
    run.settle()
    _check_interrupted(run)
    _wake(run)


def _wake(run: Run) -> None:
    outcomes = run.attempts()
    run.signal("worker-1", signal.SIGCONT)
    run.product.stop("worker-1")  # It ends when its sends have ended.
    run.check(run.attempts() == outcomes, "the late worker changed an outcome")


@scenario("T49", "five sweepers and two beats at once, while workers die")
def many_sweepers(run: Run) -> None:
    sweepers = [
        subprocess.Popen([sys.executable, "-c", _SWEEP], cwd=ROOT, env=run.product.environment)
        for _ in range(5)
    ]
    kills_at = [10, 25, 40]

    def answer(_message: object) -> None:
        if kills_at and len(run.received) == kills_at[0]:
            kills_at.pop(0)
            run.kill(*WORKERS)

    run.stage.smtp.answer = answer
    try:
        run.start("beat-2")
        run.client.post(run.client.demo_requests(50, run.partners))
        for kills in (2, 4, 6):
            wait_until(lambda kills=kills: run.ledger.kills == kills, seconds=40, what="a kill")
            run.start(*WORKERS)
        run.settle()
        run.check(run.ledger.interrupted >= 3, "no send was cut for the sweepers to find")
    finally:
        for sweeper in sweepers:
            sweeper.kill()
            sweeper.wait()


_SWEEP = """
import django, time
django.setup()
from notifications.delivery.claim import sweep
while True:
    sweep()
    time.sleep(0.1)
"""
