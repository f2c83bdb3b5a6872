"""Settings → Account → Users: who looks, who changes, and what the page says."""

import re
from datetime import date, timedelta

import pytest
from django.test import Client
from django.utils.formats import date_format

from accounts.models import AuditEntry, Invitation, Membership
from accounts.services.invitations import invite
from tests.factories import make_company, make_deal, make_member, switch_on
from tests.notifications.test_absence import is_away, today
from tests.queries import assert_constant_queries
from tests.world import World, read

pytestmark = pytest.mark.django_db
URL = "/settings/users/"


@pytest.fixture
def world():
    return World()


def post(client, who, path="", **fields):
    client.force_login(who.user)
    return client.post(f"{URL}{path}", fields)


def of(member):
    return f"{member.pk}/"


def again(member):
    return Membership.objects.get(pk=member.pk)


# --- Looking ------------------------------------------------------------------------


def test_members_stand_by_name_with_role_permission_and_state(client, world):
    make_member(world.northstar, "zoe@northstar.example", name="adam", active=False)
    world.bartek.edit_partner_settings = True
    world.bartek.save()
    html = read(client, world.ala.user, URL)
    names = re.findall(r'<span class="strong">([^<]*)</span>', html)
    assert names == ["adam", "Ala", "Bartek"]
    adam, ala, bartek = html.partition("<tbody>")[2].partition("</tbody>")[0].split("</tr>")[:3]
    assert "Deactivated" in adam and "Reads" in adam
    assert "Admin" in ala and "May edit" in ala and "You" in ala
    assert "Member" in bartek and "May edit" in bartek and "Active" in bartek


def test_a_member_looks_and_is_told_why_nothing_can_be_changed(client, world):
    invite(world.ala.user, world.northstar, email="ewa@northstar.example", role="member")
    html = read(client, world.bartek.user, URL)
    assert "Only admins of Northstar Agency can invite and change users." in html
    assert "ewa@northstar.example" in html
    main = html.partition("<main")[2]
    assert "<form" not in main and "Change<" not in main


def test_the_vendors_people_have_the_page_without_partner_settings(client, world):
    html = read(client, world.gosia.user, URL)
    assert "Growth specialist" in html
    assert "Partner settings" not in html


def row_of(html, name):
    rows = html.partition("<tbody>")[2].partition("</tbody>")[0].split("</tr>")
    return next(row for row in rows if f">{name}<" in row)


def test_who_is_away_has_it_beside_the_name_with_the_deputy(client, world):
    absence = is_away(world.bartek, world.ala)
    html = read(client, world.ala.user, URL)
    assert f"Away until {date_format(absence.ends)}. Deputy: Ala" in row_of(html, "Bartek")
    assert "Away" not in row_of(html, "Ala")
    is_away(world.ala)
    html = read(client, world.bartek.user, URL)
    assert "The deputy, Ala, is away as well" in row_of(html, "Bartek")
    assert "without a deputy" in row_of(html, "Ala")


def test_an_absence_that_lies_ahead_or_is_over_says_nothing(client, world):
    days = {"begins": today() + timedelta(days=1), "ends": today() + timedelta(days=1)}
    is_away(world.ala, **days)
    is_away(world.bartek, begins=date(2020, 1, 1), ends=date(2020, 1, 2))
    assert "Away" not in read(client, world.ala.user, URL)


def test_a_deactivated_deputy_is_none(client, world):
    world.bartek.is_active = False
    world.bartek.save()
    is_away(world.ala, world.bartek)
    is_away(world.bartek)
    html = read(client, world.ala.user, URL)
    assert "without a deputy" in row_of(html, "Ala")
    assert "Away" not in row_of(html, "Bartek")


def test_nobody_of_another_account_is_shown(client, world):
    assert "celina" not in read(client, world.ala.user, URL)


def test_an_admin_can_belong_to_the_vendor(client, world):
    boss = make_member(world.vendor, "boss@northwind.example", role="admin")
    post(client, boss, of(world.gosia), role="partner_manager")
    assert again(world.gosia).role == "partner_manager"
    assert post(client, boss, of(world.gosia), role="member").status_code == 422


def test_the_number_of_queries_is_constant(client, world):
    client.force_login(world.ala.user)

    def grow():
        for n in range(5):
            is_away(make_member(world.northstar), world.ala)
            email = f"invited-{n}@northstar.example"
            invite(world.ala.user, world.northstar, email=email, role="member")

    grow()
    # Session, user, memberships, members, who is away, invitations, recipient, history, vendor,
    # bell.
    Invitation.objects.all().delete()
    assert assert_constant_queries(lambda: client.get(URL), grow) == 10


def test_the_recipient_is_marked(client, world):
    switch_on(world.northstar, world.bartek)
    assert "Recipient of lead activity" in read(client, world.ala.user, URL)


# --- Who may ------------------------------------------------------------------------

PATHS = ("", "deactivate/", "reactivate/", "remove/")


@pytest.mark.parametrize("path", PATHS)
def test_a_member_changes_nothing(client, world, path):
    answer = post(client, world.bartek, of(world.bartek) + path, role="admin")
    assert answer.status_code == 403
    assert again(world.bartek) == world.bartek and again(world.bartek).role == "member"
    assert post(client, world.bartek, email="x@x.example", role="admin").status_code == 403
    assert not AuditEntry.objects.exists() and not Invitation.objects.exists()


@pytest.mark.parametrize("path", PATHS)
def test_members_of_another_account_do_not_exist(client, world, path):
    answer = post(client, world.celina, of(world.bartek) + path, role="admin")
    assert answer.status_code == 404
    assert again(world.bartek).is_active


@pytest.mark.parametrize("path", ["send/", "revoke/"])
def test_invitations_of_another_account_do_not_exist(client, world, path):
    ewa = invite(world.ala.user, world.northstar, email="ewa@northstar.example", role="member")
    place = f"invitations/{ewa.pk}/{path}"
    assert post(client, world.celina, place).status_code == 404
    assert post(client, world.bartek, place).status_code == 403
    assert Invitation.objects.open().get().nonce == ewa.nonce


def test_an_admin_who_acts_for_another_account_is_a_stranger_there(client, world):
    """Ids count in the account that one acts for, not in any that one belongs to."""
    Membership.objects.create(account=world.southwind, user=world.ala.user)
    client.force_login(world.ala.user)
    assert client.get(f"{URL}{of(world.bartek)}?account=southwind").status_code == 404
    assert client.post(f"{URL}?account=southwind", {"email": "x@x.example"}).status_code == 403


# --- Changing -----------------------------------------------------------------------


def test_role_and_permission_are_changed_and_written_down(client, world):
    answer = post(client, world.ala, of(world.bartek), role="admin", edit_partner_settings="on")
    assert (answer.status_code, answer.url) == (302, URL)
    row = again(world.bartek)
    assert (row.role, row.edit_partner_settings) == ("admin", True)
    html = read(client, world.ala.user, URL)
    who = "Bartek · bartek@northstar.example"
    assert f"Changed the role of {who}: Member → Admin" in html
    assert f"Allowed {who} to edit partner settings" in html


def test_saving_without_a_change_writes_nothing(client, world):
    post(client, world.ala, of(world.bartek), role="member")
    assert not AuditEntry.objects.exists()


def test_the_last_admin_stays(client, world):
    answer = post(client, world.ala, of(world.ala), role="member")
    assert answer.status_code == 422
    words = "Ala is the only active admin of Northstar Agency."
    assert words in answer.content.decode()
    for path in ("deactivate/", "remove/"):
        assert words in read(client, world.ala.user, URL + of(world.ala) + path)
        answer = client.post(URL + of(world.ala) + path, follow=True)
        assert words in answer.content.decode()
    row = again(world.ala)
    assert (row.role, row.is_active, row.removed_at) == ("admin", True, None)
    assert not AuditEntry.objects.exists()


def test_a_deactivated_or_blocked_admin_does_not_count(client, world):
    make_member(world.northstar, role="admin", active=False)
    blocked = make_member(world.northstar, role="admin")
    blocked.user.is_active = False
    blocked.user.save()
    assert post(client, world.ala, of(world.ala), role="member").status_code == 422


def test_with_a_second_admin_one_may_leave(client, world):
    make_member(world.northstar, role="admin")
    html = read(client, world.ala.user, f"{URL}{of(world.ala)}remove/")
    assert "This is you: you lose access to Northstar Agency at once." in html
    assert client.post(f"{URL}{of(world.ala)}remove/").url == "/"
    assert client.get(URL).status_code == 403


def test_asking_changes_nothing(client, world):
    for path in ("", "deactivate/", "remove/"):
        read(client, world.ala.user, URL + of(world.bartek) + path)
    assert again(world.bartek).is_active
    assert client.get(f"{URL}{of(world.bartek)}reactivate/").status_code == 405


def test_deactivation_keeps_what_one_is_chosen_for(client, world):
    """R33, R34."""
    settings = switch_on(world.northstar, world.bartek)
    make_deal(make_company(), shares=(world.northstar,), owner=world.bartek)
    html = read(client, world.ala.user, f"{URL}{of(world.bartek)}deactivate/")
    assert "Bartek is the recipient of lead activity notifications: nothing will be sent" in html
    assert "Bartek stays on 1 shared deal, but is not told about it." in html
    post(client, world.ala, f"{of(world.bartek)}deactivate/")
    assert not again(world.bartek).is_active
    settings.refresh_from_db()
    assert settings.recipient == world.bartek
    client.force_login(world.bartek.user)
    assert client.get("/inbox/").status_code == 403
    post(client, world.ala, f"{of(world.bartek)}reactivate/")
    assert again(world.bartek).is_active
    actions = AuditEntry.objects.order_by("pk").values_list("action", flat=True)
    assert list(actions) == ["users.deactivated", "users.reactivated"]


def test_removal_says_what_it_ends_and_ends_it(client, world):
    """R34, R101."""
    settings = switch_on(world.northstar, world.bartek)
    company = make_company()
    make_deal(company, shares=(world.northstar,), owner=world.bartek, team=(world.bartek,))
    make_deal(company, shares=(world.northstar,), owner=world.ala, team=(world.bartek,))
    html = read(client, world.ala.user, f"{URL}{of(world.bartek)}remove/")
    assert "2 shared deals lose Bartek." in html
    assert "1 of them is left without an owner." in html
    assert "nothing will be sent until another one is chosen" in html
    post(client, world.ala, f"{of(world.bartek)}remove/")
    settings.refresh_from_db()
    assert settings.recipient is None
    roles = again(world.bartek).deal_roles
    assert (roles.count(), roles.filter(removed_at=None).count()) == (3, 0)
    html = read(client, world.ala.user, URL)
    assert "Removed Bartek · bartek@northstar.example. Role: Member" in html
    assert html.count("bartek@northstar.example") == 1
    for path in PATHS:
        assert client.post(URL + of(world.bartek) + path).status_code == 404


def test_removing_a_growth_specialist_names_their_companies(client, world):
    boss = make_member(world.vendor, "boss@northwind.example", role="admin")
    make_company(owner=world.gosia.user)
    html = read(client, boss.user, f"{URL}{of(world.gosia)}remove/")
    assert "Gosia owns 1 company: until another growth specialist owns it" in html
    post(client, boss, f"{of(world.gosia)}remove/")
    assert not Membership.objects.growth_specialists().exists()


def test_the_communication_page_offers_to_invite_who_is_alone(client, world):
    """R29 and the list of empty states: no other users."""
    html = read(client, world.celina.user, "/settings/partners/communication/")
    assert 'href="/settings/users/#invite"' in html
    assert "#invite" not in read(client, world.ala.user, "/settings/partners/communication/")


def test_a_form_of_another_site_changes_nothing(world):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(world.ala.user)
    for path in ("", *(of(world.bartek) + path for path in PATHS)):
        assert strict.post(URL + path, {"role": "admin", "email": "x@x.example"}).status_code == 403
    assert not AuditEntry.objects.exists()
