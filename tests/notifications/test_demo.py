"""The pretend website, what it says about its events, and the mailbox."""

from __future__ import annotations

import re
from datetime import time
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.mail import EmailMultiAlternatives
from django.test import Client
from django.urls import reverse

from notifications.demo.keys import ensure_demo_key
from notifications.drain import drain
from notifications.evaluation import evaluate_due
from notifications.models import Pace
from notifications.views.demo import SITE
from partnernotify.mailbox import FolderBackend
from partners.models import Activity
from tests.factories import make_account, make_lead, make_member, switch_on
from tests.queries import assert_constant_queries

pytestmark = pytest.mark.django_db
PAGES = ("home", "pricing", "request-a-demo", "sign-up", "outcomes", "mailbox", "mailbox-list")


@pytest.fixture(autouse=True)
def demo(settings: LazySettings, tmp_path: Path) -> None:
    settings.DEMO = True
    settings.DATA_DIR = tmp_path
    settings.MAILBOX_DIR = tmp_path / "mail"
    settings.EMAIL_BACKEND = "partnernotify.mailbox.FolderBackend"
    ensure_demo_key()


def _get(client: Client, name: str, *args: Any, **query: str) -> Any:
    return client.get(reverse(f"demo:{name}", args=args), query)


def _be(client: Client, **fields: str) -> Any:
    return client.post(reverse("demo:visitor"), fields)


def _ala() -> Any:
    account = make_account("northstar", name="Northstar Agency")
    ala = make_member(account, "ala@northstar.example", role="admin", name="Ala Kowalska")
    switch_on(account, ala)
    make_lead(account)
    return ala


@pytest.mark.parametrize("name", PAGES)
def test_every_page_answers_in_both_languages(client: Client, name: str) -> None:
    for language in ("en", "pl"):
        client.cookies["demo_language"] = language
        answer = _get(client, name)
        assert answer.status_code == 200
        assert answer.headers["Content-Language"] == language


@pytest.mark.parametrize("name", PAGES)
def test_without_demo_data_there_is_no_such_page(
    client: Client, settings: LazySettings, name: str
) -> None:
    settings.DEMO = False
    assert _get(client, name).status_code == 404


def test_the_website_knows_who_one_chose_to_be(client: Client) -> None:
    assert _be(client, part="anna").status_code == 302
    page = _get(client, "pricing").content.decode()
    assert 'data-visitor-email="anna@acme.example"' in page
    assert f'data-page-url="{SITE}/pricing/"' in page


def test_somebody_of_ones_own_needs_an_email(client: Client) -> None:
    assert _be(client, name="Ola", email="Ola@Tulip.example").status_code == 302
    assert "ola@tulip.example" in _get(client, "sign-up").content.decode()
    refused = _be(client, name="Ola", email="nowhere")
    assert refused.status_code == 422
    assert 'aria-invalid="true"' in refused.content.decode()


def test_a_hostile_name_is_only_text(client: Client) -> None:
    _be(client, name="<script>alert(1)</script>", email="x@acme.example")
    page = _get(client, "home").content.decode()
    assert "<script>alert" not in page


# --- Without JavaScript ----------------------------------------------------------------


def test_a_form_is_reported_by_the_server(client: Client) -> None:
    _ala()
    sent = client.post(
        reverse("demo:request-a-demo"), {"name": "Anna Nowak", "email": "anna@acme.example"}
    )
    assert sent.status_code == 302
    activity = Activity.objects.get()
    assert (activity.type, activity.name) == ("track", "Demo Requested")
    evaluate_due()
    outcomes = _get(client, "outcomes").content.decode()
    assert "Ala Kowalska of Northstar Agency was told" in outcomes
    assert '<li class="way is-waiting">' in outcomes  # The e-mail.


def test_a_form_without_an_email_is_refused(client: Client) -> None:
    refused = client.post(reverse("demo:sign-up"), {"name": "Anna", "email": ""})
    assert refused.status_code == 422
    assert not Activity.objects.exists()


def test_a_visit_is_reported_on_a_button(client: Client) -> None:
    _be(client, part="anna")
    client.post(reverse("demo:visit"), {"page": f"{SITE}/pricing/", "next": "/demo/pricing/"})
    assert Activity.objects.get().payload["properties"]["url"] == f"{SITE}/pricing/"


def test_nobody_is_sent_to_another_site(client: Client) -> None:
    for name in ("visit", "language"):
        answer = client.post(reverse(f"demo:{name}"), {"next": "https://evil.example/"})
        assert answer.headers["Location"] == "/demo/"


# --- What partners see -----------------------------------------------------------------


def test_a_stranger_is_nobodys(client: Client) -> None:
    _be(client, part="stranger")
    client.post(reverse("demo:visit"), {"page": f"{SITE}/pricing/"})
    assert "Being decided" in _get(client, "outcomes").content.decode()
    evaluate_due()
    assert "Nobody was told." in _get(client, "outcomes").content.decode()


def test_what_was_before_is_left_out(client: Client) -> None:
    client.post(reverse("demo:visit"), {"page": f"{SITE}/blog/"})
    assert "/blog/" in _get(client, "outcomes", since="garbage").content.decode()
    assert "/blog/" not in _get(client, "outcomes", since="9" * 13).content.decode()


def test_the_list_costs_the_same_for_one_event_and_for_many(client: Client) -> None:
    _ala()
    person = {"name": "Anna", "email": "anna@acme.example"}

    def ask(times: int) -> None:
        for _ in range(times):
            client.post(reverse("demo:request-a-demo"), person)
        evaluate_due()

    ask(1)
    assert_constant_queries(lambda: _get(client, "outcomes"), lambda: ask(5))


def test_what_waits_says_for_what_and_until_when(client: Client) -> None:
    Pace.objects.create(membership=_ala(), channel="email", every="day", at=time(8))
    client.post(reverse("demo:request-a-demo"), {"name": "Anna", "email": "anna@acme.example"})
    drain(patience_seconds=0)
    page = _get(client, "outcomes").content.decode()
    assert re.search(r"E-mail: waits for the next digest, \w+, \d+ \w+, 08:00", page)


# --- Mailbox ---------------------------------------------------------------------------


def _send(to: str, subject: str = "Zażółć", delivery: str = "") -> None:
    headers = {"X-PN-Delivery": delivery} if delivery else {}
    mail = EmailMultiAlternatives(subject, "As text.", to=[to], headers=headers)
    mail.attach_alternative("<html><head></head><body>As HTML.</body></html>", "text/html")
    FolderBackend().send_messages([mail])


def test_the_newest_mail_stands_on_top_and_can_be_filtered(client: Client) -> None:
    _send("ala@northstar.example", "First")
    _send("bartek@northstar.example", "Second")
    everything = _get(client, "mailbox").content.decode()
    assert everything.index("Second") < everything.index("First")
    own = _get(client, "mailbox-list", to="ala@northstar.example").content.decode()
    assert "First" in own
    assert "Second" not in own


def test_a_mail_opens_with_its_parts(client: Client) -> None:
    delivery = "6ba7b810-9dad-11d1-80b4-00c04fd430c8"
    _send("ala@northstar.example", delivery=delivery)
    found = _get(client, "mail-of-delivery", delivery)
    page = client.get(found.headers["Location"]).content.decode()
    assert "Zażółć" in page
    assert "As text." in page
    html = client.get(found.headers["Location"] + "html/")
    assert b'<base target="_top">' in html.content
    assert html.headers["X-Frame-Options"] == "SAMEORIGIN"
    policy = html.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'self'" in policy
    assert "script" not in policy


@pytest.mark.parametrize("name", ["1-1", "..", "....secret", "12345678901-1"])
def test_what_is_no_mail_is_not_found(client: Client, name: str) -> None:
    assert client.get(f"/demo/mailbox/{name}/").status_code == 404


def test_an_unknown_delivery_is_not_found(client: Client) -> None:
    assert (
        _get(client, "mail-of-delivery", "6ba7b810-9dad-11d1-80b4-00c04fd430c8").status_code == 404
    )


def test_the_mailbox_says_when_mail_goes_elsewhere(client: Client, settings: LazySettings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    assert "a mail server" in _get(client, "mailbox").content.decode()
