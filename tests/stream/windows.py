"""What tests of open pages look at in a browser window."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

REDIS, LOOK_UP = "redis", "look-up"
LOOKS_UP = pytest.mark.parametrize("running", [LOOK_UP], indirect=True)
SENTENCE = "jan@acme.example (ACME) requested a demo"
KNOWS_WHAT_WAS_THERE = """async () => {
    const answered = (request) => new Promise((done) => {
        request.onsuccess = () => done(request.result);
    });
    if (!(await indexedDB.databases()).length) return false;
    const database = await answered(indexedDB.open("partnernotify"));
    const known = await answered(database.transaction("known").objectStore("known").count());
    database.close();
    return known > 0;
}"""


def hears(page, *, it=True):
    expect(page.locator("[data-bell][data-is-live]")).to_have_count(int(it))


def badge(page):
    return page.locator("[data-bell-badge]")


def popups(page):
    return page.locator("[data-popup]")
