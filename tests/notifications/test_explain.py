"""One activity explained: the command and the page."""

import io
from urllib.parse import quote

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from notifications.explain.chain import EVENT, PEOPLE, PERSON, SUBJECT, TRIGGER
from notifications.explain.story import load_chains
from notifications.models import Trigger
from notifications.reasons import SENTENCES, Reason
from partners.models import Identity, RejectedEvent
from tests.factories import (
    choose,
    make_activity,
    make_client,
    make_company,
    make_contact,
    make_deal,
    make_lead,
    make_source,
    switch_on,
)
from tests.queries import assert_constant_queries
from tests.world import World, read

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    return World()


@pytest.fixture
def lead(world):
    switch_on(world.northstar, world.ala)
    return make_lead(world.northstar, "acme.example", company="ACME")


def explain(message_id):
    out = io.StringIO()
    call_command("explain", message_id, stdout=out)
    return out.getvalue()


def deciding(chain):
    return [step.key for step in chain.steps if step.decides]


# --- The chain --------------------------------------------------------------------------------


def test_a_told_recipient(world, lead):
    world.does(message_id="m-1")
    (chain,) = load_chains("m-1", None)
    assert chain.headline == "anna@acme.example requested a demo"
    assert deciding(chain) == [PEOPLE]
    assert all(step.reached for step in chain.steps)
    (ala,) = chain.candidates
    assert (ala.who, ala.told, ala.subject) == ("Ala", True, "ACME")
    assert {s.channel for s in ala.sendings} == {"E-mail", "Desktop"}
    assert all(len(s.tries) == 1 for s in ala.sendings)
    assert chain.answer == "Told: Ala."
    assert not any(step.kinds for step in chain.steps)


@pytest.mark.parametrize(
    ("spoil", "step"),
    [
        (lambda w: w.does(message_id="m-1", event="Read The Blog"), TRIGGER),
        (
            lambda w: (
                Trigger.objects.create(key="demo_request", enabled=False),
                w.does(message_id="m-1"),
            ),
            TRIGGER,
        ),
        (lambda w: w.does("who@nobody.example", message_id="m-1"), SUBJECT),
        (lambda w: w.does("bartek@northstar.example", message_id="m-1"), PERSON),
        (
            lambda w: (choose(w.ala, "email", "enabled", False), w.does(message_id="m-1")),
            PEOPLE,
        ),
        (
            lambda w: w.does(message_id="m-1", occurred_at=w.source.created_at.replace(year=2020)),
            EVENT,
        ),
    ],
)
def test_the_deciding_rule_is_marked(world, lead, spoil, step):
    spoil(world)
    (chain,) = load_chains("m-1", None)
    assert deciding(chain) == [step]


def test_a_rule_says_for_which_kind_it_decided(world):
    """Nobody's lead, but a deal: both links are marked, each with its kind."""
    company = make_company("acme.example", owner=world.gosia.user)
    make_deal(company, shares=(world.northstar,), owner=world.bartek)
    choose(world.bartek, "email", "co_selling_prospect_activity", True)
    world.does(message_id="m-1", event="CRM Signed Up")
    (chain,) = load_chains("m-1", None)
    assert deciding(chain) == [SUBJECT, PEOPLE]
    (finding,) = next(step.findings for step in chain.steps if step.key == SUBJECT)
    assert finding.startswith("Lead activity: This person is nobody")
    assert [s.kinds for s in chain.steps if s.decides] == ["Lead activity", "Deal sign-up"]


def test_what_waits_is_said_to_wait(world, lead):
    make_activity(world.source, make_contact(), message_id="m-1")
    (chain,) = load_chains("m-1", None)
    assert "not been looked at" in chain.answer
    assert deciding(chain) == []


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"payload": {"properties": {"email": "anna@acme.example"}}}, "The event carries"),
        ({"user_id": "u-1"}, "The user id was identified"),
        ({"anonymous_id": "v-1"}, "The visitor was identified"),
        ({"user_id": "anna@acme.example"}, "The user id is this person"),
        ({}, "Known when the event arrived"),
    ],
)
def test_how_the_person_is_known(world, fields, sentence):
    contact = make_contact("anna@acme.example")
    Identity.objects.create(kind="user", value="u-1", contact=contact)
    Identity.objects.create(kind="anonymous", value="v-1", contact=contact)
    world.does(contact=contact, message_id="m-1", **fields)
    (chain,) = load_chains("m-1", None)
    person = next(step for step in chain.steps if step.key == PERSON)
    assert any(sentence in fact.text for fact in person.facts)


# --- The command ----------------------------------------------------------------------------------


def test_the_command_tells_the_whole_story(world, lead):
    world.does(message_id="m/1 ż")
    story = explain("m/1 ż")
    for words in (
        "anna@acme.example requested a demo",
        "1. What happened",
        "Requested a demo",
        "Northstar Agency: ACME (acme.example)",
        "✓ Ala <ala@northstar.example>, Northstar Agency, Lead activity: told",
        "E-mail: sent",
        "try 1",
        "Outcome: 1 person told",
    ):
        assert words in story, words


def test_an_unknown_id_says_so():
    with pytest.raises(CommandError, match="never arrived") as error:
        explain("nope")
    assert error.value.returncode == 1


def test_a_refused_event_says_why(world):
    RejectedEvent.objects.create(
        source=world.source,
        received_at=world.source.created_at,
        index=0,
        message_id="bad-1",
        code="bad_number",
        message="NaN is no number.",
    )
    out = io.StringIO()
    with pytest.raises(CommandError, match="refused"):
        call_command("explain", "bad-1", stdout=out)
    assert "bad_number. NaN is no number." in out.getvalue()


def test_control_characters_do_not_reach_the_terminal(world):
    contact = make_contact("anna@acme.example", name="Anna\x1b[31m\nTold: Bartek")
    world.does(contact=contact, message_id="m-1")
    assert "\x1b" not in explain("m-1")


# --- The page ------------------------------------------------------------------------------


@pytest.mark.parametrize("message_id", ["m-1", "a/b//c", "żółć 100%?#&x", "x/", "/x", "a~b@c"])
def test_every_message_id_has_a_page(client, world, lead, message_id):
    world.does(message_id=message_id)
    url = reverse("notifications:explain", args=[message_id])
    assert "requested a demo" in read(client, world.ala.user, url)
    assert "requested a demo" in read(client, world.ala.user, f"/activity/{quote(message_id)}/")


def test_the_recipient_learns_why(client, world, lead):
    world.does(message_id="m-1")
    page = read(client, world.ala.user, "/activity/m-1/?account=northstar")
    assert "You are told because you are the chosen recipient for: ACME." in page
    page = read(client, world.bartek.user, "/activity/m-1/")
    assert "You are not told about this; told in your account: Ala." in page


def test_nobody_of_another_account_can_read_it(client, world, lead):
    world.does(message_id="m-1")
    read(client, world.celina.user, "/activity/m-1/", 404)
    read(client, world.obcy, "/activity/m-1/", 404)
    read(client, world.ala.user, "/activity/none/", 404)
    read(client, world.gosia.user, "/activity/m-1/")


def test_a_partners_view_never_reveals_others(client, world):
    """Two partners have the person as a client: each reads its own part only."""
    for account, recipient in ((world.northstar, world.ala), (world.southwind, world.celina)):
        make_client(account, "acme.example")
        switch_on(account, recipient)
    world.does(message_id="m-1")
    page = read(client, world.ala.user, "/activity/m-1/")
    assert "Ala" in page
    for secret in ("Southwind", "Celina", "celina@", "Website"):
        assert secret not in page, secret
    page = read(client, world.celina.user, "/activity/m-1/")
    assert "Northstar" not in page
    page = read(client, world.gosia.user, "/activity/m-1/")
    assert "Northstar Agency" in page
    assert "Southwind Partners" in page
    timeline = read(client, world.ala.user, "/activity/")
    assert "1 person told" in timeline


def test_what_speaks_against_the_event_is_said_to_everybody_who_sees_it(client, world, lead):
    """A decision without an account; it says nothing of others."""
    agent = {"context": {"userAgent": "Googlebot/2.1"}, "properties": {"path": "/pricing"}}
    world.does(message_id="m-1", type="page", event="Pricing", payload=agent)
    for reader in (world.gosia, world.ala):
        assert str(SENTENCES[Reason.BOT]) in read(client, reader.user, "/activity/m-1/")
    assert str(SENTENCES[Reason.BOT]) in read(client, world.ala.user, "/activity/")


def test_the_companys_owner_is_the_vendors_business(client, world, lead):
    company = make_company("acme.example", owner=world.gosia.user)
    other = make_company("secret.example")
    world.does(contact=make_contact("anna@acme.example", company, other), message_id="m-1")
    page = read(client, world.ala.user, "/activity/m-1/")
    assert "Gosia" not in page
    assert "SECRET" not in page
    page = read(client, world.gosia.user, "/activity/m-1/")
    assert "owned by Gosia, growth specialist of Northwind" in page


def test_a_sign_up_is_explained_to_the_team(client, world):
    company = make_company("acme.example", owner=world.gosia.user)
    deal = make_deal(
        company,
        name="ACME CRM",
        shares=(world.northstar, world.southwind),
        owner=world.bartek,
        team=(world.celina,),
    )
    for person in (world.bartek, world.celina, world.ala):
        choose(person, "email", "co_selling_prospect_activity", True)
    world.does(message_id="m-1", event="CRM Signed Up")
    page = read(client, world.bartek.user, "/activity/m-1/")
    assert "on the team of: ACME CRM." in page
    assert f"/deals/{deal.pk}/" in page
    assert "not the deal&#x27;s owner or on its team" in read(
        client, world.ala.user, "/activity/m-1/"
    )
    read(client, world.celina.user, "/activity/m-1/", 404)


def test_a_deal_that_is_not_shared_is_not_named(client, world, lead):
    """R45: also when one of the account's people stands on its team."""
    company = make_company("acme.example", owner=world.gosia.user)
    make_deal(company, name="Secret CRM", shares=(world.southwind,), team=(world.ala,))
    world.does(message_id="m-1", event="CRM Signed Up")
    page = read(client, world.ala.user, "/activity/m-1/")
    assert "You are told because you are the chosen recipient for: ACME." in page
    assert "Secret CRM" not in page
    assert "not shared" not in page + read(client, world.ala.user, "/activity/")
    assert "Secret CRM" in read(client, world.gosia.user, "/activity/m-1/")


def test_several_sources_may_share_an_id(client, world, lead):
    """Each reader gets those that he may see."""
    second, _key = make_source("Shop")
    world.does(message_id="m-1")
    make_activity(second, make_contact("jan@lumen.example"), message_id="m-1")
    page = read(client, world.gosia.user, "/activity/m-1/")
    assert "anna@acme.example" in page
    assert "jan@lumen.example" in page
    page = read(client, world.ala.user, "/activity/m-1/")
    assert "jan@lumen.example" not in page


def test_the_vendor_reads_why_an_event_was_refused(client, world, lead):
    RejectedEvent.objects.create(
        source=world.source,
        received_at=world.source.created_at,
        index=0,
        message_id="m-1",
        code="repeated_message_id",
        message="Used before.",
        excerpt="<script>alert(1)</script>",
    )
    page = read(client, world.gosia.user, "/activity/m-1/")
    assert "repeated_message_id" in page
    assert "<script>alert" not in page
    read(client, world.ala.user, "/activity/m-1/", 404)


def test_the_page_makes_constant_queries(client, world):
    company = make_company("acme.example", owner=world.gosia.user)
    deal = make_deal(company, shares=(world.northstar,), owner=world.bartek, team=(world.ala,))
    for person in (world.bartek, world.ala):
        choose(person, "email", "co_selling_prospect_activity", True)
    world.does(message_id="m-1", event="CRM Signed Up")
    from tests.factories import make_member

    def grow():
        for _row in range(3):
            member = make_member(world.northstar)
            choose(member, "email", "co_selling_prospect_activity", True)
            deal.members.create(membership=member, added_at=None)
        world.does("jan@acme.example", message_id="m-2", event="CRM Signed Up")

    client.force_login(world.gosia.user)
    urls = iter(["/activity/m-1/", "/activity/m-1/", "/activity/m-2/"])
    assert_constant_queries(lambda: client.get(next(urls)), grow)
