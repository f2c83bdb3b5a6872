"""Inviting: the row, the letter, its renewal and its end."""

import re
import smtplib
from datetime import timedelta

import pytest
from django.core import mail
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import AuditEntry, Invitation
from accounts.services.invitations import (
    AlreadyMemberError,
    TooManyInvitationsError,
    invite,
    make_token,
)
from accounts.services.members import deactivate_member, remove_member
from notifications.channels.email import EmailChannel
from partners.services.erase import erase_person
from tests.world import World, read

pytestmark = pytest.mark.django_db
URL = "/settings/users/"
EWA = "ewa@northstar.example"


@pytest.fixture
def world():
    return World()


@pytest.fixture
def ala(client, world):
    client.force_login(world.ala.user)
    return client


def ask(client, email=EWA, role="member"):
    return client.post(URL, {"email": email, "role": role}, follow=True).content.decode()


def link(letter):
    return re.search(r"/invitations/\S+/", letter.body).group()


def test_ala_invites_ewa(ala, world):
    before = timezone.now()
    assert "Invitation sent to ewa@northstar.example." in ask(ala, "Ewa@Northstar.example")
    row = Invitation.objects.get()
    assert (row.account, row.email, row.role) == (world.northstar, EWA, "member")
    assert (row.invited_by, row.accepted_at) == (world.ala.user, None)
    assert timedelta(days=7) <= row.expires_at - before < timedelta(days=7, minutes=1)
    assert row.sent_at
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.subject, entry.new) == ("users.invited", EWA, "member")
    assert "Invited until" in read(ala, world.ala.user, URL)


def test_the_letter(ala, world):
    ask(ala)
    (letter,) = mail.outbox
    assert (letter.to, letter.cc, letter.bcc) == ([EWA], [], [])
    assert letter.subject == "Ala invites you to Northstar Agency"
    assert letter.extra_headers["Auto-Submitted"] == "auto-generated"
    assert not any(name.startswith("List-") for name in letter.extra_headers)
    html = letter.alternatives[0].content
    for text in (letter.body, html):
        assert link(letter) in text
        assert "Unsubscribe" not in text
        assert "Ala (ala@northstar.example) entered your address." in text


def test_what_is_stored_does_not_open_the_door(ala):
    ask(ala)
    row = Invitation.objects.get()
    assert row.nonce not in link(mail.outbox[0])
    assert ala.get(f"/invitations/{row.nonce}/").status_code == 404


def test_the_letter_is_in_the_inviters_language_or_the_known_persons(ala, world):
    world.ala.user.language = "pl"
    world.ala.user.save()
    ask(ala)
    ask(ala, world.celina.user.email)
    new, known = mail.outbox
    assert new.subject == "Ala zaprasza do konta Northstar Agency"
    assert known.subject == "Ala invites you to Northstar Agency"


def test_a_name_cannot_break_the_subject(ala, world):
    world.ala.user.name = "Ala\nBcc: all@x.example"
    world.ala.user.save()
    ask(ala)
    assert "\n" not in mail.outbox[0].subject


def test_inviting_again_renews(ala):
    ask(ala)
    ask(ala, role="admin")
    row = Invitation.objects.get()
    assert row.role == "admin"
    first, second = mail.outbox
    assert link(first) != link(second)
    assert ala.get(link(first)).status_code == 410
    actions = AuditEntry.objects.order_by("pk").values_list("action", flat=True)
    assert list(actions) == ["users.invited", "users.invited_again"]


def test_send_again_sends_a_new_link(ala):
    ask(ala)
    Invitation.objects.update(expires_at=timezone.now() - timedelta(days=1))
    ala.post(f"{URL}invitations/{Invitation.objects.get().pk}/send/")
    assert not Invitation.objects.get().is_over
    assert len(mail.outbox) == 2


def test_the_database_keeps_one_open_invitation(world):
    row = invite(world.ala.user, world.northstar, email=EWA, role="member")
    twin = {"account": row.account, "email": row.email, "expires_at": row.expires_at}
    with pytest.raises(IntegrityError), transaction.atomic():
        Invitation.objects.create(**twin)
    Invitation.objects.create(**twin, revoked_at=timezone.now())


def test_a_revoked_invitation_is_gone_from_the_page(ala, world):
    ask(ala)
    row = Invitation.objects.get()
    answer = ala.post(f"{URL}invitations/{row.pk}/revoke/", follow=True).content.decode()
    assert "Invitation of ewa@northstar.example revoked" in answer
    assert not Invitation.objects.open().exists()
    assert ala.post(f"{URL}invitations/{row.pk}/revoke/").status_code == 404
    assert ala.post(f"{URL}invitations/{row.pk}/send/").status_code == 404


def test_when_the_mail_server_refuses_the_invitation_stays(ala, world, monkeypatch):
    def refuse(self, messages):
        raise smtplib.SMTPRecipientsRefused({EWA: (550, b"No such user")})

    with monkeypatch.context() as patch:
        patch.setattr("django.core.mail.backends.locmem.EmailBackend.send_messages", refuse)
        page = ask(ala)
    assert "is kept, but the e-mail could not be sent: 550 No such user." in page
    assert "E-mail not sent" in page and "Send again" in page
    row = Invitation.objects.get()
    assert row.sent_at is None
    ala.post(f"{URL}invitations/{row.pk}/send/")
    assert Invitation.objects.get().sent_at


@pytest.mark.django_db(transaction=True)
def test_the_letter_leaves_after_the_commit(ala, monkeypatch):
    seen = []

    def watch(self, connection, message, address):
        seen.append(transaction.get_connection().in_atomic_block)
        return "id"

    monkeypatch.setattr(EmailChannel, "_send", watch)
    ask(ala)
    assert seen == [False]


@pytest.mark.parametrize("email", ["", "ewa", "ewa@", "a" * 250 + "@x.example"])
def test_a_wrong_address_is_refused_and_said(ala, email):
    answer = ala.post(URL, {"email": email, "role": "member"})
    assert answer.status_code == 422
    assert "Not saved." in answer.content.decode()
    assert not Invitation.objects.exists()


@pytest.mark.parametrize("role", ["", "owner", "growth_specialist"])
def test_a_role_that_the_account_does_not_have_is_refused(ala, role):
    assert ala.post(URL, {"email": EWA, "role": role}).status_code == 422


def test_a_member_is_not_invited(ala, world):
    answer = ala.post(URL, {"email": "BARTEK@northstar.example", "role": "admin"})
    assert answer.status_code == 422
    words = "bartek@northstar.example is a member of Northstar Agency already."
    assert words in answer.content.decode()
    with pytest.raises(AlreadyMemberError):
        invite(world.ala.user, world.northstar, email=world.ala.user.email, role="member")


def test_a_member_of_another_account_is_no_secret_that_the_page_tells(ala, world):
    """Whether an address signs in here, elsewhere, is nobody's business."""
    known = ask(ala, world.celina.user.email)
    new = ask(ala)
    assert "Invitation sent to celina@southwind.example." in known
    assert "Invitation sent to ewa@northstar.example." in new


def test_an_account_invites_so_many_in_a_day(ala, world, settings):
    settings.INVITATIONS_PER_DAY = 2
    ask(ala)
    ask(ala)
    assert "2 invitations were sent within 24 hours; that is the limit." in ask(ala, "x@x.example")
    answer = ala.post(f"{URL}invitations/{Invitation.objects.get().pk}/send/", follow=True)
    assert "that is the limit" in answer.content.decode()
    assert len(mail.outbox) == 2
    invite(world.celina.user, world.southwind, email=EWA, role="member")  # Another account may.
    AuditEntry.objects.update(at=timezone.now() - timedelta(days=1, minutes=1))
    invite(world.ala.user, world.northstar, email=EWA, role="member")
    with pytest.raises(TooManyInvitationsError):
        for _n in range(2):
            invite(world.ala.user, world.northstar, email=EWA, role="member")


@pytest.mark.parametrize("end", [deactivate_member, remove_member])
def test_who_is_sent_away_cannot_come_back_by_an_older_link(client, world, end):
    deactivate_member(world.ala.user, world.bartek)
    row = invite(world.ala.user, world.northstar, email=world.bartek.user.email, role="member")
    world.bartek.is_active = True
    world.bartek.save()
    end(world.ala.user, world.bartek)
    assert client.get(f"/invitations/{make_token(row)}/").status_code == 410


def test_an_erased_address_is_forgotten(world):
    """R104. Another address that ends alike stays."""
    for email in ("ann@x.example", "joann@x.example"):
        invite(world.ala.user, world.northstar, email=email, role="member")
    erase_person("ann@x.example", actor=None, actor_name="test")
    assert Invitation.objects.get().email == "joann@x.example"
    invited = AuditEntry.objects.filter(action="users.invited").order_by("pk")
    assert list(invited.values_list("subject", flat=True)) == ["", "joann@x.example"]
