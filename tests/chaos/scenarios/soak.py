"""Every process type dies at random, again and again, under load."""

from __future__ import annotations

import time

from tests.chaos.registry import scenario
from tests.chaos.stage import WHOLE, Run

PER_SECOND = 15
PAUSES = (0.3, 2.0)


@scenario("T08", "random kill -9 of web, workers and beat under load")
def random_kills(run: Run) -> None:
    victims = (*WHOLE, "worker-3")
    run.start("worker-3")
    until = time.monotonic() + run.stage.sizes.soak_seconds
    with run.client.load(PER_SECOND, run.partners):
        while time.monotonic() < until:
            time.sleep(run.rng.uniform(*PAUSES))
            name = run.rng.choice(victims)
            run.kill(name)
            run.start(name)
    run.settle()
    run.note_intake()
