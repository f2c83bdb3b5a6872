"""Pages call an endpoint by its name; only scripts see its key."""

from __future__ import annotations

import pytest

from notifications.decision_log import decision_lines
from notifications.delivery_log import delivery_page, reader_of, search
from notifications.drain import drain
from notifications.models import Endpoint
from partners.access import Viewer
from tests.factories import make_lead, make_member, make_webhook, switch_on
from tests.notifications.test_replay import ends
from tests.queries import assert_constant_queries
from tests.sinks import HttpSink
from tests.world import World, read

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(settings):
    settings.ALLOW_PRIVATE_WEBHOOKS = True
    world = World()
    make_lead(world.northstar, "acme.example")
    switch_on(world.northstar, world.ala)
    with HttpSink() as world.sink:
        world.hook = make_webhook(world.ala, f"{world.sink.url}/hook")
        world.activity = world.does(message_id="m-1")
        yield world


@pytest.mark.parametrize("url", ["/deliveries/", "/activity/m-1/"])
def test_its_name_and_never_its_key(client, world, url):
    for user in (world.ala.user, world.gosia.user):
        html = read(client, user, url)
        assert "Other apps: Sales hook" in html
        assert world.hook.key not in html
    world.hook.delete()
    html = read(client, world.ala.user, url)
    assert "Other apps: a removed endpoint" in html


def test_scripts_see_the_key(world):
    (line,) = decision_lines()
    keys = {d["channel"]: d["endpoint"] for d in line["deliveries"]}
    assert keys == {"email": "user", "desktop": "user", "other_apps": world.hook.key}


@pytest.mark.parametrize(
    ("state", "words"),
    [("dead", "failed: It answered that it is gone"), ("suppressed", "It was switched off")],
)
def test_why_it_did_not_go(client, world, state, words):
    row = world.activity.notifications.get().deliveries.get(channel="other_apps")
    ends(row, state, reason="suppressed_address")
    assert words in read(client, world.ala.user, "/deliveries/")


def test_the_log_is_searched_by_its_name(client, world):
    make_webhook(world.ala, f"{world.sink.url}/other", name="Other hook")
    make_webhook(world.celina, f"{world.sink.url}/celina")
    world.does()
    assert "/deliveries/?q=Sales%20hook" in read(
        client, world.ala.user, f"/settings/endpoints/{world.hook.pk}/"
    )

    def found(viewer, name):
        reader = reader_of(viewer)
        rows = delivery_page(reader, search(reader, "all", name), None).rows
        return [row.sending.channel for row in rows]

    ala = Viewer(membership=world.ala, account=world.northstar)
    assert found(ala, "sales hook") == ["Other apps: Sales hook"] * 2
    assert found(ala, "Other hook") == ["Other apps: Other hook"]
    assert found(Viewer(membership=world.celina, account=world.southwind), "Sales hook") == []


def test_names_cost_one_query(client, world):
    client.force_login(world.ala.user)

    def grow():
        for n in range(3):
            make_webhook(world.ala, f"{world.sink.url}/{n}", name=f"Hook {n}")
        world.does()

    assert_constant_queries(lambda: client.get("/deliveries/"), grow)
    assert Endpoint.objects.count() == 4


def test_a_notice_leads_to_its_page(client, world):
    world.sink.answer = lambda _request: (410, {}, b"")
    world.does()
    drain(patience_seconds=0)
    client.force_login(world.ala.user)
    html = client.get("/inbox/").content.decode()
    assert "“Sales hook” answered that it is gone for good." in html
    notice = world.ala.notifications.exclude(notice="").get()
    answer = client.post(f"/inbox/{notice.pk}/")
    assert answer.url == f"/settings/endpoints/{world.hook.pk}/"
    world.hook.delete()
    assert client.post(f"/inbox/{notice.pk}/").url == "/settings/endpoints/"
    # What it was called is what the notice is about.
    assert "“Sales hook”" in client.get("/inbox/").content.decode()


def test_where_nothing_was_sent_yet_is_no_failed_search(client, world):
    hook = make_webhook(world.bartek, "https://crm.example/hooks/", name="New hook")
    url = f"/deliveries/?q={hook.name}"
    for reader in (world.bartek, world.ala):
        assert "Nothing here for “New hook”" in read(client, reader.user, url)
    colleague = make_member(world.northstar)
    for reader in (colleague, world.celina):
        assert "Nothing found" in read(client, reader.user, url)
