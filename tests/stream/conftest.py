"""A stream process in each of its two modes, the people of the page tests, and their windows."""

from __future__ import annotations

import os

import pytest

from tests.factories import choose, make_lead, switch_on
from tests.stream.process import StreamProcess
from tests.stream.windows import KNOWS_WHAT_WAS_THERE, LOOK_UP, REDIS, hears
from tests.world import World

NEVER = 3_600


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


@pytest.fixture
def live_stream(stream, settings):
    """The pages of the live server are told where it is; they ask by themselves only hourly."""
    settings.STREAM_URL = stream.url
    settings.BELL_POLL_SECONDS = NEVER
    policy = settings.CONTENT_SECURITY_POLICY["DIRECTIVES"]
    settings.CONTENT_SECURITY_POLICY = {
        "DIRECTIVES": {**policy, "connect-src": ["'self'", f"{stream.url}/"]}
    }


@pytest.fixture
def window(live_stream, visit, world):
    """Return a function that opens a page, as Ala unless said, in a browser of its own, and
    hears."""
    choose(world.ala, "desktop", "popup", True)
    choose(world.ala, "desktop", "red_dot", True)
    world.does()

    def open_one(path="/leads/", *, who=world.ala, **options):
        page = visit(path, user=who.user, **options)
        hears(page)
        page.wait_for_function(KNOWS_WHAT_WAS_THERE)
        return page

    return open_one
