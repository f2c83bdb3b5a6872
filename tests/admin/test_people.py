"""Users and members: an operator changes them by the services, and history stays."""

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import Permission

from accounts.models import Account, AuditEntry, Membership, User
from partners.models import Client, Company, Contact, Lead
from tests.admin.pages import act, errors_of, save, url
from tests.factories import make_client, make_company, make_contact, make_deal, make_lead, make_user

pytestmark = pytest.mark.django_db


def written():
    rows = AuditEntry.objects.order_by("pk")
    return list(rows.values_list("action", "old", "new"))


def test_a_new_user_has_a_verified_address(admin_client):
    save(
        admin_client,
        User,
        email="New@Northstar.example",
        usable_password="true",
        password1="correct horse battery",
        password2="correct horse battery",
    )
    user = User.objects.get(email="new@northstar.example")
    assert user.check_password("correct horse battery")
    assert EmailAddress.objects.get(user=user).verified


def test_a_changed_address_is_the_verified_one(admin_client, world):
    user = world.ala.user
    save(admin_client, User, user, email="ala2@northstar.example")
    assert EmailAddress.objects.get(user=user).email == "ala2@northstar.example"


def test_staff_do_not_raise_themselves(client, world):
    gosia = world.gosia.user
    gosia.is_staff = True
    gosia.save()
    gosia.user_permissions.set(Permission.objects.filter(content_type__model="user"))
    client.force_login(gosia)
    save(client, User, gosia, is_superuser="on", name="Gosia S.")
    gosia.refresh_from_db()
    assert (gosia.name, gosia.is_superuser) == ("Gosia S.", False)


def test_a_users_rights_are_audited(admin_client, world, operator):
    save(admin_client, User, world.ala.user, is_staff="on", is_active=None)
    assert written() == [("users.is_active", "on", "off"), ("users.is_staff", "off", "on")]
    assert {entry.actor for entry in AuditEntry.objects.all()} == {operator}
    assert AuditEntry.objects.first().subject == "Ala · ala@northstar.example"


def test_who_lost_the_device_is_let_in(admin_client, world):
    Authenticator.objects.create(user=world.ala.user, type="totp", data={"secret": "JBSWY3DP"})
    page = admin_client.get(url(User, "change", world.ala.user.pk)).content.decode()
    assert "JBSWY3DP" not in page
    save(admin_client, User, world.ala.user, **{"authenticator_set-0-DELETE": "on"})
    assert not Authenticator.objects.exists()
    assert [action for action, _old, _new in written()] == ["users.second_factor"]


# --- Members ------------------------------------------------------------------------


def test_a_membership_keeps_its_person_and_account(admin_client, world):
    save(admin_client, Membership, world.bartek, role="admin", user=world.celina.user.pk)
    world.bartek.refresh_from_db()
    assert (world.bartek.role, world.bartek.user.name) == ("admin", "Bartek")


def test_a_changed_role_is_audited(admin_client, world, operator):
    save(admin_client, Membership, world.bartek, role="admin", edit_partner_settings="on")
    assert written() == [
        ("users.role", "member", "admin"),
        ("users.edit_partner_settings", "off", "on"),
    ]
    entry = AuditEntry.objects.first()
    assert (entry.account, entry.actor) == (world.northstar, operator)


def test_a_member_is_deactivated_and_reactivated(admin_client, world):
    save(admin_client, Membership, world.bartek, is_active=None)
    world.bartek.refresh_from_db()
    assert not world.bartek.is_active
    save(admin_client, Membership, world.bartek, is_active="on")
    world.bartek.refresh_from_db()
    assert world.bartek.is_active
    assert [action for action, *_ in written()] == ["users.deactivated", "users.reactivated"]


def test_saving_a_member_unchanged_writes_nothing(admin_client, world):
    save(admin_client, Membership, world.bartek)
    assert written() == []


@pytest.mark.parametrize("change", [{"role": "member"}, {"is_active": None}])
def test_the_last_admin_stays(admin_client, world, change):
    answer = save(admin_client, Membership, world.ala, **change)
    assert "only active admin" in errors_of(answer)
    world.ala.refresh_from_db()
    assert (world.ala.role, world.ala.is_active) == ("admin", True)


def test_a_partner_has_no_role_of_the_vendor(admin_client, world):
    answer = save(admin_client, Membership, world.bartek, role="growth_specialist")
    assert "no such role" in errors_of(answer)


def test_a_user_becomes_a_member(admin_client, world):
    user = make_user("new@northstar.example")
    chosen = {"user": user.pk, "account": world.northstar.pk, "role": "member"}
    save(admin_client, Membership, **chosen)
    member = Membership.objects.get(user=user)
    assert (member.account, member.role, member.is_active) == (world.northstar, "member", True)
    assert written() == [("users.added", "", "member")]


def test_a_removed_member_stays_as_a_row_and_comes_back(admin_client, world):
    act(admin_client, Membership, "remove", world.bartek, world.ala)
    world.bartek.refresh_from_db()
    world.ala.refresh_from_db()
    assert world.bartek.removed_at
    assert world.ala.is_active  # The last admin.
    save(admin_client, Membership, world.bartek, is_active="on")
    world.bartek.refresh_from_db()
    assert (world.bartek.is_active, world.bartek.removed_at) == (True, None)
    assert [action for action, *_ in written()] == ["users.removed", "users.added"]


def test_an_account_switched_off_is_audited(admin_client, world):
    save(admin_client, Account, world.northstar, is_active=None)
    world.northstar.refresh_from_db()
    assert not world.northstar.is_partner
    assert written() == [("account.is_active", "on", "off")]


# --- What history hangs on ------------------------------------------------------------


def kept(client, row):
    model = type(row)
    page = client.get(url(model, "change", row.pk)).content.decode()
    assert client.post(url(model, "delete", row.pk), {"post": "yes"}).status_code == 403
    listed = {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"}
    client.post(url(model, "changelist"), listed)
    assert model.objects.filter(pk=row.pk).exists()
    return 'class="kept"' in page


def test_nobody_deletes_what_history_hangs_on(admin_client, world):
    """The page says what to do instead."""
    lead = make_lead(world.northstar)
    client = make_client(world.southwind, "zen.example")
    world.does("anna@acme.example")
    world.does("zoe@zen.example")
    deal = make_deal(make_company(), shares=(world.northstar,))
    contact = Contact.objects.get(email="anna@acme.example")
    rows = (
        *(world.northstar, world.ala.user, world.ala, world.source),
        *(lead, client, deal, deal.company, contact),
    )
    for row in rows:
        assert kept(admin_client, row), row


def test_what_nothing_hangs_on_is_deleted(admin_client, world):
    rows = (
        make_lead(world.northstar),
        make_client(world.northstar),
        make_company("empty.example"),
    )
    make_contact("anna@empty.example", rows[2])
    for row in rows:
        admin_client.post(url(type(row), "delete", row.pk), {"post": "yes"})
    assert not (Lead.objects.exists() or Client.objects.exists() or Company.objects.exists())
