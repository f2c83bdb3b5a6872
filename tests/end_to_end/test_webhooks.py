"""A member adds a webhook in the browser; what a lead does then arrives there, signed."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect, sync_playwright
from standardwebhooks import Webhook

from tests.servers import find_chromium
from tests.sinks import HttpSink, wait_until

pytestmark = [pytest.mark.processes, pytest.mark.browser]
ALA, PASSWORD = "ala@hooks.example", "correct horse battery"
PROGRAM = {
    "accounts": [
        {
            "slug": "hooks",
            "users": [{"email": ALA, "name": "Ala", "role": "admin", "password": PASSWORD}],
            "communication": {"receive_lead_activity": True, "recipient": ALA},
            "leads": [
                {
                    "domain": "hooks-lead.example",
                    "company": "ACME",
                    "registered_at": "2026-01-01T00:00:00Z",
                }
            ],
        }
    ]
}


@pytest.fixture
def page(product):
    product.import_program(PROGRAM)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])
        page = browser.new_page(base_url=product.url)
        page.set_default_timeout(15_000)
        page.goto("/settings/notifications/other-apps/")
        page.locator("input[name=login]").fill(ALA)
        page.locator("input[name=password]").fill(PASSWORD)
        page.locator("input[name=password]").press("Enter")
        yield page
        browser.close()


def secret_of(page: Page) -> str:
    return page.get_by_label("Secret", exact=True).input_value()


def switch_on(page: Page) -> None:
    page.get_by_role("switch", name="Receive notifications in other apps").check()
    page.locator("#group-other-apps-partners > summary").click()
    page.get_by_role("checkbox", name="Registered lead activity").check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Your notification preferences are saved.")).to_be_visible()


def test_add_try_and_receive(product, page):
    with HttpSink() as sink:
        page.get_by_role("link", name="Add webhook").click()
        page.get_by_label("Name").fill("My CRM")
        page.get_by_label("Web address").fill(f"{sink.url}/crm")
        page.get_by_role("button", name="Add").click()
        webhook = Webhook(secret_of(page))

        page.get_by_role("button", name="Send test").click()
        expect(page.get_by_text("answered 200")).to_be_visible()
        (tried,) = sink.requests
        assert webhook.verify(tried.body, dict(tried.headers))["type"] == "test"

        page.get_by_role("link", name="Choose what is sent", exact=True).click()
        switch_on(page)
        body = {"event": "Demo Requested", "userId": "anna@hooks-lead.example"}
        assert product.post("/v1/track", body, key=product.key).status == 200
        wait_until(lambda: len(sink.requests) > 1, what="the message")
        message = sink.requests[1]
        told = webhook.verify(message.body, dict(message.headers))
        assert told["type"] == "lead.activity"
        assert told["data"]["person"]["email"] == "anna@hooks-lead.example"

        page.goto("/settings/endpoints/")
        wait_until(lambda: page.reload() and page.get_by_text("Works").count(), what="the state")
