"""Which URLs that people give may be connected to.

A name is checked when it is typed, and its addresses again at every connection: whoever
owns the name may point it elsewhere in between (DNS rebinding).
"""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

import idna
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.encoding import iri_to_uri
from django.utils.translation import gettext_lazy as _

MAX_URL_LENGTH = 2_000
_UNSAFE = re.compile(r"[\x00-\x20\x7f-\xa0\\]|%0[ad0]", re.IGNORECASE)
_GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")
# Within 2000::/3 and public by name only: IETF protocols with Teredo, documentation, 6to4.
_NOT_PUBLIC = tuple(
    map(ipaddress.ip_network, ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"))
)
_RELAYS = ipaddress.ip_network("192.88.99.0/24")


def is_public(address: str) -> bool:
    """Tell whether an IP address lies on the public internet (IANA special registries)."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped:
            return is_public(str(ip.ipv4_mapped))
        return ip in _GLOBAL_UNICAST and not any(ip in network for network in _NOT_PUBLIC)
    return ip.is_global and not ip.is_multicast and ip not in _RELAYS


def allows_any_host() -> bool:
    """Whether messages may go into the own network: then any host may play any app."""
    return bool(settings.ALLOW_PRIVATE_WEBHOOKS)


def check_url(raw: str) -> str:
    """Return the URL in ASCII. ValidationError when nothing is sent there.

    https on a port for the web, without a user, not this site. Where it leads is seen on sending.
    """
    url = raw.strip()
    if len(url) > MAX_URL_LENGTH or _UNSAFE.search(url):
        raise ValidationError(_("This is not a web address that can be used."))
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise ValidationError(_("This is not a web address that can be used.")) from error
    if parts.scheme not in ("https", "http") or not host:
        raise ValidationError(_("Enter a web address that starts with https://."))
    if parts.username is not None or parts.password is not None:
        raise ValidationError(_("Leave user and password out of the address."))
    host = _ascii_host(host)
    if not allows_any_host():
        _check_public(parts.scheme, host, port)
    if (host, port or _USUAL_PORTS[parts.scheme]) in _own_places():
        raise ValidationError(_("This is the address of this site itself."))
    if port in _own_services():
        raise ValidationError(_("Web addresses use no such port. Check the number behind the “:”."))
    netloc = f"[{host}]" if ":" in host else host
    if port is not None:
        netloc += f":{port}"
    ascii_parts = parts._replace(netloc=netloc, path=parts.path or "/", fragment="")
    url = iri_to_uri(ascii_parts.geturl())
    if len(url) > MAX_URL_LENGTH:
        raise ValidationError(_("This is not a web address that can be used."))
    return url


_USUAL_PORTS = {"https": 443, "http": 80}


def _own_places() -> set[tuple[str, int]]:
    """Return host and port of what this instance is reached at: a message there would come back."""
    own = [urlsplit(url) for url in (settings.SITE_URL, settings.STREAM_URL) if url]
    return {
        (_ascii_host(url.hostname or ""), url.port or _USUAL_PORTS.get(url.scheme, 443))
        for url in own
    }


def _own_services() -> set[int]:
    """Return the ports of database, Redis and mail servers, the usual ones where none is set: no
    webhook is behind one."""
    database = settings.DATABASES["default"].get("PORT") or 5432
    # Divided as Django's cache does it.
    redis = [urlsplit(url).port or 6379 for url in re.split("[;,]", settings.REDIS_URL)]
    mail = [settings.EMAIL_PORT, *(server.get("port") for server in settings.EMAIL_STAND_INS)]
    return {int(port) for port in (database, *redis, *mail) if port}


def _ascii_host(host: str) -> str:
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        pass
    try:
        return idna.encode(host.rstrip("."), uts46=True).decode()
    except idna.IDNAError as error:
        raise ValidationError(_("This is not a web address that can be used.")) from error


def _check_public(scheme: str, host: str, port: int | None) -> None:
    if scheme != "https":
        raise ValidationError(_("Enter a web address that starts with https://."))
    if port is not None and port not in (80, 443) and port < 1024:
        raise ValidationError(_("Web addresses use no such port. Check the number behind the “:”."))
    # A name of digits only is an IPv4 address in disguise: 127.1, 0x7f000001, 2130706433.
    last = host.rpartition(".")[2]
    is_ip = ":" in host or last.isdigit() or last.lower().startswith("0x")
    if is_ip and not _is_public_literal(host) or not is_ip and "." not in host:
        raise ValidationError(_("This address is not reachable from outside."))


def _is_public_literal(host: str) -> bool:
    try:
        return is_public(host)
    except ValueError:
        return False
