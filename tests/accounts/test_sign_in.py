"""The pages of the sign-in package where ours differ from it."""

import re
import smtplib

import pytest
from django.core import mail
from django.test import Client

from tests.world import World

pytestmark = pytest.mark.django_db
RESET = "/accounts/password/reset/"
NEW = "correct horse battery"


@pytest.fixture
def world():
    return World()


def test_a_forgotten_password_is_replaced_and_signs_in(client, world):
    world.ala.user.language = "pl"
    world.ala.user.save()
    client.post(RESET, {"email": world.ala.user.email})
    (letter,) = mail.outbox
    assert letter.subject == "Nowe hasło do partnernotify"  # Her language, not the browser's.
    assert letter.extra_headers["Auto-Submitted"] == "auto-generated"
    link = re.search(r"http\S+", letter.body).group()
    form = client.get(link, follow=True)
    answer = client.post(form.redirect_chain[-1][0], {"password1": NEW, "password2": NEW})
    assert answer.url == "/"
    assert client.get("/inbox/").status_code == 200
    login = {"login": world.ala.user.email, "password": NEW}
    assert Client().post("/accounts/login/", login).status_code == 302
    assert "Ten link już nie działa" in client.get(link, follow=True).content.decode()


def test_an_unknown_address_gets_no_mail_and_the_same_answer(client, world):
    known = client.post(RESET, {"email": world.ala.user.email}, follow=True)
    unknown = client.post(RESET, {"email": "nobody@x.example"}, follow=True)
    assert known.content == unknown.content
    assert [letter.to for letter in mail.outbox] == [[world.ala.user.email]]


def test_a_mail_server_that_refuses_breaks_no_page(client, world, monkeypatch):
    def refuse(self, messages):
        raise smtplib.SMTPServerDisconnected("gone")

    monkeypatch.setattr("django.core.mail.backends.locmem.EmailBackend.send_messages", refuse)
    answer = client.post(RESET, {"email": world.ala.user.email}, follow=True)
    assert answer.status_code == 200
    assert "The e-mail could not be sent." in answer.content.decode()


def test_nobody_signs_up_alone(client):
    for act in (client.get, client.post):
        assert "By invitation only" in act("/accounts/signup/").content.decode()


def test_after_wrong_passwords_the_page_says_how_long(world, settings):
    """And a new password lets in at once."""
    client = Client(REMOTE_ADDR="192.0.2.7")  # Its tries count for nobody else.
    world.ala.user.set_password(NEW)
    world.ala.user.save()
    wrong = {"login": world.ala.user.email, "password": "wrong wrong wrong"}
    for _n in range(settings.LOGIN_TRIES):
        client.post("/accounts/login/", wrong)
    answer = client.post("/accounts/login/", wrong | {"password": NEW})
    assert "Wait 5 minutes; until then the right one is refused, too." in answer.content.decode()
    client.post(RESET, {"email": world.ala.user.email})
    form = client.get(re.search(r"http\S+", mail.outbox[0].body).group(), follow=True)
    again = {"password1": f"{NEW} 2", "password2": f"{NEW} 2"}
    assert client.post(form.redirect_chain[-1][0], again).url == "/"
    right = wrong | {"password": f"{NEW} 2"}
    assert Client().post("/accounts/login/", right).status_code == 302
