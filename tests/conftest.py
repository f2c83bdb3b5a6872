"""A clean slate for every test, and a browser for those that are marked with it."""

from __future__ import annotations

import os
import threading
import urllib.request

import pytest
from django.test import Client
from django.utils import timezone, translation
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.servers import find_chromium

# Milliseconds. Nothing is measured in a browser; a machine may be busy.
expect.set_options(timeout=20_000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What starts processes takes longest, so it begins first: nobody is left alone with it."""
    items.sort(key=lambda item: item.get_closest_marker("processes") is None)


@pytest.fixture(autouse=True)
def no_reader_left():
    """What one test reads in, language and zone, is not what the next one does."""
    yield
    translation.deactivate()
    timezone.deactivate()


@pytest.fixture(scope="module")
def chromium():
    # Playwright runs a loop in this thread; the tests ask the database beside it.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])
        yield browser
        browser.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def live_server(live_server):
    """The server of pytest-django, which has nothing left to answer when the test's rows go.

    A closed browser takes back no question: one that is still being answered would read, and
    lock, tables that are emptied meanwhile.
    """
    yield live_server
    # Connections are accepted in turn: once this one is served, those before have their threads.
    urllib.request.urlopen(f"{live_server.url}/healthz").close()
    for thread in threading.enumerate():
        if "(process_request_thread)" in thread.name:
            thread.join(timeout=30)
            assert not thread.is_alive(), "A connection to the live server is left open"


@pytest.fixture
def visit(chromium: Browser, live_server):
    """Return a function that opens a page, signed in as a user or not."""
    contexts = []

    def visit(path: str, user=None, **options) -> Page:
        context = chromium.new_context(base_url=live_server.url, **options)
        contexts.append(context)
        if user:
            client = Client()  # Its own: to log in somebody else ends a session.
            client.force_login(user)
            cookie = client.cookies["sessionid"].value
            context.add_cookies([{"name": "sessionid", "value": cookie, "url": live_server.url}])
        page = context.new_page()
        page.on("pageerror", lambda error: pytest.fail(str(error)))
        page.goto(path)
        return page

    yield visit
    for context in contexts:
        context.close()
