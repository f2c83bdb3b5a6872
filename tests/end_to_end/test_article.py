"""The article's steps, literally, in a browser: both switches, then the mails arrive."""

from __future__ import annotations

import os

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from tests.sinks import wait_until

pytestmark = [pytest.mark.processes, pytest.mark.browser]
PASSWORD = "correct-horse-battery"

WORDS = {
    "en": {
        "settings": "Settings",
        "communication": "Communication",
        "toggle": "Receive lead activity notifications",
        "recipient": "Select notification recipient",
        "saved": "Saved",
        "notifications": "Notifications",
        "tabs": ["Email", "Desktop", "Other apps", "Mobile app"],
        "group": "Northwind Partners",
        "save": "Save",
        "all_saved": "Your notification preferences are saved.",
    },
    "pl": {
        "settings": "Ustawienia",
        "communication": "Komunikacja",
        "toggle": "Otrzymuj powiadomienia o aktywności leadów",
        "recipient": "Wybierz odbiorcę powiadomień",
        "saved": "Zapisano",
        "notifications": "Powiadomienia",
        "tabs": ["E-mail", "Pulpit", "Inne aplikacje", "Aplikacja mobilna"],
        "group": "Partnerzy Northwind",
        "save": "Zapisz",
        "all_saved": "Preferencje powiadomień zostały zapisane.",
    },
}


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=os.environ.get("TEST_CHROMIUM", "/usr/bin/chromium"),
            args=["--no-sandbox", "--disable-background-networking"],
        )
        yield chromium
        chromium.close()


def program(language: str) -> dict:
    name = f"agency-{language}"
    ala = {
        "email": f"ala@{name}.example", "name": "Ala Kowalska", "role": "admin",
        "language": language, "password": PASSWORD,
    }  # fmt: skip
    return {
        "vendor": {"name": "Northwind"},
        "accounts": [
            {
                "slug": "northwind",
                "kind": "vendor",
                "users": [{"email": "gosia@northwind.example", "role": "growth_specialist"}],
            },
            {
                "slug": name,
                "users": [ala],
                "leads": [{"domain": f"lead-{language}.example", "company": "ACME",
                           "registered_at": "2026-01-01T00:00:00Z"}],
            },
        ],
        "companies": [{"domain": f"deal-{language}.example", "name": "Lumen",
                       "owner": "gosia@northwind.example"}],
        "deals": [{"name": "Lumen CRM", "company": f"deal-{language}.example",
                   "owner": ala["email"], "shares": [name]}],
    }  # fmt: skip


@pytest.mark.parametrize("language", ["pl", "en"])
def test_the_articles_steps(product, browser, language):
    words, ala = WORDS[language], f"ala@agency-{language}.example"
    product.import_program(program(language))
    page = browser.new_context(locale=language).new_page()
    page.goto(f"{product.url}/accounts/login/")
    page.locator("input[name=login]").fill(ala)
    page.locator("input[name=password]").fill(PASSWORD)
    page.locator("input[name=password]").press("Enter")
    page.wait_for_url("**/inbox/")
    _switch_on_lead_activity(page, words)
    _tick_co_selling(page, words)
    _post(product, f"lead-{language}", "Demo Requested", {})
    _post(product, f"deal-{language}", "Signed Up", {"product": "crm"})
    wait_until(lambda: len(product.sink.to(ala)) == 2, what="both mails")
    assert any("Lumen CRM" in mail["Subject"] for mail in product.sink.to(ala))


def _post(product, company: str, event: str, properties: dict) -> None:
    body = {"event": event, "userId": f"anna@{company}.example", "properties": properties}
    assert product.post("/v1/track", body, key=product.key).status == 200


def _open_settings(page: Page, words: dict, entry: str) -> None:
    page.get_by_role("link", name=words["settings"]).first.click()
    page.get_by_role("navigation", name=words["settings"]).get_by_role("link", name=entry).click()


def _switch_on_lead_activity(page: Page, words: dict) -> None:
    _open_settings(page, words, words["communication"])
    switch = page.get_by_role("switch", name=words["toggle"])
    recipient = page.get_by_label(words["recipient"])
    expect(switch).not_to_be_checked()
    switch.check()
    expect(page.get_by_role("status").get_by_text(words["saved"]).first).to_be_visible()
    with page.expect_response(lambda answer: answer.request.method == "POST"):
        recipient.select_option(index=1)
    expect(page.get_by_role("status").get_by_text(words["saved"]).first).to_be_visible()
    page.reload()
    expect(switch).to_be_checked()
    expect(recipient.locator("option:checked")).to_contain_text("Ala Kowalska")


def _tick_co_selling(page: Page, words: dict) -> None:
    _open_settings(page, words, words["notifications"])
    for name in words["tabs"]:
        expect(page.get_by_role("tab", name=name, exact=True)).to_be_visible()
    panel = page.get_by_role("tabpanel", name=words["tabs"][0])
    box = panel.get_by_role("checkbox", name="Co Selling Prospect Activity")
    _expand(page, words)
    box.check()
    page.reload()  # Nothing takes effect until Save (R65).
    _expand(page, words)
    expect(box).not_to_be_checked()
    box.check()
    page.get_by_role("button", name=words["save"], exact=True).click()
    expect(page.get_by_role("status").get_by_text(words["all_saved"])).to_be_visible()
    page.reload()
    _expand(page, words)
    expect(box).to_be_checked()


def _expand(page: Page, words: dict) -> None:
    group = page.locator("details:visible", has_text=words["group"])
    if group.get_attribute("open") is None:
        group.locator("summary").click()
