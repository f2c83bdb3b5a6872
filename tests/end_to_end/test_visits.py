"""A visit through real processes: told at once, summed up when it has ended; and a day's limit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.message import EmailMessage

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from tests.end_to_end.conftest import BACKENDS
from tests.instance import instance
from tests.servers import find_chromium
from tests.sinks import HttpSink, SmtpSink, wait_until

pytestmark = [pytest.mark.processes, pytest.mark.browser]
ALA, BO, PASSWORD = "ala@visits.example", "bo@limits.example", "correct horse battery"
ANNA = "anna@visited.example"
PAGES = ("/docs", "/customers", "/security", "/about")
PAUSE = 6
SUMMARY = "6 actions in 10 s, from “Pricing” to “Requested a demo”"
SINCE = "2026-01-01T00:00:00Z"
PROGRAM = {
    "accounts": [
        {
            "slug": "visits",
            "users": [
                {
                    "email": ALA,
                    "name": "Ala",
                    "role": "admin",
                    "password": PASSWORD,
                    "preferences": {
                        "email": {"visit_summary": True},
                        "other_apps": {
                            "enabled": True,
                            "visit_summary": True,
                            "topics": {"registered_lead_activity": True},
                        },
                    },
                }
            ],
            "communication": {"receive_lead_activity": True, "recipient": ALA},
            "leads": [{"domain": "visited.example", "company": "ACME", "registered_at": SINCE}],
        },
        {
            "slug": "limits",
            "users": [
                {
                    "email": BO,
                    "name": "Bo",
                    "role": "admin",
                    "password": PASSWORD,
                    "when": {"email": {"most_a_day": 2}},
                }
            ],
            "communication": {"receive_lead_activity": True, "recipient": BO},
            "leads": [
                {"domain": f"lead{n}.example", "company": f"Lead {n}", "registered_at": SINCE}
                for n in range(4)
            ],
        },
    ]
}


@pytest.fixture(scope="module", params=BACKENDS)
def product(request, tmp_path_factory):
    """An instance where a visit is over after a few seconds, with two workers."""
    folder = tmp_path_factory.mktemp(request.param)
    with SmtpSink() as sink:
        settings = {
            "EMAIL_URL": f"smtp://127.0.0.1:{sink.port}",
            "ALLOW_PRIVATE_WEBHOOKS": "true",
            "VISIT_PAUSE_SECONDS": str(PAUSE),
            "DEFAULT_FROM_EMAIL": "Northwind <notify@northwind.example>",
        }
        with instance(request.param, folder, **settings) as running:
            running.sink = sink
            running.key = running.write_key()
            running.import_program(PROGRAM)
            running.start("web", "worker", "worker2", "beat")
            running.wait_ready()
            yield running
            running.manage("check_invariants")


@pytest.fixture
def page(product):
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])
        page = browser.new_page(base_url=product.url)
        page.set_default_timeout(15_000)
        yield page
        browser.close()


def sign_in(page: Page, email: str, path: str) -> None:
    page.goto(path)
    page.locator("input[name=login]").fill(email)
    page.locator("input[name=password]").fill(PASSWORD)
    page.locator("input[name=password]").press("Enter")


def view(path: str, email: str, **fields) -> dict:
    return {
        "type": "page",
        "name": path.strip("/").capitalize(),
        "properties": {"url": f"https://northwind.example{path}"},
        "context": {"traits": {"email": email}},
        **fields,
    }


def visit() -> list[dict]:
    """Anna looks at five pages and asks for a demo, two seconds after each other."""
    demo = {"type": "track", "event": "Demo Requested", "context": {"traits": {"email": ANNA}}}
    steps = [*(view(path, ANNA) for path in ("/pricing", *PAGES)), demo]
    now = datetime.now(UTC)
    return [
        step
        | {"timestamp": (now - timedelta(seconds=10 - 2 * n)).isoformat(), "messageId": f"v{n}"}
        for n, step in enumerate(steps)
    ]


def send(product, *events: dict) -> None:
    answer = product.post("/v1/batch", {"batch": list(events)}, key=product.key)
    assert (answer.status, answer.json["accepted"]) == (200, len(events))


def text_of(letter: EmailMessage) -> str:
    return letter.get_body(("plain",)).get_content()


def test_a_visit_is_told_at_once_and_summed_up_when_it_has_ended(product, page):
    sign_in(page, ALA, "/settings/endpoints/")
    with HttpSink() as hook:
        page.get_by_role("link", name="Add webhook").click()
        page.get_by_label("Name").fill("My CRM")
        page.get_by_label("Web address").fill(f"{hook.url}/crm")
        page.get_by_role("button", name="Add").click()
        expect(page.get_by_label("Secret", exact=True)).to_be_visible()

        events = visit()
        send(product, *events)
        wait_until(lambda: len(product.sink.to(ALA)) == 2, what="the two actions that matter")
        send(product, *events)  # The same again changes nothing.
        page.goto("/inbox/")
        expect(page.get_by_text("… and 5 more actions")).to_be_visible()

        wait_until(lambda: len(product.sink.to(ALA)) > 2, what="the summary")
        wait_until(lambda: len(hook.requests) > 2, what="the summary at the webhook")
        types = sorted(request.json["type"] for request in hook.requests)
    *told, summary = product.sink.to(ALA)
    assert all("6 actions" not in text_of(letter) for letter in told)
    assert SUMMARY in text_of(summary)
    assert types == ["lead.activity", "lead.activity", "lead.visit_ended"]
    for path in ("/inbox/", "/activity/"):
        page.goto(path)
        expect(page.get_by_text(SUMMARY)).to_be_visible()
    assert len(product.sink.to(ALA)) == 3
    outcomes = [
        line["outcome"] for n in (0, 5) for line in product.decisions("--message-id", f"v{n}")
    ]
    assert outcomes == ["send", "send"]


def test_the_rest_of_a_day_waits_and_can_be_sent_now(product, page):
    send(product, *(view("/pricing", f"jan@lead{n}.example", messageId=f"l{n}") for n in range(4)))
    wait_until(lambda: len(product.sink.to(BO)) == 2, what="two e-mails")
    sign_in(page, BO, "/settings/when/")
    wait_until(
        lambda: page.reload() and page.get_by_text("2 notifications").count(), what="two wait"
    )
    expect(page.get_by_text("your limit of 2 a day was reached")).to_be_visible()

    demo = {"type": "track", "event": "Demo Requested", "messageId": "urgent"}
    send(product, demo | {"context": {"traits": {"email": "jan@lead0.example"}}})
    wait_until(lambda: len(product.sink.to(BO)) == 3, what="what is urgent")
    assert "requested a demo" in product.sink.to(BO)[2]["Subject"]

    page.goto("/settings/when/")
    page.get_by_role("button", name="Send now").click()
    wait_until(lambda: len(product.sink.to(BO)) == 4, what="the rest")
    rest = text_of(product.sink.to(BO)[3])
    told = {letter["Subject"].partition(":")[0] for letter in product.sink.to(BO)[:2]}
    others = {f"Lead {n}" for n in range(4)} - told
    assert all(f"({name})" in rest for name in others)
