"""Receivers over HTTP that misbehave as told: webhooks, and a push service.

/505 belongs to partner 505. What was accepted is written down like a mail.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping

import psycopg

from tests.chaos.client import recipient
from tests.push import BrowserKeys
from tests.sinks import HttpSink, Received, Request

Reply = tuple[int, Mapping[str, str], bytes]
OK: Reply = (200, {}, b"ok")


class Receiver(HttpSink):
    """`behave` decides each answer; an answer of 200 means that the message was taken."""

    def __init__(self) -> None:
        super().__init__()
        self.received: list[Received] = []
        self.behave: Callable[[Request], Reply] = lambda _request: OK
        self.answer = self._answer

    def _answer(self, request: Request) -> Reply:
        reply = self.behave(request)
        if reply[0] == 200:
            self.take(request)
        return reply

    def take(self, request: Request) -> None:
        self.received.append(self._read(request))

    def vanish(self, request: Request) -> Reply:
        """Take the message, and close the connection without an answer."""
        self.take(request)
        raise self.Hangup

    def _read(self, request: Request) -> Received:
        body = request.json["data"]
        public_id = request.headers["webhook-id"]
        return Received(
            "webhook", public_id, public_id, body["recipient"], body["url"], time.time()
        )


class PushService(Receiver):
    """Decrypts with the devices' key. A push does not name its event: the database does."""

    def __init__(self, database_url: str) -> None:
        super().__init__()
        self._database_url = database_url
        self._browser = BrowserKeys()

    @property
    def keys(self) -> dict[str, str]:
        return self._browser.keys

    def _read(self, request: Request) -> Received:
        self._browser.read(request.body)
        public_id = str(uuid.UUID(request.headers["topic"]))
        with psycopg.connect(self._database_url) as connection:
            ((message_id,),) = connection.execute(_EVENT_OF, [public_id]).fetchall()
        to = recipient(int(request.path.strip("/")))
        return Received("push", public_id, public_id, to, f"/activity/{message_id}/", time.time())


_EVENT_OF = """
    SELECT a.message_id FROM notifications_delivery d
    JOIN notifications_notification n ON n.id = d.notification_id
    JOIN partners_activity a ON a.id = n.activity_id
    WHERE d.public_id = %s LIMIT 1
"""
