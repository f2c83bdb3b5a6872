"""A stream process in each of its two modes, and the people of the page tests."""

from __future__ import annotations

import os

import pytest

from tests.factories import make_lead, switch_on
from tests.stream.process import StreamProcess
from tests.world import World

REDIS, LOOK_UP = "redis", "look-up"


@pytest.fixture
def world():
    world = World()
    make_lead(world.northstar, "acme.example", company="ACME")
    world.settings = switch_on(world.northstar, world.ala)
    return world


@pytest.fixture(scope="module", params=[REDIS, LOOK_UP])
def running(request, tmp_path_factory, django_db_setup):
    redis_url = os.environ["TEST_REDIS_URL"] if request.param == REDIS else ""
    process = StreamProcess(tmp_path_factory.mktemp(request.param), redis_url)
    process.start()
    yield process
    process.stop()


@pytest.fixture
def stream(running, settings):
    """The process that the tests of a file share, one for each mode."""
    settings.REDIS_URL = running.redis_url
    return running


@pytest.fixture
def start_stream(tmp_path, settings):
    """Return a function that starts one for this test alone."""
    begun: list[StreamProcess] = []

    def start(redis_url: str = "") -> StreamProcess:
        settings.REDIS_URL = redis_url
        begun.append(StreamProcess(tmp_path, redis_url))
        begun[-1].start()
        return begun[-1]

    yield start
    for process in begun:
        process.stop()
