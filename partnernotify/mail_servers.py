"""The mail servers in the order in which they are tried: EMAIL_URL, EMAIL_URL_2, EMAIL_URL_3."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from anymail.exceptions import AnymailError
from django.conf import settings
from django.core.mail import EmailMessage, get_connection

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class MailServer:
    """`options`: of Django's `get_connection`; none: the settings EMAIL_… themselves.

    `prefix` tells apart two that have the same name, as two accounts at one service do.
    """

    options: Mapping[str, Any] = field(default_factory=dict)
    prefix: str = ""

    def connect(self) -> Any:
        """Return a connection that is opened with the first message."""
        return get_connection(**self.options)

    @property
    def name(self) -> str:
        """Return what people may see of it: host and port, or which service; no credentials."""
        backend = self.options.get("backend", settings.EMAIL_BACKEND)
        if not backend.endswith("DeadlineEmailBackend"):
            # anymail.backends.postmark.EmailBackend: postmark
            return self.prefix + backend.rpartition(".")[0].rpartition(".")[2]
        host = self.options.get("host", settings.EMAIL_HOST)
        return f"{self.prefix}{host}:{self.options.get('port', settings.EMAIL_PORT) or 25}"


FIRST = MailServer()


def stand_ins() -> list[MailServer]:
    """Return the servers that are tried when the first one has not taken a message."""
    servers = [FIRST]
    for n, options in enumerate(settings.EMAIL_STAND_INS, 2):
        server = MailServer(options=options)
        is_taken = any(server.name == other.name for other in servers)
        servers.append(replace(server, prefix=f"#{n} ") if is_taken else server)
    return servers[1:]


class EveryMailServer:
    """A connection for what people wait for, such as a password reset: whatever a server
    answers, the next one is asked. A copy does no harm there."""

    def send_messages(self, messages: Sequence[EmailMessage]) -> int:
        *first, last = FIRST, *stand_ins()
        for server in first:
            try:
                return int(server.connect().send_messages(messages))
            except (OSError, AnymailError) as error:
                log.warning("%s: %s", server.name, error)
        return int(last.connect().send_messages(messages))
