"""From an admin's invitation to a new colleague's inbox, as two people would do it."""

from __future__ import annotations

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.core import mail
from playwright.sync_api import expect

from accounts.models import Membership
from accounts.services.invitations import invite, make_token
from tests.factories import make_company, make_deal, switch_on
from tests.world import World

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
USERS = "/settings/users/"
EWA = "ewa@northstar.example"
WORDS = {
    "en": ("E-mail", "Send invitation", "Name", "Password", "Join Northstar Agency", "Inbox"),
    "pl": (
        *("E-mail", "Wyślij zaproszenie", "Imię i nazwisko"),
        *("Hasło", "Dołącz do Northstar Agency", "Skrzynka"),
    ),
}


@pytest.fixture
def world():
    return World()


@pytest.mark.parametrize("javascript", [True, False], ids=["js", "no-js"])
@pytest.mark.parametrize("language", ["en", "pl"])
def test_ala_invites_and_ewa_joins(visit, world, language, javascript):
    email, send, name, password, join, inbox = WORDS[language]
    world.ala.user.language = language
    world.ala.user.save()
    page = visit(USERS, world.ala.user, java_script_enabled=javascript)
    page.get_by_label(email).fill(EWA)
    page.get_by_role("button", name=send).click()
    expect(page.locator(".toasts")).to_contain_text(EWA)
    (letter,) = mail.outbox
    theirs = visit(re.search(r"/invitations/\S+", letter.body).group())
    theirs.get_by_label(name).fill("Ewa Nowak")
    theirs.get_by_label(password).fill("correct horse battery")
    theirs.get_by_role("button", name=join).click()
    expect(theirs.get_by_role("heading", level=1)).to_have_text(inbox)
    expect(theirs.locator(".toasts")).to_contain_text("Northstar Agency")
    page.reload()
    expect(page.get_by_role("table").first).to_contain_text("Ewa Nowak")


def test_removal_asks_first(visit, world):
    switch_on(world.northstar, world.bartek)
    make_deal(make_company(), shares=(world.northstar,), owner=world.bartek)
    page = visit(USERS, world.ala.user)
    page.get_by_role("link", name="Change Bartek").click()
    page.get_by_role("link", name="Remove…").click()
    expect(page.get_by_role("main")).to_contain_text("1 shared deal loses Bartek.")
    assert Membership.objects.get(pk=world.bartek.pk).is_active
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_text("Bartek is removed.")).to_be_visible()
    assert Membership.objects.get(pk=world.bartek.pk).removed_at


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 320])
def test_pages_pass_axe_and_do_not_scroll_sideways(visit, world, scheme, width):
    """R102."""
    email = "a-rather-long-name.of.somebody@a-rather-long-company-name.example"
    row = invite(world.ala.user, world.northstar, email=email, role="member")
    link = f"/invitations/{make_token(row)}/"
    look = {"viewport": {"width": width, "height": 800}, "color_scheme": scheme}
    person = f"{USERS}{world.bartek.pk}/"
    inside = visit(USERS, world.ala.user, **look)
    outside = visit(link, **look)
    for page, path in (
        *((inside, path) for path in (USERS, person, f"{person}remove/", link)),
        *((outside, path) for path in (link, "/invitations/x/", "/accounts/password/reset/")),
    ):
        page.goto(path)
        found = Axe().run(page)
        assert found.violations_count == 0, (path, found.generate_report())
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
