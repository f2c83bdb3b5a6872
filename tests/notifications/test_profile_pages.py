"""Settings → Notification profiles (R73, R74)."""

from __future__ import annotations

import re

import pytest

from accounts.models import AuditEntry
from accounts.services.members import remove_member
from notifications.models import Profile, ProfileCell, ProfileMember
from notifications.selectors import wishes_of
from notifications.topics import CO_SELLING, LEAD_ACTIVITY
from partners.services.erase import erase_person
from tests.factories import choose, make_member, make_profile
from tests.notifications.test_preferences_page import shown
from tests.queries import assert_constant_queries
from tests.world import World, read

pytestmark = pytest.mark.django_db
URL = "/settings/profiles/"
MAIL_OF_DEALS = ("email", CO_SELLING)


@pytest.fixture
def world():
    return World()


@pytest.fixture
def sales(world):
    return make_profile(world.northstar, "Sales", world.bartek)


def url(profile, tab="email"):
    return f"{URL}{profile.pk}/{tab}/"


def form_of(client, who, profile, **changes):
    """Return what the browser would post: what is shown, and what is changed."""
    html = read(client, who.user, url(profile))
    data = shown(html) | {"name": profile.name}
    data["members"] = list(
        map(str, ProfileMember.objects.filter(profile=profile).values_list("membership", flat=True))
    )
    data["initial-members"] = data["members"]
    if profile.is_default:
        data["is_default"] = "on"
    return data | changes


def save(client, who, profile, *, confirmed=True, **changes):
    data = form_of(client, who, profile, **changes)
    return client.post(url(profile), data | ({"confirmed": "1"} if confirmed else {}))


def cells(profile):
    rows = ProfileCell.objects.filter(profile=profile)
    return {(c.channel, c.key): (c.is_on, c.is_locked) for c in rows}


# --- Making and reading --------------------------------------------------------------------


def test_an_admin_makes_a_profile_that_changes_nothing_yet(client, world):
    client.force_login(world.ala.user)
    answer = client.post(URL, {"name": "Sales"})
    profile = Profile.objects.get()
    assert answer.url == f"{URL}{profile.pk}/"
    assert client.get(answer.url).url == url(profile)
    assert (profile.account, profile.is_default, cells(profile)) == (world.northstar, False, {})
    assert "Made the profile “Sales”" in read(client, world.ala.user, URL)


@pytest.mark.parametrize("name", ["", "  ", "sales", "Sa\u202eles", "x" * 61])
def test_a_name_that_is_no_name_is_refused(client, world, sales, name):
    client.force_login(world.ala.user)
    assert client.post(URL, {"name": name}).status_code == 422
    assert Profile.objects.count() == 1


def test_there_is_an_end_to_profiles(client, world):
    for number in range(20):
        make_profile(world.northstar, f"P{number}")
    client.force_login(world.ala.user)
    answer = client.post(URL, {"name": "One more"})
    assert answer.status_code == 422
    assert "That is enough" in answer.content.decode()


def test_others_read_and_are_told_why(client, world, sales):
    for page in (URL, url(sales)):
        html = read(client, world.bartek.user, page)
        assert "Only admins of Northstar Agency" in html
        assert "data-save" not in html and "Make profile" not in html


def test_who_may_edit_partner_settings_may_edit_profiles(client, world, sales):
    world.bartek.edit_partner_settings = True
    world.bartek.save()
    assert save(client, world.bartek, sales, name="Deals").status_code == 302
    assert Profile.objects.get().name == "Deals"


@pytest.mark.parametrize("path", ["", "email/", "remove/"])
def test_a_forged_post_is_refused(client, world, sales, path):
    target = f"{URL}{sales.pk}/{path}" if path else URL
    for who, status in ((world.bartek, 403), (world.celina, 403 if not path else 404)):
        client.force_login(who.user)
        posted = {"name": "Mine", "confirmed": "1", "members": [world.ala.pk]}
        answer = client.post(target, posted)
        assert answer.status_code == (302 if who is world.celina and not path else status)
    assert not Profile.objects.filter(account=world.northstar).exclude(name="Sales").exists()
    assert ProfileMember.objects.get().membership == world.bartek


def test_there_are_none_for_the_vendors_people(client, world):
    read(client, world.gosia.user, URL, status=404)
    assert "Notification profiles" not in read(client, world.gosia.user, "/settings/users/")


def test_a_member_of_another_account_cannot_be_given_it(client, world, sales):
    answer = save(client, world.ala, sales, members=[str(world.celina.pk)])
    assert answer.status_code == 422
    assert not ProfileMember.objects.filter(membership=world.celina).exists()


# --- Saving -------------------------------------------------------------------------------


def test_the_change_is_asked_first_and_counts_once_it_is_confirmed(client, world, sales):
    """Nothing counts until Save, and who is reached is said before."""
    data = form_of(client, world.ala, sales, **{f"email-{CO_SELLING}": "on"})
    asked = client.post(url(sales), data)
    html = asked.content.decode()
    assert asked.status_code == 200
    assert "It changes what 1 person gets." in html and "Bartek" in html
    assert cells(sales) == {}
    assert f'name="email-{CO_SELLING}" value="on"' in html
    assert client.post(url(sales), data | {"confirmed": "1"}).url == url(sales)
    assert cells(sales) == {MAIL_OF_DEALS: (True, False)}
    assert wishes_of(world.bartek).ticked(*MAIL_OF_DEALS)
    assert not wishes_of(world.ala).ticked(*MAIL_OF_DEALS)


def listed(html):
    items = re.findall(
        r"<li>(.*?)</li>", html.partition('id="what-changes"')[2].partition("Nothing is")[0]
    )
    return [re.sub("<[^>]*>", "", item) for item in items]


def test_the_question_says_which_cells_change(client, world, sales):
    for key, locked in ((LEAD_ACTIVITY, True), ("enabled", False)):
        sales.cells.create(channel="email", key=key, is_on=True, is_locked=locked)
    data = form_of(client, world.ala, sales, **{f"email-{CO_SELLING}": "on"})
    data |= {f"email-lock-{CO_SELLING}": "on", "desktop-lock-bell": "on"}
    del data[f"email-lock-{LEAD_ACTIVITY}"], data["desktop-bell"]
    html = client.post(url(sales), data).content.decode()
    assert "4 settings change" in html
    assert listed(html) == [
        "Receive e-mail notifications · E-mail: on → on by default",
        "Co Selling Prospect Activity · E-mail: off by default → on, locked",
        "Registered lead activity · E-mail: on, locked → on by default",
        "Bell · Desktop: on by default → off, locked",
    ]


def test_without_a_changed_cell_the_question_lists_none(client, world, sales):
    sales.cells.create(channel="email", key=CO_SELLING, is_on=True)
    data = form_of(client, world.ala, sales, members=[str(world.ala.pk)])
    html = client.post(url(sales), data).content.decode()
    assert "It changes what 2 people get." in html
    assert "what-changes" not in html


def test_a_long_list_of_cells_is_complete(client, world, sales):
    data = form_of(client, world.ala, sales)
    topics = [key for key in data if key.startswith(("initial-email-", "initial-other_apps-"))]
    data |= {key.removeprefix("initial-"): "on" for key in topics if "-lock-" in key}
    html = client.post(url(sales), data | {f"email-{CO_SELLING}": "on"}).content.decode()
    assert len(listed(html)) > 10
    assert "All the others" in html


def test_back_to_editing_gives_back_what_was_entered(client, world):
    """Of a profile that nobody has yet: what was ticked is not taken for what was there."""
    sales = make_profile(world.northstar, "Sales")
    data = form_of(client, world.ala, sales, name="Deals", members=[str(world.bartek.pk)])
    data |= {f"email-{CO_SELLING}": "on", f"email-lock-{CO_SELLING}": "on"}
    del data["desktop-bell"]
    asked = client.post(url(sales), data).content.decode()
    assert 'name="edit"' in asked
    answer = client.post(url(sales), data | {"edit": "1"})
    assert answer.status_code == 200
    html = answer.content.decode()
    assert 'data-edited="Sales"' in html and 'value="Deals"' in html
    assert {k: v for k, v in shown(html).items() if k != "members"} == {
        k: v for k, v in data.items() if k not in ("name", "members", "initial-members")
    }
    assert re.search(rf'name="members" value="{world.bartek.pk}"[^>]* checked', html)
    assert 'name="initial-members"' not in html
    assert cells(sales) == {}
    assert Profile.objects.get().name == "Sales"
    assert not AuditEntry.objects.filter(action__startswith="profiles.").exists()
    client.post(url(sales), data | {"confirmed": "1"})
    assert cells(sales) == {MAIL_OF_DEALS: (True, True), ("desktop", "bell"): (False, False)}
    assert ProfileMember.objects.get().membership == world.bartek


def test_editing_goes_on_even_with_what_is_refused(client, world, sales):
    data = form_of(client, world.ala, sales, name=" ", edit="1", confirmed="1")
    assert client.post(url(sales), data).status_code == 422
    assert Profile.objects.get().name == "Sales"


def test_what_reaches_nobody_is_saved_at_once(client, world):
    empty = make_profile(world.northstar, "Empty")
    answer = save(client, world.ala, empty, confirmed=False, **{f"email-{CO_SELLING}": "on"})
    assert answer.status_code == 302
    assert cells(empty) == {MAIL_OF_DEALS: (True, False)}


def test_those_who_keep_their_own_are_counted_apart(client, world):
    """R73."""
    everyone = make_profile(world.northstar, "All", is_default=True)
    choose(world.bartek, "email", "enabled", True)
    choose(world.bartek, "email", LEAD_ACTIVITY, False)
    for number in range(3):
        make_member(world.northstar, name=f"N{number}")
    data = form_of(client, world.ala, everyone)
    del data["email-enabled"]
    html = client.post(url(everyone), data).content.decode()
    assert "It changes what 4 people get." in html
    assert "1 person keeps their own choice." in html


def test_a_locked_cell_is_said_even_if_it_is_the_default(client, world, sales):
    save(client, world.ala, sales, **{f"email-lock-{LEAD_ACTIVITY}": "on"})
    assert cells(sales) == {("email", LEAD_ACTIVITY): (True, True)}
    assert wishes_of(world.bartek).is_locked("email", LEAD_ACTIVITY)
    data = form_of(client, world.ala, sales)
    del data[f"email-lock-{LEAD_ACTIVITY}"]
    client.post(url(sales), data | {"confirmed": "1"})
    assert cells(sales) == {}


def test_nobody_else_switches_on_a_phone(client, world, sales):
    """R74: not on the page, and not by a forged post."""
    html = read(client, world.ala.user, url(sales, "mobile"))
    assert "mobile-enabled" not in html and "desktop-browser" not in html
    assert f"mobile-{CO_SELLING}" in html
    save(client, world.ala, sales, **{"mobile-enabled": "on", "mobile-lock-enabled": "on"})
    assert cells(sales) == {}


def test_an_old_page_undoes_nothing(client, world, sales):
    data = form_of(client, world.ala, sales, **{f"email-{CO_SELLING}": "on"})
    ewa = make_member(world.northstar)
    ProfileMember.objects.create(profile=sales, membership=ewa)
    Profile.objects.update(is_default=True)
    ProfileCell.objects.create(profile=sales, channel="desktop", key="bell", is_on=False)
    client.post(url(sales), data | {"confirmed": "1"})
    assert cells(sales) == {MAIL_OF_DEALS: (True, False), ("desktop", "bell"): (False, False)}
    assert set(ProfileMember.objects.values_list("membership", flat=True)) == {
        world.bartek.pk,
        ewa.pk,
    }
    assert Profile.objects.get().is_default


@pytest.mark.parametrize("listed", [["1"] * 3_000, ["9" * 5_000], ["-1"]])
def test_what_a_page_lists_may_be_long_or_wrong(client, world, sales, listed):
    """An account may have many members, and a forged page may list nonsense."""
    assert save(client, world.ala, sales, **{"initial-members": listed}).status_code == 302
    assert ProfileMember.objects.get().membership == world.bartek


def test_one_profile_per_member_and_one_default(client, world, sales):
    other = make_profile(world.northstar, "Other", is_default=True)
    html = read(client, world.ala.user, url(other))
    assert "bartek@northstar.example (now: Sales)" in html
    save(client, world.ala, other, members=[str(world.bartek.pk)])
    assert ProfileMember.objects.get().profile == other
    save(client, world.ala, sales, is_default="on")
    assert list(Profile.objects.filter(is_default=True)) == [sales]


def test_each_change_is_in_the_history(client, world, sales):
    """R37."""
    save(client, world.ala, sales, **{f"email-{CO_SELLING}": "on", "email-lock-enabled": "on"})
    save(client, world.ala, sales, is_default="on", members=[], name="Deals")
    html = read(client, world.ala.user, URL)
    for line in (
        "“Sales”, E-mail, Co Selling Prospect Activity: default → on",
        "“Sales”, E-mail, Receive e-mail notifications: default → required",
        "Renamed the profile “Sales” to “Deals”",
        "Profile “Deals” is now for everyone without another one",
        "Took the profile “Deals” from Bartek · bartek@northstar.example",
    ):
        assert line in html
    assert {entry.actor for entry in AuditEntry.objects.all()} == {world.ala.user}


def test_deleting_asks_first_and_keeps_own_choices(client, world):
    profile = make_profile(world.northstar, "Sales", world.bartek, cells={MAIL_OF_DEALS: True})
    choose(world.bartek, "email", "enabled", False)
    page = f"{URL}{profile.pk}/remove/"
    assert "It changes what 1 person gets." in read(client, world.ala.user, page)
    assert client.post(page).url == URL
    assert not Profile.objects.exists()
    assert wishes_of(world.bartek).choices == {("email", "enabled"): False}
    assert "Deleted the profile “Sales”" in read(client, world.ala.user, URL)


def test_who_is_removed_gives_the_profile_back(world, sales):
    remove_member(world.ala.user, world.bartek)
    assert not ProfileMember.objects.exists()


def test_the_history_forgets_who_is_erased(client, world, sales):
    """R104."""
    save(client, world.ala, sales, members=[])
    assert "Bartek" in read(client, world.ala.user, URL)
    erase_person("bartek@northstar.example", actor=None)
    html = read(client, world.ala.user, URL)
    assert "Took the profile “Sales” from an erased person" in html


@pytest.mark.parametrize("where", ["list", "profile", "asked"])
def test_the_number_of_queries_is_constant(client, world, sales, where):
    client.force_login(world.ala.user)
    page = URL if where == "list" else url(sales)
    posted = {"name": "Sales", "members": [world.bartek.pk], f"email-{CO_SELLING}": "on"}

    def act():
        if where == "asked":
            assert client.post(page, posted).status_code == 200
        else:
            client.get(page)

    def grow():
        for number in range(3):
            bo = make_member(world.northstar)
            make_profile(world.northstar, f"{number}", bo, cells={MAIL_OF_DEALS: True})

    make_profile(
        world.northstar, "First", make_member(world.northstar), cells={MAIL_OF_DEALS: True}
    )
    assert_constant_queries(act, grow)
