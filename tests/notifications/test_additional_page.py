"""Additional recipients on Settings → Partners → Communication (R35-R38)."""

import pytest

from accounts.models import AuditEntry
from notifications.additional.services import add_entry
from notifications.models import AdditionalRecipient, Trigger
from tests.factories import choose, make_lead, make_member, make_profile, switch_on
from tests.queries import assert_constant_queries
from tests.world import World, read

pytestmark = pytest.mark.django_db
URL = "/settings/partners/communication/"
ADD = f"{URL}more/"


@pytest.fixture
def world():
    world = World()
    switch_on(world.northstar, world.ala)
    return world


def post(client, who, url, **fields):
    client.force_login(who.user)
    return client.post(url, fields)


def listed():
    rows = AdditionalRecipient.objects.order_by("pk")
    return [(row.membership and row.membership.user.name, row.triggers) for row in rows]


def add(world, member, *triggers):
    row = world.northstar.communication.additional.create(
        membership=member, triggers=list(triggers)
    )
    return f"{ADD}{row.pk}/"


def page(client, who):
    return read(client, who.user, URL).replace("&#x27;", "'")


def test_somebody_is_added_and_hears_of_every_action(client, world):
    answer = post(client, world.ala, ADD, person=world.bartek.pk)
    assert (answer.status_code, answer.url) == (302, f"{URL}#additional")
    assert listed() == [("Bartek", [])]
    html = page(client, world.ala)
    assert "<p>Every action</p>" in html
    assert '<details class="card group" open>' in html


def test_the_owner_of_the_lead_is_added(client, world):
    make_lead(world.northstar, "acme.example", owner=world.bartek)
    make_lead(world.northstar, "brightly.example")
    post(client, world.ala, ADD, person="lead_owner")
    assert listed() == [(None, [])]
    html = page(client, world.ala)
    assert "Leads with an owner: 1 of 2. Nobody is told of the others." in html


def test_who_is_listed_is_not_offered_again(client, world):
    add(world, world.bartek)
    assert post(client, world.ala, ADD, person=world.bartek.pk).status_code == 422
    assert listed() == [("Bartek", [])]


@pytest.mark.parametrize("forged", ["celina", "inactive", "unverified", "nonsense", "nobody"])
def test_who_cannot_be_a_recipient_is_not_added(client, world, forged):
    """R35."""
    inactive = make_member(world.northstar, active=False)
    unverified = make_member(world.northstar)
    unverified.user.emailaddress_set.update(verified=False)
    people = {"celina": world.celina, "inactive": inactive, "unverified": unverified}
    value = people[forged].pk if forged in people else {"nonsense": "x", "nobody": ""}[forged]
    answer = post(client, world.ala, ADD, person=value)
    assert answer.status_code == 422
    assert '<p class="error" role="alert">' in answer.content.decode()
    assert listed() == []


def test_actions_are_chosen(client, world):
    change = add(world, world.bartek)
    post(client, world.ala, change, triggers=["demo_request", "crm_signup"])
    assert listed() == [("Bartek", ["crm_signup", "demo_request"])]
    html = page(client, world.ala)
    assert "<p>Only: Requested a demo, Signed up for the CRM</p>" in html
    post(client, world.ala, change, every="on", triggers=["demo_request"])
    assert listed() == [("Bartek", [])]


@pytest.mark.parametrize("fields", [{}, {"triggers": ["product_view"]}, {"triggers": ["no_such"]}])
def test_no_action_one_that_is_off_and_an_unknown_one_are_refused(client, world, fields):
    change = add(world, world.bartek, "demo_request")
    assert post(client, world.ala, change, **fields).status_code == 422
    assert listed() == [("Bartek", ["demo_request"])]


def test_a_chosen_action_that_was_switched_off_stays(client, world):
    change = add(world, world.bartek, "demo_request")
    Trigger.objects.create(key="demo_request", enabled=False)
    assert "Requested a demo (switched off)" in page(client, world.ala)
    post(client, world.ala, change, triggers=["demo_request", "crm_signup"])
    assert listed() == [("Bartek", ["crm_signup", "demo_request"])]


def test_an_operators_own_action_can_be_chosen(client, world):
    Trigger.objects.create(key="roi", label="Used the calculator", event_name="ROI Calculated")
    change = add(world, world.bartek)
    post(client, world.ala, change, triggers=["roi"])
    assert "<p>Only: Used the calculator</p>" in page(client, world.ala)


def test_somebody_is_taken_off(client, world):
    change = add(world, world.bartek)
    assert post(client, world.ala, f"{change}remove/").status_code == 302
    assert listed() == []
    assert post(client, world.ala, f"{change}remove/").status_code == 404


def test_every_change_is_written_down_and_shown(client, world):
    """R37."""
    post(client, world.ala, ADD, person=world.bartek.pk)
    change = f"{ADD}{AdditionalRecipient.objects.get().pk}/"
    for _ in range(2):  # The same again changes nothing.
        post(client, world.ala, change, triggers=["demo_request"])
    post(client, world.ala, f"{change}remove/")
    html = page(client, world.bartek)
    who = "Bartek · bartek@northstar.example"
    assert f"Added an additional recipient: {who} (every action)" in html
    assert f"Changed what {who} hears of: every action → Requested a demo" in html
    assert f"Took {who} off the additional recipients" in html
    assert AuditEntry.objects.count() == 3
    assert set(AuditEntry.objects.values_list("actor_name", flat=True)) == {"Ala"}


def test_adding_twice_at_once_is_one(world):
    for _ in range(2):
        add_entry(world.northstar, None, actor=world.ala.user)
    assert listed() == [(None, [])]
    assert AuditEntry.objects.get().subject == "lead_owner"


def test_who_only_reads_sees_the_list_and_changes_nothing(client, world):
    """R36."""
    change = add(world, world.ala, "demo_request")
    html = page(client, world.bartek)
    assert "<p>Only: Requested a demo</p>" in html
    assert ADD not in html
    for url in (ADD, change, f"{change}remove/"):
        fields = {"person": world.bartek.pk, "every": "on"}
        assert post(client, world.bartek, url, **fields).status_code == 403
    assert listed() == [("Ala", ["demo_request"])]


def test_another_accounts_list_does_not_exist(client, world):
    """R4."""
    change = add(world, world.bartek)
    for url in (change, f"{change}remove/"):
        assert post(client, world.celina, url, every="on").status_code == 404
    assert "bartek@northstar.example" not in page(client, world.celina)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        ("inactive", '<span class="tag tag-warn">deactivated</span>'),
        ("removed", '<span class="tag tag-warn">no longer in the account</span>'),
        ("e-mail off", "E-mail is switched off for the recipient."),
        ("profile", "The topic is off by the account's profile “Quiet”."),
        ("unverified", "The address is not verified, or does not accept our e-mail."),
    ],
)
def test_what_keeps_somebody_from_being_told_is_said(client, world, spoil, words):
    """R33, R40."""
    bartek = world.bartek
    add(world, bartek)
    if spoil in ("inactive", "removed"):
        bartek.is_active = False
        bartek.removed_at = bartek.user.date_joined if spoil == "removed" else None
        bartek.save()
    elif spoil == "e-mail off":
        choose(bartek, "email", "enabled", False)
    elif spoil == "unverified":
        bartek.user.emailaddress_set.update(verified=False)
    else:
        off = {("email", "registered_lead_activity"): False}
        make_profile(world.northstar, "Quiet", bartek, cells=off)
    assert words in page(client, world.ala)


def test_the_warning_says_that_others_are_told(client, world):
    add(world, world.bartek)
    said = "Only the additional recipients are told, of the actions chosen for them."
    assert said not in page(client, world.ala)
    world.northstar.communication.recipient = None
    world.northstar.communication.save()
    html = page(client, world.ala)
    assert "No recipient chosen." in html
    assert said in html
    choose(world.bartek, "email", "enabled", False)
    assert "No recipient chosen – nothing is sent." in page(client, world.ala)


def test_what_did_not_concern_somebody_is_not_among_the_recent_ones(client, world):
    make_lead(world.northstar, "acme.example", company="ACME")
    add(world, world.bartek, "pricing_view")
    world.does()
    assert "Other actions were chosen" not in page(client, world.ala)


def test_queries_do_not_grow(client, world):
    client.force_login(world.ala.user)
    add(world, None)

    def grow():
        for _ in range(3):
            member = make_member(world.northstar)
            add(world, member, "demo_request")
            make_lead(world.northstar, f"lead-{member.pk}.example", owner=member)

    grow()
    assert_constant_queries(lambda: client.get(URL), grow)


def test_the_page_is_polish(client, world):
    world.ala.user.language = "pl"
    world.ala.user.save()
    add(world, world.bartek)
    html = page(client, world.ala)
    assert "Dodatkowi odbiorcy" in html
    assert "Każde działanie" in html
