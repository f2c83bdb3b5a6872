"""Which URLs are refused when typed, and which addresses when connected to (B87-B105)."""

from __future__ import annotations

import socket
import threading
from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError

from notifications.channels.addresses import check_url, is_public
from notifications.channels.base import DeliveryError, Failure
from notifications.channels.http import post
from tests.sinks import HttpSink, HungServer

DEADLINE = timedelta(seconds=5)
PUBLIC = ("1.1.1.1", "93.184.216.34", "2606:4700::1111", "::ffff:1.1.1.1")
NOT_PUBLIC = (
    *("127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1"),
    *("169.254.169.254", "100.64.0.1", "100.100.100.200", "198.18.0.1", "192.0.0.1"),
    *("192.0.2.1", "198.51.100.1", "203.0.113.1", "192.88.99.1", "224.0.0.1", "240.0.0.1"),
    *("255.255.255.255", "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1"),
    *("64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::", "2001::1", "2001:db8::1"),
    *("3fff::1", "5f00::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0"),
    *("fec0::1", "ff02::1"),
)


@pytest.mark.parametrize("address", PUBLIC)
def test_public(address):
    assert is_public(address)


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_not_public(address):
    assert not is_public(address)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("https://hooks.example.com/x?y=1#z", "https://hooks.example.com/x?y=1"),
        (" https://Hooks.Example.com ", "https://hooks.example.com/"),
        ("https://hooks.example.com:8443/a", "https://hooks.example.com:8443/a"),
        ("https://exämple.de/", "https://xn--exmple-cua.de/"),
        ("https://hooks.example.com./a", "https://hooks.example.com/a"),
        ("https://1.1.1.1/a", "https://1.1.1.1/a"),
        ("https://[2606:4700::1111]/a", "https://[2606:4700::1111]/a"),
        ("https://hooks.example.com:80/a", "https://hooks.example.com:80/a"),
        ("https://good.example#@127.0.0.1/", "https://good.example/"),
    ],
)
def test_taken_as(typed, kept):
    assert check_url(typed) == kept


@pytest.mark.parametrize(
    "url",
    [
        *("", "hooks.example.com", "//hooks.example.com", "https://", "https:///x"),
        *("http://hooks.example.com/", "file:///etc/passwd", "gopher://x.example/", "ftp://a.b/"),
        *("dict://x.example:11211/", "unix:///run/docker.sock", "javascript:alert(1)"),
        *("https://127.0.0.1/", "https://[::1]/", "https://localhost/", "https://127.1/"),
        *("https://2130706433/", "https://0x7f000001/", "https://0177.0.0.1/", "https://0/"),
        *("https://127。0。0。1/", "https://①②⑦.⓪.⓪.①/", "https://ⓛocalhost/"),
        *("https://169.254.169.254/", "https://[::ffff:127.0.0.1]/", "https://10.0.0.5/"),
        *("https://good.example\\@127.0.0.1/", "https://user:word@hooks.example.com/"),
        *("https://good@127.0.0.1/", "https://a.example:99999/", "https://a.example:x/"),
        *("https://hooks.example.com/%0d%0aX: y", "https://hooks.example.com/a b"),
        *("https://hooks.example.com/\r\nX: y", "https://hooks.example.com/\x00"),
        *("https://hooks.example.com/%0D%0AX: y", "https://hooks.example.com/a\tb"),
        f"https://{'a' * 2_100}.example/",
        f"https://hooks.example.com/{'ą' * 700}",  # Longer than it looks, once in ASCII.
        "https://a..example/",
    ],
)
def test_refused_when_typed(url):
    with pytest.raises(ValidationError):
        check_url(url)


def test_what_is_not_ascii_becomes_so():
    assert check_url("https://żółw.example/hak/ż?co=ą#tu") == (
        "https://xn--w-uga1v8h.example/hak/%C5%BC?co=%C4%85"
    )


@pytest.mark.parametrize(
    "url",
    [
        "https://NOTIFY.example.com/v1/track",
        "https://notify.example.com:443/v1/track",
        "https://notify.example.com./v1/track",
        "https://live.żółw.example/",
    ],
)
def test_this_site_itself_is_refused(settings, url):
    settings.SITE_URL = "https://notify.example.com"
    settings.STREAM_URL = "https://live.żółw.example"
    with pytest.raises(ValidationError, match="this site itself"):
        check_url(url)


@pytest.mark.parametrize("port", [1, 22, 25, 1023, 2525, 5432, 6379])
def test_the_port_of_a_service_is_refused(settings, monkeypatch, port):
    """B99."""
    monkeypatch.setitem(settings.DATABASES["default"], "PORT", "")
    settings.REDIS_URL = ""
    settings.EMAIL_STAND_INS = [{"host": "mail.example.com", "port": 2525}]
    with pytest.raises(ValidationError, match="Web addresses use no such port"):
        check_url(f"https://hooks.example.com:{port}/")


@pytest.mark.parametrize("port", [6433, 7379, 6379])
def test_the_port_of_our_own_service_is_refused_wherever_it_is(settings, monkeypatch, port):
    """B99. Also where the own network is open to messages."""
    settings.ALLOW_PRIVATE_WEBHOOKS = True
    monkeypatch.setitem(settings.DATABASES["default"], "PORT", 6433)
    settings.REDIS_URL = "redis://:word@a.example.com:7379/0;redis://b.example.com"
    with pytest.raises(ValidationError, match="Web addresses use no such port"):
        check_url(f"http://10.0.0.5:{port}/")
    assert check_url("http://10.0.0.5:5432/")  # Its database is elsewhere.


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "localhost", "127.1", "0x7f000001", "2130706433", "0177.0.0.1", "0"),
        *("127。0。0。1", "①②⑦.⓪.⓪.①", "ⓛocalhost", "0.0.0.0", "[::1]", "[::ffff:127.0.0.1]"),
        *("good.example\\@127.0.0.1", "good@127.0.0.1", "good.example:80@127.0.0.1"),
    ],
)
def test_refused_when_connected_to(host):
    """B87, B88, B89, B97. Whatever was typed: nobody knocks at the private server."""
    with HungServer() as server:
        with pytest.raises(
            DeliveryError, match="blocked_ip: .* not reachable from outside"
        ) as error:
            post(f"http://{host}:{server.port}/", b"{}", {}, deadline=DEADLINE)
        assert error.value.failure == Failure.NOT_SENT
        assert not error.value.permanent  # Names are mended.
        assert server.connections() == 0


def leads_to(monkeypatch, *addresses: str) -> None:
    """Let each name that ends with .example be found at these addresses."""
    look_up = socket.getaddrinfo

    def answer(host, port, *args, **options):
        if not host.endswith(".example"):
            return look_up(host, port, *args, **options)
        families = (socket.AF_INET6 if ":" in address else socket.AF_INET for address in addresses)
        return [
            (family, socket.SOCK_STREAM, 6, "", (address, port))
            for family, address in zip(families, addresses, strict=True)
        ]

    monkeypatch.setattr("socket.getaddrinfo", answer)


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_a_name_that_leads_to_a_private_address_is_refused(monkeypatch, address):
    """B90, B91, B92, B93."""
    leads_to(monkeypatch, address)
    with pytest.raises(DeliveryError, match="not reachable from outside"):
        post("https://metadata.example/", b"{}", {}, deadline=DEADLINE)


@pytest.mark.parametrize("addresses", [("1.1.1.1", "127.0.0.1"), ("127.0.0.1", "1.1.1.1")])
def test_one_private_address_among_public_ones_is_enough(monkeypatch, addresses):
    """B94."""
    with HungServer() as server:
        leads_to(monkeypatch, *addresses)
        with pytest.raises(DeliveryError, match="not reachable from outside"):
            post(f"http://both.example:{server.port}/", b"{}", {}, deadline=DEADLINE)
        assert server.connections() == 0


def test_the_checked_address_is_the_one_that_is_connected_to(monkeypatch, settings):
    """DNS rebinding: a second look-up, which would answer otherwise, does not happen."""
    settings.ALLOW_PRIVATE_WEBHOOKS = True
    names: list[str] = []
    look_up = socket.getaddrinfo

    def answer(host, port, *args, **options):
        names.append(host)
        return look_up("127.0.0.1" if host == "rebind.example" else host, port, *args, **options)

    monkeypatch.setattr("socket.getaddrinfo", answer)
    with HttpSink() as sink:
        post(f"http://rebind.example:{sink.port}/", b"{}", {}, deadline=DEADLINE)
        (request,) = sink.requests
    assert names == ["rebind.example", "127.0.0.1"]
    assert request.headers["host"] == f"rebind.example:{sink.port}"


def test_tls_is_asked_for_the_name_not_for_the_address(monkeypatch, settings):
    """B95: the certificate of the name counts, wherever it leads."""
    settings.ALLOW_PRIVATE_WEBHOOKS = True
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(DEADLINE.total_seconds())

        def hear() -> None:
            connection, _ = server.accept()
            with connection:
                heard.append(connection.recv(65536))

        listening = threading.Thread(target=hear)
        listening.start()
        leads_to(monkeypatch, "127.0.0.1")
        with pytest.raises(DeliveryError):
            post(f"https://rebind.example:{server.getsockname()[1]}/", b"{}", {}, deadline=DEADLINE)
        listening.join()
    assert b"rebind.example" in heard[0]
