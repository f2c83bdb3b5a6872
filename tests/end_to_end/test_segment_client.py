"""The official Segment client, unchanged: client → web → worker → SMTP."""

from __future__ import annotations

import pytest
from segment.analytics import Client

from tests.sinks import wait_until

pytestmark = pytest.mark.processes
ALA, BARTEK = "ala@northstar.example", "bartek@northstar.example"


@pytest.fixture(scope="module")
def program(product):
    ticked = {"email": {"topics": {"co_selling_prospect_activity": True}}}
    product.import_program(
        {
            "vendor": {"name": "Northwind"},
            "accounts": [
                {
                    "slug": "northwind",
                    "kind": "vendor",
                    "users": [{"email": "gosia@northwind.example", "role": "growth_specialist"}],
                },
                {
                    "slug": "northstar",
                    "name": "Northstar Agency",
                    "users": [
                        {"email": ALA, "name": "Ala", "role": "admin", "language": "pl",
                         "timezone": "Europe/Warsaw"},
                        {"email": BARTEK, "name": "Bartek", "preferences": ticked},
                    ],
                    "communication": {"receive_lead_activity": True, "recipient": ALA},
                    "leads": [{"domain": "acme.example", "company": "ACME",
                               "registered_at": "2026-01-01T00:00:00Z",
                               "contact": {"first_name": "Anna", "last_name": "Nowak",
                                           "email": "anna@acme.example"}}],
                },
            ],
            "companies": [{"domain": "acme.example", "name": "ACME",
                           "owner": "gosia@northwind.example",
                           "contacts": [{"email": "anna@acme.example", "name": "Anna Nowak"}]}],
            "deals": [{"name": "ACME CRM", "company": "acme.example", "owner": BARTEK,
                       "shares": ["northstar"]}],
        }
    )  # fmt: skip
    return product


@pytest.mark.parametrize("gzip", [False, True])
def test_the_official_client_reaches_the_inbox(program, gzip):
    failures = []
    analytics = Client(
        program.key, host=program.url, gzip=gzip, on_error=lambda e, _b: failures.append(e)
    )
    visitor = f"visitor-{gzip}"
    program.sink.messages.clear()
    analytics.identify(visitor, {"email": "anna@acme.example", "name": "Anna Nowak"})
    analytics.page(visitor, "Docs", "Pricing", {"url": "https://northwind.example/pricing"})
    analytics.track(visitor, "Demo Requested", {"plan": "pro"})
    analytics.track(visitor, "Signed Up", {"product": "crm"})
    analytics.group(visitor, "acct_9", {"name": "ACME"})
    analytics.screen(visitor, "App", "Home", {})
    analytics.alias("anonymous-1", visitor)
    analytics.flush()
    analytics.shutdown()
    assert not failures
    expected = 1 if gzip else 3  # Pricing cools down; a sign-up counts once.
    wait_until(lambda: len(program.sink.to(ALA)) == expected, what="Ala's mails")
    if not gzip:
        wait_until(lambda: program.sink.to(BARTEK), what="Bartek's mail")
        _check_mails(program)


def _check_mails(product) -> None:
    demo = next(m for m in product.sink.to(ALA) if "demo" in m["Subject"])
    assert "Anna Nowak" in demo["Subject"] and "ACME" in demo["Subject"]
    assert demo["Auto-Submitted"] == "auto-generated"
    assert demo["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert demo["List-Unsubscribe"].startswith(f"<{product.url}/u/")
    assert demo["Message-ID"] and demo["X-PN-Delivery"]
    parts = {part.get_content_type() for part in demo.walk()}
    assert {"text/plain", "text/html"} <= parts
    text = demo.get_body(("plain",)).get_content()
    assert "?account=northstar" in text and "Europe/Warsaw" in text
    deal = product.sink.to(BARTEK)[0]
    assert "ACME CRM" in deal["Subject"]
    assert all(len(tos) == 1 for _, tos in product.sink.envelopes)
