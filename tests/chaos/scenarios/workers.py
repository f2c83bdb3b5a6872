"""A worker dies or sleeps at the worst moment."""

from __future__ import annotations

from tests.chaos.registry import scenario
from tests.chaos.stage import WORKERS, Run
from tests.sinks import wait_until

EVENTS = 20


@scenario("T03", "kill -9 of a worker after its claim")
def after_the_claim(run: Run) -> None:
    run.only("worker-1", **run.fail_point("claimed:kill"))
    run.client.post(run.client.demo_requests(EVENTS, run.partners))
    run.wait_fallen("worker-1")
    run.check(run.emails("d.state = 'leased'"), "nothing was held")
    run.product.start(*WORKERS)
    run.settle()
    run.check(not run.emails("d.starts > 1"), "a claim was charged as a try")


@scenario("T05", "kill -9 of a worker while the receiver answers")
def while_the_receiver_answers(run: Run) -> None:
    run.only("worker-1")
    at = run.rng.randrange(1, EVENTS)

    def answer(_message: object) -> None:
        if len(run.received) == at:
            run.kill("worker-1")

    run.stage.smtp.answer = answer
    run.client.post(run.client.demo_requests(EVENTS, run.partners))
    wait_until(lambda: run.ledger.kills, what="the kill")
    run.product.start(*WORKERS)
    run.settle()
    run.check(run.ledger.kills == 1, "the worker was not killed once")
