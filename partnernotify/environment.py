"""What settings.py needs to know about the machine it runs on."""

import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any


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


def persistent_secret(data_dir: Path) -> str:
    """Return the instance's secret key, made on the first start and then kept."""
    path = data_dir / "secret_key"
    if not path.exists():
        data_dir.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(f".{os.getpid()}")
        fresh.touch(mode=0o600)
        fresh.write_text(secrets.token_urlsafe(50))
        try:
            os.link(fresh, path)  # Only the first of several processes wins.
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    return path.read_text()


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
