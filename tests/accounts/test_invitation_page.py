"""The page behind the link: new people, known people, the wrong people, dead links."""

from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEntry, Invitation, Membership, User
from accounts.services.invitations import invite, make_token, open_invitation, sign_up
from accounts.services.members import deactivate_member, remove_member
from notifications.models import CommunicationSettings
from tests.factories import switch_on
from tests.world import World

pytestmark = pytest.mark.django_db
EWA = "ewa@northstar.example"
NEW = {"name": "Ewa Nowak", "password": "correct horse battery"}


@pytest.fixture
def world():
    return World()


def invited(world, email=EWA, role="member"):
    return invite(world.ala.user, world.northstar, email=email, role=role)


def url(invitation):
    return f"/invitations/{make_token(invitation)}/"


def test_opening_the_link_changes_nothing(client, world):
    row = invited(world)
    for _n in range(2):
        answer = client.get(url(row))
        assert answer.status_code == 200
    html = answer.content.decode()
    assert "Ala invites you to Northstar Agency. Your role: member." in html
    assert EWA in html
    assert "no-store" in answer["Cache-Control"]
    assert not User.objects.filter(email=EWA).exists()
    assert Invitation.objects.open().exists()


def test_a_new_person_becomes_a_member_and_lands_in_the_inbox(client, world):
    world.ala.user.language, world.ala.user.timezone = "pl", "Europe/Warsaw"
    world.ala.user.save()
    row = invited(world, role="admin")
    page = client.get(url(row), headers={"Accept-Language": "en"})
    assert '<html lang="pl"' in page.content.decode()
    answer = client.post(url(row), NEW, follow=True)
    assert answer.redirect_chain[0][0] == "/?account=northstar"
    assert answer.redirect_chain[-1][0].startswith("/inbox/")
    assert "Należysz teraz do konta Northstar Agency." in answer.content.decode()
    user = User.objects.get(email=EWA)
    assert (user.name, user.language, user.timezone) == ("Ewa Nowak", "pl", "Europe/Warsaw")
    assert user.check_password(NEW["password"])
    assert EmailAddress.objects.get(user=user, verified=True, primary=True).email == EWA
    assert user.memberships.get().role == "admin"
    assert not (user.is_staff or user.is_superuser)
    entry = AuditEntry.objects.first()
    assert (entry.action, entry.actor) == ("users.joined", user)


def test_the_new_person_can_sign_in_by_password(client, world):
    client.post(url(invited(world)), NEW)
    answer = Client().post("/accounts/login/", {"login": EWA, "password": NEW["password"]})
    assert answer.status_code == 302


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"password": ""},
        {"password": "short"},
        {"password": "password1234"},
        {"password": "ewa@northstar"},
        {"name": "x" * 151},
        {"password": "x" * 5000},
    ],
)
def test_a_wrong_answer_is_refused_and_said(client, world, wrong):
    row = invited(world)
    answer = client.post(url(row), NEW | wrong)
    assert answer.status_code == 422
    assert "Not saved." in answer.content.decode()
    assert not User.objects.filter(email=EWA).exists()


def test_only_the_invitation_says_address_and_role(client, world):
    extra = {"email": "x@x.example", "role": "admin", "is_staff": "on"}
    client.post(url(invited(world)), NEW | extra)
    user = User.objects.get(email=EWA)
    assert (user.is_staff, user.memberships.get().role) == (False, "member")


def test_a_known_person_signs_in_and_comes_back(client, world):
    row = invited(world, world.celina.user.email)
    html = client.get(url(row)).content.decode()
    assert "You already sign in here as celina@southwind.example." in html
    assert "/accounts/login/?next=/invitations/" in html
    assert "password" not in client.post(url(row), NEW).content.decode().partition("<form")[1]
    assert not Membership.objects.filter(account=world.northstar, user=world.celina.user).exists()
    world.celina.user.set_password("a long password")
    world.celina.user.save()
    login = {"login": world.celina.user.email, "password": "a long password"}
    link = url(row)  # Once: the second of its signature is in it.
    answer = client.post(f"/accounts/login/?next={link}", login | {"next": link})
    assert answer.url == link
    html = client.get(link).content.decode()
    assert "You are signed in as celina@southwind.example." in html
    assert "Join Northstar Agency</button>" in html
    answer = client.post(url(row), follow=True)
    assert "You are a member of Northstar Agency now." in answer.content.decode()
    assert "of Northstar Agency did" in answer.content.decode()
    assert world.celina.user.memberships.count() == 2


def test_who_is_signed_in_as_somebody_else_can_log_out(client, world):
    path = url(invited(world))
    client.force_login(world.celina.user)
    for act in (client.get, client.post):
        answer = act(path)
        assert answer.status_code == 403
    html = answer.content.decode()
    assert "This invitation is for somebody else" in html
    assert f'name="next" value="{path}"' in html
    answer = client.post("/accounts/logout/", {"next": path})
    assert answer.url == path
    assert Membership.objects.filter(account=world.northstar).count() == 2


def test_who_became_a_member_meanwhile_keeps_their_role(client, world):
    row = invited(world, world.celina.user.email, role="member")
    member = Membership.objects.create(
        account=world.northstar, user=world.celina.user, role="admin"
    )
    client.force_login(world.celina.user)
    assert client.post(url(row)).status_code == 302
    member.refresh_from_db()
    assert member.role == "admin"


@pytest.mark.parametrize("end", [deactivate_member, remove_member])
def test_who_was_sent_away_comes_back_by_an_invitation(client, world, end):
    switch_on(world.northstar, world.bartek)
    end(world.ala.user, world.bartek)
    row = invited(world, world.bartek.user.email, role="admin")
    client.force_login(world.bartek.user)
    client.post(url(row))
    world.bartek.refresh_from_db()
    assert (world.bartek.role, world.bartek.is_active) == ("admin", True)
    assert world.bartek.removed_at is None
    # R34: chosen again only after a mere deactivation.
    chosen = CommunicationSettings.objects.get().recipient
    assert chosen == (world.bartek if end is deactivate_member else None)


def test_a_link_that_works_does_not_stand_in_the_log(client, world, caplog):
    path = url(invited(world))
    assert client.post(path, {}).status_code == 422
    client.force_login(world.celina.user)
    assert client.get(path).status_code == 403
    assert path not in caplog.text


# --- Dead links ---------------------------------------------------------------------


def test_a_used_link_says_so(client, world):
    row = invited(world)
    client.post(url(row), NEW)
    for visitor in (client, Client()):
        answer = visitor.get(url(row))
        assert answer.status_code == 410
        assert "This invitation was accepted already" in answer.content.decode()
    assert Client().post(url(row), NEW).status_code == 410


def test_expired_revoked_renewed_and_forgotten_links_say_so(client, world):
    row = invited(world)
    old = url(row)
    Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert "has expired" in gone(client, old)
    invited(world)
    assert "There is a newer invitation" in gone(client, old)
    Invitation.objects.update(revoked_at=timezone.now())
    assert "was revoked" in gone(client, old)
    Invitation.objects.all().delete()
    assert "was revoked" in gone(client, old)


def gone(client, path):
    for answer in (client.post(path, NEW), client.get(path)):
        assert answer.status_code == 410
    assert not User.objects.filter(email=EWA).exists()
    return answer.content.decode()


@pytest.mark.parametrize("token", ["x", "WzFd:1:x", "1-abc", "%00", "ż", "a" * 3000, ":", "%F0%9F"])
def test_a_made_up_link_tells_nothing(client, world, token):
    invited(world)
    answer = client.get(f"/invitations/{token}/")
    assert answer.status_code == 404
    assert "Northstar" not in answer.content.decode()


def test_a_link_that_is_used_twice_at_once_makes_one_member(world):
    row = invited(world)
    seen = open_invitation(make_token(row))
    sign_up(seen, **NEW)
    client = Client()
    assert client.post(url(row), NEW).status_code == 410
    assert Membership.objects.filter(user__email=EWA).count() == 1
