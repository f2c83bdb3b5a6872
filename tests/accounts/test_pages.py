"""Profile, security, the frame, and acting for one account or another."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Membership, User
from accounts.templatetags.moments import ago
from tests.world import World

pytestmark = pytest.mark.django_db
PROFILE = "/settings/profile/"


@pytest.fixture
def world():
    return World()


@pytest.fixture
def ala(client, world):
    client.force_login(world.ala.user)
    return client


def test_ala_changes_how_she_reads(ala, world):
    data = {"name": "Ala Kowalska", "language": "pl", "timezone": "Europe/Warsaw"}
    answer = ala.post(PROFILE, data)
    assert (answer.status_code, answer.url) == (302, PROFILE)
    user = User.objects.get(pk=world.ala.user.pk)
    assert (user.name, user.language, user.timezone) == ("Ala Kowalska", "pl", "Europe/Warsaw")
    assert '<html lang="pl"' in ala.get(PROFILE).content.decode()


@pytest.mark.parametrize("wrong", [{"name": ""}, {"language": "xx"}, {"timezone": "Mars/Olympus"}])
def test_a_wrong_profile_is_refused_and_said(ala, wrong):
    data = {"name": "Ala", "language": "en", "timezone": "UTC"} | wrong
    answer = ala.post(PROFILE, data)
    assert answer.status_code == 422
    assert "Not saved." in answer.content.decode()


def test_likely_zones_stand_first(ala, world):
    User.objects.filter(pk=world.ala.user.pk).update(timezone="Asia/Tokyo", language="pl")
    page = ala.get("/settings/profile/").content.decode()
    zones = re.findall(r'<option value="(\w+/[\w/]+|UTC)"', page)
    assert zones[0] == "Asia/Tokyo"
    assert "Europe/Warsaw" in zones[:3]
    assert len(zones) == len(set(zones))


def test_a_zone_that_is_not_listed_is_kept(ala, world):
    User.objects.filter(pk=world.ala.user.pk).update(timezone="Etc/GMT+5")
    data = {"name": "Ala", "language": "en", "timezone": "Etc/GMT+5"}
    assert ala.post(PROFILE, data).status_code == 302


def test_security_tells_whether_two_steps_are_on(ala):
    assert "Off. With an app" in ala.get("/settings/security/").content.decode()


@pytest.mark.parametrize("url", ["/accounts/password/change/", "/accounts/2fa/"])
def test_pages_of_sign_in_stand_in_our_frame(ala, url):
    text = ala.get(url).content.decode()
    assert '<nav class="side"' in text
    assert 'href="/settings/security/" aria-current="page"' in text


@pytest.mark.parametrize("url", ["/accounts/email/", "/accounts/confirm-email/"])
def test_nobody_changes_whose_an_address_is(ala, url):
    """A user's e-mail says who they are: invitations and program files rely on it."""
    assert ala.get(url).status_code == ala.post(url, {"email": "x@x.example"}).status_code == 404


@pytest.mark.parametrize("url", ["/accounts/login/", "/accounts/password/reset/"])
def test_entrance_pages_have_no_navigation(client, world, url):
    text = client.get(url).content.decode()
    assert 'class="entrance"' in text
    assert "<nav" not in text


def test_the_sidebar_shows_partners_to_partners_only(client, world):
    """R1."""
    for who, expected in ((world.ala, True), (world.gosia, False)):
        client.force_login(who.user)
        text = client.get(PROFILE).content.decode()
        assert ("/settings/partners/communication/" in text) is expected


def test_a_link_switches_to_another_own_account(ala, world):
    Membership.objects.create(account=world.southwind, user=world.ala.user)
    assert "Acting for" in ala.get(PROFILE).content.decode()
    ala.get("/inbox/?account=southwind")
    assert "of Southwind Partners did" in ala.get("/inbox/").content.decode()


@pytest.mark.parametrize("slug", ["southwind", "no-such-account"])
def test_a_link_of_a_foreign_account_offers_the_own_ones(ala, slug):
    answer = ala.get(f"/inbox/?account={slug}")
    assert answer.status_code == 404
    text = answer.content.decode()
    assert "You are not a member of the account" in text
    assert "Go to Northstar Agency" in text


def test_who_has_no_account_gets_a_page_that_says_so(client, world):
    client.force_login(world.obcy)
    answer = client.get("/inbox/")
    assert answer.status_code == 403
    assert "You are not a member of any account" in answer.content.decode()
    assert client.get(PROFILE).status_code == 200


def test_error_pages_stand_in_the_frame(ala):
    answer = ala.get("/no/such/page/")
    assert answer.status_code == 404
    assert "This page does not exist" in answer.content.decode()


@pytest.mark.parametrize(
    ("passed", "words"),
    [
        (timedelta(seconds=-5), "just now"),
        (timedelta(seconds=30), "just now"),
        (timedelta(minutes=1), "1 minute ago"),
        (timedelta(minutes=59, seconds=59), "59 minutes ago"),
        (timedelta(hours=23, minutes=59), "23 hours ago"),
        (timedelta(days=6, hours=23), "6 days ago"),
    ],
)
def test_times_are_said_in_one_unit(passed, words):
    assert ago(timezone.now() - passed) == words


def test_an_old_time_is_a_date():
    assert "ago" not in ago(timezone.now() - timedelta(days=8))


@pytest.mark.parametrize("url", ["/accounts/logout/", "/admin/logout/"])
def test_logging_out_ends_calmly(client, world, url):
    world.ala.user.is_staff = True
    world.ala.user.save()
    client.force_login(world.ala.user)
    assert client.post(url).status_code in (200, 302)
    assert client.get(PROFILE).status_code == 302
