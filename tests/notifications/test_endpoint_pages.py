"""Settings → Apps and devices, and the list on the tab "Other apps"."""

from __future__ import annotations

import re
import time
from datetime import timedelta

import pytest
from django.utils import timezone
from standardwebhooks import Webhook

from accounts.models import AuditEntry
from accounts.words import AUDIT_AREAS, audit_action
from notifications.channels.webhook import SECRET_PREFIX
from notifications.endpoints.services import MOST
from notifications.models import Delivery, Endpoint, EndpointHealth, Preference
from tests.factories import choose, make_webhook
from tests.queries import assert_constant_queries
from tests.sinks import HttpSink
from tests.world import World, read

pytestmark = pytest.mark.django_db
LIST = "/settings/endpoints/"
ADD = "/settings/endpoints/add-webhook/"
TAB = "/settings/notifications/other-apps/"
URL = "https://hooks.example.com/secret-path"


@pytest.fixture
def world():
    return World()


@pytest.fixture
def hook(world):
    return make_webhook(world.ala, URL)


@pytest.fixture
def sent_to(world, sink):
    return make_webhook(world.ala, f"{sink.url}/hook")


def page(endpoint: Endpoint, *, part: str = "") -> str:
    return f"{LIST}{endpoint.pk}/{part}"


def post(client, user, url, **data):
    client.force_login(user)
    return client.post(url, data, follow=True)


def says(answer) -> str:
    return " ".join(str(message) for message in answer.context["messages"])


def log() -> list[tuple[str, str, str, str]]:
    entries = AuditEntry.objects.filter(action__startswith="endpoints.").order_by("pk")
    return list(entries.values_list("action", "subject", "old", "new"))


# --- The list --------------------------------------------------------------------------------


@pytest.mark.parametrize("url", [LIST, TAB])
def test_the_list_says_what_can_be_connected(client, world, url):
    html = read(client, world.ala.user, url)
    assert "Hands each notification to another program" in html
    for kind in ("slack", "teams", "webhook"):
        assert f"{LIST}add-{kind}/" in html


@pytest.mark.parametrize("url", [LIST, TAB])
def test_the_list_shows_the_host_and_never_the_path(client, world, hook, url):
    html = read(client, world.ala.user, url)
    assert "Sales hook" in html and "hooks.example.com" in html
    assert "secret-path" not in html
    assert "Nothing sent yet" in html
    assert page(hook) in html
    assert "Sales hook" not in read(client, world.bartek.user, url)


def test_the_pages_link_to_each_other(client, world, hook):
    assert TAB in read(client, world.ala.user, LIST)
    assert LIST in read(client, world.ala.user, TAB)  # In the sidebar.
    html = read(client, world.ala.user, page(hook))
    assert TAB in html and LIST in html


def test_the_vendors_people_have_nothing_to_send_there(client, world):
    assert "Nothing to send there" in read(client, world.gosia.user, LIST)
    assert "Your apps" not in read(client, world.gosia.user, TAB)


def test_it_says_why_nothing_is_sent(client, world, hook):
    assert "Nothing is sent" not in read(client, world.ala.user, LIST)
    Preference.objects.filter(key="enabled").delete()
    for url in (LIST, page(hook)):
        assert "“Other apps” is switched off" in read(client, world.ala.user, url)
    choose(world.ala, "other_apps", "enabled", True)
    Preference.objects.exclude(key="enabled").delete()
    for url in (LIST, page(hook)):
        assert "No topic is ticked for “Other apps”" in read(client, world.ala.user, url)


def test_the_list_costs_the_same_for_one_and_for_many(client, world, hook):
    client.force_login(world.ala.user)
    assert_constant_queries(
        lambda: client.get(LIST), lambda: [make_webhook(world.ala, f"{URL}{n}") for n in range(5)]
    )


MINUTES = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("known", "state"),
    [
        ({}, "Nothing sent yet"),
        ({"sent_at": 1}, "Works"),
        ({"sent_at": 1, "last_error_at": 2, "last_error": "500 oops"}, "Works"),
        ({"sent_at": 2, "last_error_at": 1, "last_error": "500 oops"}, "did not arrive"),
        ({"wait_until": -30, "last_error_at": 1, "last_error": "503"}, "Left alone until"),
    ],
)
def test_its_state_in_words(client, world, hook, known, state):
    """Numbers: so many minutes ago."""
    now = timezone.now()
    times = {k: now - v * MINUTES if isinstance(v, int) else v for k, v in known.items()}
    EndpointHealth.objects.create(channel=hook.channel, endpoint_key=hook.key, **times)
    html = read(client, world.ala.user, LIST)
    assert state in html
    assert ("problem of its own" in html) == (state not in ("Works", "Nothing sent yet"))


@pytest.mark.parametrize(
    ("why", "words"),
    [
        ("owner", "Switched off by you"),
        ("operator", "Switched off by an operator"),
        ("gone", "it answered that it is gone for good"),
        ("silent", "nothing could be delivered for five days"),
    ],
)
def test_why_it_is_off(client, world, hook, why, words):
    Endpoint.objects.update(disabled_at=timezone.now(), disabled_because=why)
    assert words in read(client, world.ala.user, LIST)
    assert words in read(client, world.ala.user, page(hook))


# --- Adding and changing -----------------------------------------------------------------------


def test_adding_shows_the_secret_once(client, world):
    answer = post(client, world.ala.user, ADD, name="CRM", address=URL, never_twice="on")
    endpoint = Endpoint.objects.get()
    assert answer.redirect_chain == [(page(endpoint), 302)]
    assert (endpoint.membership, endpoint.name, endpoint.address) == (world.ala, "CRM", URL)
    assert endpoint.never_twice
    assert endpoint.secrets["signing"] in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]
    assert SECRET_PREFIX not in read(client, world.ala.user, page(endpoint))
    assert log() == [("endpoints.added", "CRM", "", "hooks.example.com")]


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("http://hooks.example.com/", "starts with https://"),
        ("https://127.0.0.1/", "not reachable from outside"),
        ("https://me:word@hooks.example.com/", "Leave user and password out"),
        ("nonsense", "starts with https://"),
        ("", "This field is required"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused_at_its_field(client, world, address, why):
    answer = post(client, world.ala.user, ADD, name="CRM of sales", address=address)
    assert answer.status_code == 422
    html = answer.content.decode()
    assert re.search(rf'id="id_address_error"[^>]*>[^<]*{why}', html)
    assert 'value="CRM of sales"' in html
    assert not Endpoint.objects.exists()


def test_the_same_address_again_is_refused(client, world, hook):
    answer = post(client, world.ala.user, ADD, name="Again", address=URL)
    assert answer.status_code == 422
    assert "You have this address already: “Sales hook”" in answer.content.decode()
    post(client, world.bartek.user, ADD, name="Mine", address=URL)
    assert Endpoint.objects.filter(membership=world.bartek).exists()


def test_there_is_a_limit(client, world):
    for n in range(MOST):
        make_webhook(world.ala, f"{URL}{n}")
    assert "that is the limit" in read(client, world.ala.user, ADD)
    assert ADD not in read(client, world.ala.user, LIST)
    answer = post(client, world.ala.user, ADD, name="One more", address=URL)
    assert answer.status_code == 422
    assert "You have 10 apps here, and that is the limit." in answer.content.decode()
    assert Endpoint.objects.count() == MOST


def test_what_is_changed_is_written_down_without_the_path(client, world, hook):
    secrets = hook.secrets
    EndpointHealth.objects.create(channel=hook.channel, endpoint_key=hook.key, openings=3)
    url = "https://new.example.com/other-secret"
    answer = post(client, world.ala.user, page(hook), name="CRM", address=url, never_twice="on")
    assert says(answer) == "“CRM” is saved."
    hook.refresh_from_db()
    assert (hook.name, hook.address, hook.never_twice) == ("CRM", url, True)
    assert hook.secrets == secrets
    assert EndpointHealth.objects.get().openings == 0
    assert log() == [
        ("endpoints.never_twice", "Sales hook", "off", "on"),
        ("endpoints.name", "Sales hook", "Sales hook", "CRM"),
        ("endpoints.address", "CRM", "hooks.example.com", "new.example.com"),
    ]


def test_a_refused_change_keeps_the_other_fields(client, world, hook):
    answer = post(client, world.ala.user, page(hook), name="CRM", address="https://10.0.0.1/")
    assert answer.status_code == 422
    html = answer.content.decode()
    assert 'value="CRM"' in html and "<h1>Sales hook</h1>" in html
    hook.refresh_from_db()
    assert (hook.name, hook.address) == ("Sales hook", URL)


def test_a_name_is_one_line(client, world, hook):
    answer = post(client, world.ala.user, ADD, name="a\u202eb", address="https://b.example.com/")
    assert answer.status_code == 422


# --- Secrets ----------------------------------------------------------------------------------


def test_the_secret_is_shown_when_its_owner_asks(client, world, hook):
    answer = post(client, world.ala.user, page(hook, part="secret/"))
    assert hook.secrets["signing"] in answer.content.decode()
    assert hook.secrets["signing"] not in read(client, world.ala.user, page(hook))


def test_a_new_secret_is_shown_and_the_former_one_named(client, world, hook):
    old = hook.secrets["signing"]
    answer = post(client, world.ala.user, page(hook, part="secret/new/"))
    hook.refresh_from_db()
    assert hook.secrets["signing"] != old == hook.secrets["former"]
    html = answer.content.decode()
    assert hook.secrets["signing"] in html and old not in html
    assert "the former secret signs as well" in html
    again = post(client, world.ala.user, page(hook, part="secret/new/"))
    assert "There is a new secret already" in says(again)
    assert log() == [("endpoints.new_secret", "Sales hook", "", "hooks.example.com")]


# --- Test -------------------------------------------------------------------------------------


def test_a_test_is_a_real_signed_message_beside_the_deliveries(client, world, sink, sent_to):
    answer = post(client, world.ala.user, page(sent_to, part="test/"))
    assert says(answer) == f"The test arrived: 127.0.0.1:{sink.port} answered 200."
    (request,) = sink.requests
    body = Webhook(sent_to.secrets["signing"]).verify(request.body, dict(request.headers))
    assert body["type"] == "test"
    assert body["data"]["account"] == "northstar"
    assert not Delivery.objects.exists()
    assert not EndpointHealth.objects.exists()


def refuse(status):
    return lambda _request: (status, {}, b"no")


def hang_up(_request):
    raise HttpSink.Hangup


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (refuse(500), "It has a problem of its own (500)."),
        (refuse(404), "It knows nothing at this address (404)."),
        (refuse(401), "It does not let us in (401)."),
        (refuse(400), "It refused the message (400)."),
        (refuse(410), "It is gone for good (410)."),
        (refuse(429), "It asked for a pause (429)."),
        (refuse(302), "It points to another address, and that is not followed (302)."),
        (hang_up, "The connection broke before it answered; the message may have arrived."),
    ],
)
def test_a_failed_test_says_why_and_harms_nothing(client, world, sink, sent_to, answer, words):
    sink.answer = answer
    said = says(post(client, world.ala.user, page(sent_to, part="test/")))
    assert said == f"The test did not arrive. {words}"
    assert not EndpointHealth.objects.exists()
    assert not Endpoint.objects.exclude(disabled_at=None).exists()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://nobody.invalid/", "There is no such host."),
        ("http://127.0.0.1:9/", "It could not be reached."),
    ],
)
def test_a_test_of_what_is_not_there(client, world, settings, url, words):
    settings.ALLOW_PRIVATE_WEBHOOKS = True
    endpoint = make_webhook(world.ala, url)
    assert words in says(post(client, world.ala.user, page(endpoint, part="test/")))


def test_a_test_of_what_speaks_no_https(client, world, sink):
    endpoint = make_webhook(world.ala, f"https://127.0.0.1:{sink.port}/")
    answer = post(client, world.ala.user, page(endpoint, part="test/"))
    assert "It does not speak https." in says(answer)


def test_a_test_does_not_reach_into_a_private_network(client, world):
    with HttpSink() as sink:
        endpoint = make_webhook(world.ala, sink.url)
        answer = post(client, world.ala.user, page(endpoint, part="test/"))
        assert "Its name leads into a private network" in says(answer)
        assert sink.requests == []


def test_a_test_of_what_never_answers_ends(client, world, sink, sent_to, settings):
    settings.HTTP_DEADLINE = timedelta(seconds=0.3)
    sink.answer = lambda _request: time.sleep(1) or (200, {}, b"")
    answer = post(client, world.ala.user, page(sent_to, part="test/"))
    assert "It did not answer in time; the message may have arrived." in says(answer)


def test_tests_are_limited(client, world, sink, sent_to, settings):
    settings.TEST_MESSAGES_PER_HOUR = 2
    for _n in range(3):
        answer = post(client, world.ala.user, page(sent_to, part="test/"))
    assert "enough tests for now" in says(answer)
    assert len(sink.requests) == 2
    assert len(log()) == 2


# --- Off, on, removed --------------------------------------------------------------------------


def test_off_and_on_are_written_down_once(client, world, hook):
    for part in ("off/", "off/", "on/", "on/"):
        post(client, world.ala.user, page(hook, part=part))
    assert [action for action, *_more in log()] == [
        "endpoints.switched_off",
        "endpoints.switched_on",
    ]


def test_what_an_operator_switched_off_stays_off(client, world, hook):
    Endpoint.objects.update(disabled_at=timezone.now(), disabled_because="operator")
    assert "An operator" in says(post(client, world.ala.user, page(hook, part="on/")))
    assert "/on/" not in read(client, world.ala.user, page(hook))
    assert Endpoint.objects.filter(disabled_at=None).count() == 0


def test_removing_asks_first(client, world, hook):
    url = page(hook, part="remove/")
    html = read(client, world.ala.user, url)
    assert "Remove “Sales hook”?" in html and "Its secret is deleted." in html
    assert Endpoint.objects.exists()
    answer = post(client, world.ala.user, url)
    assert answer.redirect_chain == [(LIST, 302)]
    assert not Endpoint.objects.exists()
    assert log() == [("endpoints.removed", "Sales hook", "hooks.example.com", "")]


def test_every_change_has_words():
    """Actions are put together in services.py, so the test of literal ones does not see them."""
    actions = (
        *("added", "name", "address", "never_twice", "teaser", "topic"),
        *("switched_on", "switched_off"),
        *("new_secret", "removed", "test"),
    )
    for action in actions:
        assert audit_action(f"endpoints.{action}") != f"endpoints.{action}"
    assert "endpoints." in AUDIT_AREAS
