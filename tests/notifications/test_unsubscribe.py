"""One-click unsubscribe (RFC 8058)."""

import pytest
from django.test import Client

from notifications.models import Preference
from notifications.unsubscribe import make_token, read_token
from tests.world import World

pytestmark = pytest.mark.django_db
LEAD = "registered_lead_activity"


@pytest.fixture
def world():
    return World()


@pytest.fixture
def stranger():
    return Client(enforce_csrf_checks=True)


def test_a_get_shows_a_button_and_changes_nothing(stranger, world):
    answer = stranger.get(f"/u/{make_token(world.ala.pk, [LEAD])}/")
    assert answer.status_code == 200
    assert "Unsubscribe from these e-mails?" in answer.content.decode()
    assert "/settings/notifications/email/?account=northstar" in answer.content.decode()
    assert not Preference.objects.exists()


def test_one_click_without_a_cookie_turns_the_topic_off(stranger, world):
    url = f"/u/{make_token(world.ala.pk, [LEAD])}/"
    for _ in range(2):
        answer = stranger.post(
            url,
            "List-Unsubscribe=One-Click",
            content_type="application/x-www-form-urlencoded",
        )
        assert answer.status_code == 200
    row = Preference.objects.get()
    assert (row.membership, row.channel, row.key, row.is_on) == (world.ala, "email", LEAD, False)


def test_the_page_speaks_the_members_language(stranger, world):
    world.ala.user.language = "pl"
    world.ala.user.save()
    answer = stranger.get(f"/u/{make_token(world.ala.pk, [LEAD])}/")
    assert '<html lang="pl"' in answer.content.decode()


def test_a_token_of_an_old_mail_still_works(stranger, world, settings):
    """Mails lie in mailboxes for years: the token of one topic must never change."""
    settings.SECRET_KEY = "of-then"
    assert make_token(7, [LEAD]) == "7-T0DwOkqir-tyOFaOMKmR"
    assert read_token("7-T0DwOkqir-tyOFaOMKmR") == (7, (LEAD,))


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("bad", ["nonsense", "gone", "no topic"])
def test_a_bad_token_gets_a_neutral_page(stranger, world, method, bad):
    token = {
        "nonsense": "abc:def",
        "gone": make_token(10**6, [LEAD]),
        "no topic": make_token(world.ala.pk, ["weather"]),
    }[bad]
    answer = getattr(stranger, method)(f"/u/{token}/")
    assert answer.status_code == 404
    assert "This link does not work" in answer.content.decode()
    assert not Preference.objects.exists()
