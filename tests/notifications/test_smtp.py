"""SMTP against servers that stall: a message ends within its deadline, whatever they do."""

from __future__ import annotations

import smtplib
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.core import mail
from django.core.mail import EmailMessage

from notifications.channels.base import Failure
from notifications.channels.email import as_delivery_error
from tests.servers import free_port
from tests.sinks import SmtpSink

DEADLINE = timedelta(seconds=0.6)


@pytest.fixture
def smtp(settings):
    settings.EMAIL_BACKEND = "notifications.channels.smtp.DeadlineEmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", free_port()
    settings.EMAIL_TIMEOUT, settings.EMAIL_DEADLINE = 10, DEADLINE
    return settings


READY = b"220 ready\r\n"
EHLO = b"250-me\r\n250 STARTTLS\r\n"
# The header of a TLS record with 16 kB, which never come.
TLS = b"\x16\x03\x03\x40\x00"


@contextmanager
def dripping_server(port: int, *answers: bytes) -> Iterator[None]:
    """Greet and answer commands so; the last answer goes on without end, a byte every 0.1 s."""
    server = socket.create_server(("127.0.0.1", port))
    stop = threading.Event()

    def serve() -> None:
        client, _ = server.accept()
        with client:
            for answer in answers[:-1]:
                client.sendall(answer)
                client.recv(1000)
            client.sendall(answers[-1])
            try:
                while not stop.wait(0.1):
                    client.sendall(b"2")
            except OSError:
                pass

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        server.close()


@pytest.mark.parametrize(
    ("answers", "security", "failure"),
    [
        pytest.param([b"2"], "", Failure.UNKNOWN, id="greeting"),
        pytest.param([READY, b"250 ok\r\n", b"2"], "", Failure.NOT_SENT, id="command"),
        pytest.param([READY, EHLO, READY, TLS], "tls", Failure.UNKNOWN, id="STARTTLS"),
        pytest.param([TLS], "ssl", Failure.UNKNOWN, id="TLS"),
    ],
)
def test_a_server_that_drips_is_left_at_the_deadline(smtp, answers, security, failure):
    """T27: each byte arrives within EMAIL_TIMEOUT, the answer never does.

    Greeted, it hangs before the message: nothing of that can have left.
    """
    smtp.EMAIL_USE_TLS, smtp.EMAIL_USE_SSL = security == "tls", security == "ssl"
    began = time.monotonic()
    with dripping_server(smtp.EMAIL_PORT, *answers), pytest.raises(OSError) as failed:
        message = EmailMessage("s", "b", to=["ala@northstar.example"])
        mail.get_connection().send_messages([message])
    assert time.monotonic() - began < smtp.EMAIL_TIMEOUT / 2
    assert as_delivery_error(failed.value).failure == failure


def test_each_message_of_one_connection_has_its_own_time(smtp):
    with SmtpSink() as sink:
        smtp.EMAIL_PORT = sink.port
        sink.answer = lambda _message: time.sleep(0.4)
        connection = mail.get_connection()
        for _ in range(2):
            message = EmailMessage("s", "b", to=["ala@northstar.example"], connection=connection)
            connection.open()
            connection.send_messages([message])
        connection.close()
        assert len(sink.messages) == 2


def test_an_answer_in_the_last_moment_is_an_answer(smtp, monkeypatch):
    """What was taken is not sent again because the time was over when its answer was read."""
    connection = mail.get_connection().connection_class(timeout=10)
    connection.sock, server = socket.socketpair()
    read = smtplib.SMTP.getreply

    def read_late(connection):
        answer = read(connection)
        connection._ends_at = time.monotonic()
        return answer

    monkeypatch.setattr(smtplib.SMTP, "getreply", read_late)
    with server:
        server.sendall(b"250 taken\r\n")
        assert connection.getreply() == (250, b"taken")
        with pytest.raises(smtplib.SMTPServerDisconnected, match="time for this message is over"):
            connection.docmd("NOOP")


def test_addresses_of_other_scripts_are_spelt_as_mail_servers_want_them(smtp):
    """RFC 5890: the name of a host travels in ASCII."""
    with SmtpSink() as sink:
        smtp.EMAIL_PORT = sink.port
        for to in ("ala@żółw.example", "ola@żółw.example"):
            EmailMessage("s", "b", "Powiadomienia <hej@żółw.example>", [to]).send()
    host = "xn--w-uga1v8h.example"
    assert sink.envelopes == [(f"hej@{host}", [f"ala@{host}"]), (f"hej@{host}", [f"ola@{host}"])]
    assert sink.messages[1]["To"] == f"ola@{host}"
