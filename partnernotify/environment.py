"""What settings.py needs to know about the machine it runs on."""

import base64
import os
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured


def anymail_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """Return ANYMAIL_* without the prefix; ANYMAIL_X_FILE names a file that holds X."""
    found: dict[str, str] = {}
    for name, value in environment.items():
        key = name.removeprefix("ANYMAIL_")
        if key == name or key == "BACKEND":
            continue
        if key.endswith("_FILE"):
            found[key.removesuffix("_FILE")] = Path(value).read_text().strip()
        else:
            found.setdefault(key, value)
    return found


def persistent_secret(path: Path, make: Callable[[], str]) -> str:
    """Return a secret of this instance, made on the first start and then kept."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(f".{os.getpid()}")
        fresh.touch(mode=0o600)
        fresh.write_text(make())
        try:
            os.link(fresh, path)  # Only the first of several processes wins.
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    return path.read_text()


def make_secret_key() -> str:
    return secrets.token_urlsafe(50)


def make_encryption_key() -> str:
    """Return a key of 32 bytes, as Fernet takes it and as VAPID takes it (both base64url)."""
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


def broker_options(url: str, folder: Path) -> dict[str, Any]:
    """Return the transport options: where the folder is, or bounded sockets."""
    if url.startswith("filesystem"):
        return {"folder": str(folder)}
    return {
        "socket_connect_timeout": 1,
        "socket_timeout": 2,
        "retry_on_timeout": False,
        "max_retries": 1,
        "polling_interval": 0.1,
    }


def with_deadline(email: dict[str, Any]) -> dict[str, Any]:
    """Return the mail settings of EMAIL_URL, SMTP with a total deadline for each message."""
    if email["EMAIL_BACKEND"] == "django.core.mail.backends.smtp.EmailBackend":
        email["EMAIL_BACKEND"] = "notifications.channels.smtp.DeadlineEmailBackend"
    return email


def connection_options(email: dict[str, Any]) -> dict[str, Any]:
    """Return the mail settings of EMAIL_URL_2 or EMAIL_URL_3 as Django's `get_connection` takes
    them. Nothing is left to EMAIL_URL's: its password is for its server only."""
    email = with_deadline(email)
    if email["EMAIL_BACKEND"].endswith("DeadlineEmailBackend") and not email["EMAIL_HOST"]:
        raise ImproperlyConfigured(
            "EMAIL_URL_2 or EMAIL_URL_3 names no mail server; it looks like smtp://host:25."
        )
    return {
        "backend": email["EMAIL_BACKEND"],
        "host": email["EMAIL_HOST"],
        "port": email["EMAIL_PORT"] or (465 if email.get("EMAIL_USE_SSL") else 25),
        "username": email["EMAIL_HOST_USER"] or "",
        "password": email["EMAIL_HOST_PASSWORD"] or "",
        "use_tls": email.get("EMAIL_USE_TLS", False),
        "use_ssl": email.get("EMAIL_USE_SSL", False),
        "file_path": email["EMAIL_FILE_PATH"] or None,
    }
