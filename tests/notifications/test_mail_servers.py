"""Several mail servers: who gets an e-mail when one is down, and that nobody gets it twice."""

from __future__ import annotations

import time
from contextlib import ExitStack
from datetime import timedelta

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone
from environ import Env

from notifications import breaker
from notifications.breaker import Health
from notifications.channels.base import DeliveryError, Failure
from notifications.delivery.health import take_probe
from notifications.delivery.routes import mail_at_once
from notifications.delivery.send import deliver_due
from notifications.evaluation import evaluate_due
from notifications.gauges import Gauges
from notifications.invariants import broken
from notifications.models import Attempt, Delivery, EndpointHealth, Suppression
from notifications.services import _test_message
from partnernotify.environment import connection_options
from partnernotify.mail_servers import MailServer, stand_ins
from tests.servers import free_port
from tests.sinks import HungServer, SmtpSink

PAST = timezone.now() - timedelta(minutes=1)
BACKEND = "notifications.channels.smtp.DeadlineEmailBackend"
database = pytest.mark.django_db(transaction=True)


class Servers:
    """Two mail servers; `first` may be somebody else's port."""

    def __init__(self, settings, second: SmtpSink) -> None:
        self.settings, self.second = settings, second
        settings.EMAIL_BACKEND, settings.EMAIL_HOST = BACKEND, "127.0.0.1"
        settings.EMAIL_DEADLINE = timedelta(seconds=1)
        self.first_is(free_port())
        self.second_is(second.port)

    def first_is(self, port: int) -> None:
        self.settings.EMAIL_PORT = port
        self.first_name = f"127.0.0.1:{port}"

    def second_is(self, port: int) -> None:
        options = {"backend": BACKEND, "host": "127.0.0.1", "port": port}
        self.settings.EMAIL_STAND_INS = [options]
        self.second_name = f"127.0.0.1:{port}"


@pytest.fixture
def servers(settings):
    with SmtpSink() as second:
        yield Servers(settings, second)


@pytest.fixture
def first(servers):
    with SmtpSink() as sink:
        servers.first_is(sink.port)
        yield sink


def happens(northstar) -> Delivery:
    northstar.happens()
    evaluate_due()
    return Delivery.objects.filter(channel="email").latest("pk")


def send() -> Delivery:
    Delivery.objects.filter(state="pending").update(not_before=PAST)
    deliver_due("email")
    return Delivery.objects.filter(channel="email").latest("pk")


def health(name: str) -> EndpointHealth:
    return EndpointHealth.objects.get(channel="email", endpoint_key=name)


# --- The rule ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("failure", "options", "goes"),
    [
        (Failure.NOT_SENT, {}, True),
        (Failure.REFUSED, {"endpoint_down": True}, True),
        (Failure.UNKNOWN, {}, False),
        (Failure.REFUSED, {}, False),
        (Failure.REFUSED, {"permanent": True}, False),
        (Failure.NOT_SENT, {"permanent": True}, False),
    ],
)
def test_what_goes_elsewhere_at_once(failure, options, goes):
    assert DeliveryError(failure, "", **options).may_go_elsewhere is goes


NOW = timezone.now()
PAUSE_OVER = Health(openings=2, wait_until=NOW - timedelta(seconds=1))


def test_one_probes_and_the_others_wait():
    lasts = timedelta(seconds=15)
    probed = breaker.begin_probe(PAUSE_OVER, NOW, lasts)
    assert probed and probed.waits_at(NOW + timedelta(seconds=14))
    assert breaker.begin_probe(probed, NOW, lasts) is None
    assert breaker.begin_probe(probed, NOW + lasts, lasts)  # Who probed has died.
    failed = breaker.after_failed_probe(probed, NOW)
    assert (failed.openings, failed.wait_until) == (3, NOW + 4 * breaker.FIRST_PAUSE)


# --- Real servers -----------------------------------------------------------------------------


@database
def test_the_second_takes_it_in_the_same_try(northstar, servers):
    sent = happens(northstar)
    send()
    sent.refresh_from_db()
    assert (sent.state, sent.starts) == ("delivered", 1)
    (mail,) = servers.second.received
    attempt = sent.attempts.get()
    assert attempt.outcome == "ok"
    assert attempt.detail.startswith(f"{mail.message_id} by {servers.second_name}; ")
    assert f"{servers.first_name}: ConnectionRefusedError" in attempt.detail
    assert health("user").failures == 1
    assert not EndpointHealth.objects.filter(endpoint_key=servers.second_name).exists()
    assert sum(broken().values()) == 0


@database
def test_the_first_is_used_while_it_answers(northstar, servers, first):
    happens(northstar)
    assert send().attempts.get().detail.endswith(f" by {servers.first_name}")
    assert (len(first.received), len(servers.second.received)) == (1, 0)
    assert not EndpointHealth.objects.exists()


@database
@pytest.mark.parametrize("how", ["421", "hangs", "refuses the sender"])
def test_a_first_one_that_refuses_everything_or_hangs(northstar, servers, how):
    happens(northstar)
    with ExitStack() as stack:
        if how == "hangs":
            servers.first_is(stack.enter_context(HungServer()).port)
        else:
            sink = stack.enter_context(SmtpSink())
            servers.first_is(sink.port)
            if how == "421":
                sink.refuse = lambda _address: "421 4.3.2 shutting down"
            else:

                async def refuse(*_arguments):
                    return "550 5.7.1 not you"

                sink.handle_MAIL = refuse
        assert send().state == "delivered"
    assert len(servers.second.received) == 1


@database
@pytest.mark.parametrize(
    ("answer", "state"), [("554 5.7.1 spam", "dead"), ("450 later", "pending")]
)
def test_a_refusal_of_one_message_goes_nowhere_else(northstar, servers, first, answer, state):
    happens(northstar)
    first.answer = lambda _message: answer
    assert send().state == state
    assert not servers.second.received


@database
def test_an_unknown_mailbox_goes_nowhere_else(northstar, servers, first):
    happens(northstar)
    first.refuse = lambda _address: "550 5.1.1 no such user"
    row = send()
    assert (row.state, row.reason) == ("dead", "suppressed_address")
    assert not servers.second.received


@database
def test_what_stands_in_may_refuse_for_itself(northstar, servers):
    """A relay that does not know us yet says what a mailbox that does not exist would."""
    happens(northstar)
    servers.second.refuse = lambda _address: "550 relay not permitted"
    assert send().state == "pending"
    assert not Suppression.objects.exists()
    servers.second.refuse = lambda _address: None
    assert send().state == "delivered"


@database
@pytest.mark.parametrize("answer", [(504, {}, b""), (500, {}, b""), (200, {}, b"no JSON")])
def test_a_service_that_may_have_it_is_left_with_it(northstar, servers, settings, sink, answer):
    settings.EMAIL_BACKEND = "anymail.backends.postmark.EmailBackend"
    settings.ANYMAIL = {"POSTMARK_SERVER_TOKEN": "token", "POSTMARK_API_URL": sink.url}
    sink.answer = lambda _request: answer
    happens(northstar)
    row = send()
    assert (row.state, row.attempts.get().outcome) == ("pending", "unknown")
    assert not servers.second.received


@database
def test_what_may_have_arrived_is_not_given_to_another_in_the_same_try(northstar, servers, first):
    """RFC 1047: the copy goes with the next try, with the same Message-ID."""
    happens(northstar)

    def take_and_be_late(message):
        first.take(message)
        time.sleep(1.5)
        return "451 too late"

    first.answer = take_and_be_late
    row = send()
    assert (row.state, row.attempts.get().outcome) == ("pending", "unknown")
    assert not servers.second.received
    servers.first_is(free_port())
    assert send().state == "delivered"
    assert servers.second.received[0].message_id == first.received[0].message_id


@database
def test_both_down_it_is_tried_again_and_not_lost(northstar, servers):
    happens(northstar)
    second = servers.second.port
    servers.second_is(free_port())
    row = send()
    assert (row.state, row.starts, row.attempts.get().outcome) == ("pending", 1, "not_sent")
    assert servers.first_name in row.detail and servers.second_name in row.detail
    assert row.not_before > timezone.now()
    servers.second_is(second)
    assert send().state == "delivered"
    assert list(Attempt.objects.filter(delivery=row).values_list("n", "outcome")) == [
        (1, "not_sent"),
        (2, "ok"),
    ]


def leave_alone(name: str, *, seconds: int) -> None:
    until = timezone.now() + timedelta(seconds=seconds)
    EndpointHealth.objects.update_or_create(
        channel="email", endpoint_key=name, defaults={"openings": 1, "wait_until": until}
    )


@database
def test_the_breaker_passes_over_the_first_without_asking_it(northstar, servers, first):
    happens(northstar)
    leave_alone("user", seconds=30)
    assert send().state == "delivered"
    assert (len(first.received), len(servers.second.received)) == (0, 1)


@database
def test_one_that_is_back_is_used_again(northstar, servers, first):
    happens(northstar)
    leave_alone("user", seconds=-1)
    send()
    assert len(first.received) == 1 and health("user").openings == 0
    happens(northstar)
    send()
    assert (len(first.received), len(servers.second.received)) == (2, 0)


@database
def test_while_somebody_probes_the_first_the_second_is_used(northstar, servers, first):
    happens(northstar)
    leave_alone("user", seconds=-1)
    assert take_probe(("email", "user"))
    assert not take_probe(("email", "user"))
    assert send().state == "delivered"
    assert (len(first.received), len(servers.second.received)) == (0, 1)


@database
def test_a_failed_probe_lengthens_the_pause_and_the_second_takes_it(northstar, servers):
    happens(northstar)
    leave_alone("user", seconds=-1)
    assert send().state == "delivered"
    first = health("user")
    assert first.openings == 2
    assert first.wait_until > timezone.now() + timedelta(seconds=55)


@database
def test_with_all_left_alone_waiting_costs_no_try(northstar, servers):
    happens(northstar)
    leave_alone("user", seconds=60)
    leave_alone(servers.second_name, seconds=30)
    row = send()
    assert (row.state, row.starts) == ("pending", 0)
    assert row.not_before == health(servers.second_name).wait_until


@database
def test_a_gauge_says_who_is_left_alone(northstar, servers):
    leave_alone("user", seconds=60)
    (gauge,) = [m for m in Gauges().collect() if m.name == "partnernotify_mail_server_left_alone"]
    found = {sample.labels["server"]: sample.value for sample in gauge.samples}
    assert found == {servers.first_name: 1, servers.second_name: 0}


# --- Beside deliveries --------------------------------------------------------------------------


@database
def test_a_test_e_mail_and_a_password_reset_go_by_the_second(northstar, servers, client):
    mail_at_once(_test_message(northstar.ala), "ala@northstar.example")
    client.post("/accounts/password/reset/", {"email": "ala@northstar.example"})
    assert [mail.to for mail in servers.second.received] == ["ala@northstar.example"] * 2


# --- What an operator writes ----------------------------------------------------------------------


def test_a_further_server_takes_nothing_from_the_first(settings):
    """The password of EMAIL_URL is for its server only."""
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "me", "secret"
    settings.EMAIL_USE_TLS = True
    url = Env.email_url_config("smtp://two.example:2525")
    server = MailServer(options=connection_options(url))
    connection = server.connect()
    assert (connection.username, connection.password, connection.use_tls) == ("", "", False)
    assert server.name == "two.example:2525"


def test_two_accounts_at_one_service_are_two_servers(servers):
    servers.second_is(servers.settings.EMAIL_PORT)
    assert [server.name for server in stand_ins()] == [f"#2 {servers.first_name}"]


def test_an_address_without_a_server_is_refused():
    with pytest.raises(ImproperlyConfigured, match="EMAIL_URL_2"):
        connection_options(Env.email_url_config("smtp:two.example"))


def test_no_name_shows_a_password():
    url = Env.email_url_config("smtp+tls://me:secret@two.example:587")
    server = MailServer(options=connection_options(url))
    assert server.name == "two.example:587"
    assert server.connect().password == "secret"
