"""Whoever is on it stops an escalation, nobody looks and others are told, somebody is away and
the deputy is told: through real processes, on both databases."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect, sync_playwright

from tests.servers import find_chromium
from tests.sinks import wait_until

pytestmark = [pytest.mark.processes, pytest.mark.browser]
PASSWORD = "correct horse battery"
# As if everything had happened a fortnight before. Nobody waits for working hours in a test.
A_FORTNIGHT_PASSES = """
from datetime import timedelta
from django.db.models import F
from notifications.models import Escalation, EscalationStep, Notification
span = timedelta(days=14)
Notification.objects.update(created_at=F("created_at") - span)
EscalationStep.objects.update(at=F("at") - span)
open_ = Escalation.objects.filter(ended="")
open_.update(began_at=F("began_at") - span, due_at=F("due_at") - span)
"""
_numbers = itertools.count(1)


def program(name: str, **communication) -> dict:
    people = ("ala", "bo", "eve")
    users = [
        {
            "email": f"{person}@{name}.example",
            "name": person.title(),
            "role": "admin" if person != "bo" else "member",
            "password": PASSWORD,
        }
        for person in people
    ]
    lead = {
        "domain": f"{name}-lead.example",
        "company": "ACME",
        "registered_at": "2026-01-01T00:00:00Z",
    }
    recipient = {"receive_lead_activity": True, "recipient": f"ala@{name}.example"}
    return {
        "accounts": [
            {
                "slug": name,
                "users": users,
                "communication": {**recipient, **communication},
                "leads": [lead],
            }
        ]
    }


def happens(product, name: str) -> None:
    body = {
        "event": "Demo Requested",
        "messageId": f"{name}-{next(_numbers)}",
        "userId": f"anna@{name}-lead.example",
    }
    assert product.post("/v1/track", body, key=product.key).status == 200


def arrives(product, address: str, count: int = 1) -> list:
    wait_until(lambda: len(product.sink.to(address)) >= count, what=f"{count} to {address}")
    found = product.sink.to(address)
    assert len(found) == count
    return found


def text_of(message) -> str:
    return message.get_body(("plain",)).get_content()


@pytest.fixture
def sign_in(product):
    """Return a function that opens a page as somebody, by the form of the sign-in."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])

        def sign_in(path: str, email: str):
            page = browser.new_context(base_url=product.url).new_page()
            page.set_default_timeout(15_000)
            page.goto(path)
            page.locator("input[name=login]").fill(email)
            page.locator("input[name=password]").fill(PASSWORD)
            page.locator("input[name=password]").press("Enter")
            return page

        yield sign_in
        browser.close()


def test_nobody_looks_and_one_after_the_other_is_told(product):
    name = "escalating"
    product.import_program(program(name, backup=f"bo@{name}.example", escalate_after=2))
    happens(product, name)
    arrives(product, f"ala@{name}.example")
    product.manage("shell", "-v", "0", "-c", A_FORTNIGHT_PASSES)
    (message,) = arrives(product, f"bo@{name}.example")
    assert "Nobody has looked at it for 2 working hours." in text_of(message)
    product.manage("shell", "-v", "0", "-c", A_FORTNIGHT_PASSES)
    arrives(product, f"eve@{name}.example")
    product.manage("shell", "-v", "0", "-c", A_FORTNIGHT_PASSES)
    product.manage("sweep")
    product.manage("drain")
    for person in ("ala", "bo", "eve"):
        arrives(product, f"{person}@{name}.example")


def test_who_follows_the_link_of_the_mail_and_is_on_it_stops_that(product, sign_in):
    name = "claiming"
    product.import_program(program(name, backup=f"bo@{name}.example", escalate_after=1))
    happens(product, name)
    (message,) = arrives(product, f"ala@{name}.example")
    lines = text_of(message).splitlines()
    link = lines[lines.index("I'm on it") + 1]
    page = sign_in(link.removeprefix(product.url), f"ala@{name}.example")
    page.locator("main").get_by_role("button", name="I'm on it").click()
    expect(page.get_by_text("You are on it since")).to_be_visible()
    product.manage("shell", "-v", "0", "-c", A_FORTNIGHT_PASSES)
    product.manage("drain")
    arrives(product, f"bo@{name}.example", 0)


def test_somebody_is_away_and_their_deputy_is_told(product, sign_in):
    name = "away"
    product.import_program(program(name))
    page = sign_in("/settings/when/", f"ala@{name}.example")
    day = datetime.now(UTC).date()
    page.get_by_label("I am away from").fill((day - timedelta(days=1)).isoformat())
    page.get_by_label("until and including").fill((day + timedelta(days=9)).isoformat())
    page.get_by_label("Deputy").select_option(label=f"Bo · bo@{name}.example")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved", exact=True)).to_be_visible()
    happens(product, name)
    (message,) = arrives(product, f"bo@{name}.example")
    assert "You get this for Ala, who is away until" in text_of(message)
    arrives(product, f"ala@{name}.example", 0)
    page.goto("/inbox/")
    expect(page.get_by_role("button", name="requested a demo").first).to_be_visible()
