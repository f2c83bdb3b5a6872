"""A member connects Slack and Teams in the browser; what a lead does then arrives there."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from tests.chats import Chats, texts_of
from tests.servers import find_chromium
from tests.sinks import wait_until

pytestmark = [pytest.mark.processes, pytest.mark.browser]
ALA, PASSWORD = "ala@chats.example", "correct horse battery"
ANNA = "anna@chats-lead.example"
PROGRAM = {
    "accounts": [
        {
            "slug": "chats",
            "users": [
                {
                    "email": ALA,
                    "name": "Ala",
                    "role": "admin",
                    "password": PASSWORD,
                    "preferences": {
                        "other_apps": {
                            "enabled": True,
                            "no_email_if_delivered": True,
                            "topics": {"registered_lead_activity": True},
                        }
                    },
                }
            ],
            "communication": {"receive_lead_activity": True, "recipient": ALA},
            "leads": [
                {
                    "domain": "chats-lead.example",
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
        page.goto("/settings/endpoints/")
        page.locator("input[name=login]").fill(ALA)
        page.locator("input[name=password]").fill(PASSWORD)
        page.locator("input[name=password]").press("Enter")
        yield page
        browser.close()


def connect(page: Page, action: str, name: str, url: str, *, teaser: bool = False) -> None:
    page.goto("/settings/endpoints/")
    page.get_by_role("link", name=action).click()
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Web address").fill(url)
    if teaser:
        page.get_by_label("Without names").check()
    page.get_by_role("button", name="Connect").click()
    page.get_by_role("button", name="Send test").click()
    expect(page.get_by_text("The test arrived")).to_be_visible()


def deliveries(product, message_id: str) -> dict[str, list[str]]:
    states: dict[str, list[str]] = {}
    for line in product.decisions("--message-id", message_id):
        for row in line["deliveries"]:
            states.setdefault(row["channel"], []).append(row["state"])
    return states


def test_connect_try_receive_and_lose(product, page):
    with Chats() as chats:
        slack, teams = chats.slack(), chats.teams()
        connect(page, "Connect Slack", "Sales in Slack", slack)
        connect(page, "Connect Microsoft Teams", "Sales in Teams", teams, teaser=True)

        body = {"event": "Demo Requested", "userId": ANNA, "messageId": "chats-1"}
        assert product.post("/v1/track", body, key=product.key).status == 200
        wait_until(lambda: len(chats.to(slack)) > 1 and len(chats.to(teams)) > 1, what="both")
        told = " ".join(texts_of(chats.to(slack)[1].json))
        assert ANNA in told and "requested a demo" in told
        teased = " ".join(texts_of(chats.to(teams)[1].json))
        assert "requested a demo" in teased and "anna" not in teased.lower()

        wait_until(
            lambda: deliveries(product, "chats-1").get("other_apps") == ["delivered"] * 2,
            what="both written down",
        )
        assert deliveries(product, "chats-1")["email"] == ["pending"]
        assert product.sink.to(ALA) == []

        # The next one finds the Slack channel archived, and Teams asks for a pause.
        chats.change(slack, "channel_is_archived")
        chats.change(teams, "busy")
        body = {"event": "Trial Started", "userId": ANNA, "messageId": "chats-2"}
        assert product.post("/v1/track", body, key=product.key).status == 200
        wait_until(lambda: product.sink.to(ALA), what="the notice")
        page.goto("/settings/endpoints/")
        expect(
            page.get_by_text("Switched off: it answered that it is gone for good")
        ).to_be_visible()
        expect(page.get_by_text("Left alone until")).to_be_visible()
        assert "Sales in Slack" in product.sink.to(ALA)[0]["Subject"]
        assert sorted(deliveries(product, "chats-2")["other_apps"]) == ["dead", "pending"]
