"""The origin of a website, as a browser writes it into its requests."""

from __future__ import annotations

from urllib.parse import urlsplit

_USUAL_PORTS = {"http": 80, "https": 443}


def clean_origin(url: str) -> str:
    """Return scheme, host, and a port if it is unusual. Raises ValueError if it is none."""
    parts = urlsplit(url.strip())
    host, port = _ascii(parts.hostname or ""), parts.port
    is_bare = parts.path in ("", "/") and not (parts.query or parts.fragment or parts.username)
    if parts.scheme not in _USUAL_PORTS or not host or not is_bare:
        raise ValueError
    suffix = "" if port in (None, _USUAL_PORTS[parts.scheme]) else f":{port}"
    return f"{parts.scheme}://{host}{suffix}"


def _ascii(host: str) -> str:
    return f"[{host}]" if ":" in host else host.encode("idna").decode("ascii")
