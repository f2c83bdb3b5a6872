"""/deliveries/ as people see it: any screen, any scheme, either language, keyboard alone."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.core import mail
from django.utils import timezone
from playwright.sync_api import Page, expect

from notifications.delivery.replay import replay
from notifications.models import Delivery
from tests.factories import make_lead, make_member, switch_on
from tests.notifications.test_replay import ends
from tests.world import World

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
DELIVERIES = "/deliveries/"
TABS = ("all", "waiting", "failed", "not-sent", "unknown")
LONG = (
    "451 4.7.1 <ala@northstar.example>: the mailbox server of northstar.example is busy, try later"
)
WORDS = {
    "en": ("Send again.*: Ala, anna@acme.example", "Send again", "It is on its way again to Ala."),
    "pl": (
        "Wyślij ponownie.*: Ala, anna@acme.example",
        "Wyślij ponownie",
        "Wiadomość jest ponownie w drodze do odbiorcy: Ala.",
    ),
}


@pytest.fixture
def world():
    """Each state once: e-mails failed, unknown, withheld, waiting for a try, sent again."""
    world = World()
    world.boss = make_member(world.vendor, "boss@northwind.example", name="Boss", role="admin")
    make_lead(world.northstar, "acme.example", company="ACME")
    switch_on(world.northstar, world.ala)
    for _ in range(5):
        world.does()
    mail.outbox.clear()
    failed, unknown, withheld, waiting, repeated = Delivery.objects.filter(channel="email")
    ends(repeated, "dead", detail=LONG)
    replay(repeated, actor=world.boss.user)
    ends(unknown, "unknown", detail=LONG)
    ends(withheld, "suppressed", detail="", reason="email_off", starts=0)
    ends(waiting, "pending", detail=LONG, not_before=timezone.now() + timedelta(hours=2))
    world.failed = ends(failed, "dead", detail=LONG)
    return world


def focus_by_tab(page: Page, role: str, name: str) -> None:
    """Press Tab until the control has the focus."""
    control = page.get_by_role(role, name=re.compile(name)).first
    for _ in range(80):
        page.keyboard.press("Tab")
        if control.evaluate("it => it === document.activeElement"):
            return
    raise AssertionError(f"no way by keyboard to {name}")


@pytest.mark.parametrize("language", ["en", "pl"])
def test_one_is_sent_again_with_the_keyboard_alone(visit, world, language):
    link, button, said = WORDS[language]
    world.ala.user.language = language
    world.ala.user.save()
    page = visit(f"{DELIVERIES}?tab=failed", world.ala.user)
    focus_by_tab(page, "link", link)
    page.keyboard.press("Enter")
    page.wait_for_url("**/again/")
    focus_by_tab(page, "button", button)
    page.keyboard.press("Enter")
    expect(page.get_by_text(said)).to_be_visible()
    again = Delivery.objects.get(replay=1, public_id=world.failed.public_id)
    assert again.state == "pending"


@pytest.mark.parametrize("language", ["en", "pl"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_the_pages_pass_axe_and_do_not_scroll_sideways(visit, world, width, scheme, language):
    """R102."""
    world.boss.user.language = language
    world.boss.user.save()
    size = {"width": width, "height": 844}
    page = visit(DELIVERIES, world.boss.user, viewport=size, color_scheme=scheme)
    paths = [f"{DELIVERIES}?tab={tab}" for tab in TABS]
    paths += [f"{DELIVERIES}{world.failed.pk}/again/", f"{DELIVERIES}again/?tab=failed"]
    for path in (*paths, f"{DELIVERIES}?q=nobody@nowhere.example"):
        page.goto(path)
        for tries in page.locator("details.excerpt > summary").all():
            tries.click()
        found = Axe().run(page)
        assert found.violations_count == 0, (path, found.generate_report())
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path


def test_a_phone_shows_every_tab(visit, world):
    world.boss.user.language = "pl"
    world.boss.user.save()
    page = visit(
        f"{DELIVERIES}?tab=unknown", world.boss.user, viewport={"width": 390, "height": 844}
    )
    tabs = page.locator(".tab")
    expect(tabs).to_have_count(len(TABS))
    for tab in tabs.all():
        expect(tab).to_be_in_viewport(ratio=1)


def test_it_speaks_polish(visit, world):
    world.boss.user.language = "pl"
    world.boss.user.save()
    page = visit(f"{DELIVERIES}?tab=failed", world.boss.user)
    expect(page.get_by_role("heading", level=1)).to_have_text("Doręczenia")
    words = page.locator("main").inner_text()
    for english in ("Send", "again", "Failed", "State", "Channel", "try", "When"):
        assert english not in words.replace(LONG, ""), english
