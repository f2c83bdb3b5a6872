"""The ASGI application: a stream for each page that has a permit.

Nothing of what happened is on the wire, only that the page should look: it asks the web
process, which knows who may see what. Protocol: HTML standard, 9.2 "Server-sent events".
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.conf import settings

from notifications.stream.hub import Hub
from notifications.stream.permits import Permit, read_token
from notifications.stream.source import Source

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

# A comment this often shows proxies that the stream lives, and us who has gone.
HEARTBEAT_SECONDS = (15.0, 25.0)
# A bell that moves again within this time is told once: so a page that reads nothing until
# its permit ends leaves less than the 64 kB unread at which a write would wait.
GATHER_SECONDS = 0.2
# Nobody has more pages open; a script that tries costs no more than this.
MOST_OF_ONE = 200
# When a broken connection is opened again by the browser.
RETRY_MS = 2_000

log = logging.getLogger(__name__)


class StreamApp:
    def __init__(self) -> None:
        self.hub = Hub()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await self._answer(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        source = asyncio.ensure_future(self._follow())
        await send({"type": "lifespan.startup.complete"})
        await receive()
        source.cancel()
        await send({"type": "lifespan.shutdown.complete"})

    async def _follow(self) -> None:
        while True:
            try:
                await Source(self.hub.nudge).run()
            except Exception:
                log.exception("The source of nudges failed; it begins again in 1 s")
            await asyncio.sleep(1)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/healthz":
            await _refuse(send, 200, "ok")
        elif scope["path"] != "/":
            await _refuse(send, 404, "There is nothing here but the stream, at /.")
        elif scope["method"] != "GET":
            await _refuse(send, 405, "Only GET opens a stream.")
        else:
            asked = parse_qs(scope["query_string"].decode("latin-1"))
            headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
            permit = read_token(asked.get("token", [""])[0])
            origin = headers.get(b"origin", "")
            if permit is None:
                await _refuse(send, 403, "This permission has ended, or is none of ours.")
            elif origin and origin not in (permit.origin, _site_origin()):
                await _refuse(send, 403, "This permission is for a page of another site.")
            elif self.hub.count(permit.member) >= MOST_OF_ONE:
                await _refuse(send, 429, "Too many pages of one member listen.")
            else:
                # A new connection of a page names its last event in the address: scripts
                # cannot set the header.
                last_id = headers.get(b"last-event-id") or asked.get("last", [""])[0]
                await self._stream(permit, origin, last_id, receive, send)

    async def _stream(
        self, permit: Permit, origin: str, last_id: str, receive: Receive, send: Send
    ) -> None:
        with self.hub.listening(permit.member) as bell:
            gone = asyncio.ensure_future(_until_gone(receive))
            gone.add_done_callback(lambda _task: bell.set())
            try:
                await _begin(send, origin)
                await _write(send, f"retry: {RETRY_MS}\n{self._event('ready', 'listening')}")
                if self.hub.may_have_missed(permit.member, last_id):
                    bell.set()
                while True:
                    pause = min(random.uniform(*HEARTBEAT_SECONDS), permit.seconds_left)  # noqa: S311
                    rung = await _rings(bell, pause)
                    if gone.done() or self.hub.is_closing:
                        break
                    if permit.seconds_left <= 0:
                        await _write(send, "event: end\ndata: ask for a new permission\n\n")
                        break
                    await _write(send, self._event("bell", "look") if rung else ":\n\n")
                    if rung:
                        await asyncio.sleep(GATHER_SECONDS)
                await send({"type": "http.response.body", "body": b""})
            finally:
                gone.cancel()

    def _event(self, name: str, data: str) -> str:
        return f"event: {name}\nid: {self.hub.event_id}\ndata: {data}\n\n"


def _site_origin() -> str:
    site = urlsplit(settings.SITE_URL)
    return f"{site.scheme}://{site.netloc}"


async def _rings(bell: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await bell.wait()
    except TimeoutError:
        return False
    bell.clear()
    return True


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _begin(send: Send, origin: str) -> None:
    headers = [
        (b"content-type", b"text/event-stream"),
        (b"cache-control", b"no-store"),
        (b"x-accel-buffering", b"no"),  # nginx passes it on at once.
        (b"vary", b"Origin"),
    ]
    if origin:
        headers.append((b"access-control-allow-origin", origin.encode("latin-1")))
    await send({"type": "http.response.start", "status": 200, "headers": headers})


async def _write(send: Send, text: str) -> None:
    await send({"type": "http.response.body", "body": text.encode(), "more_body": True})


async def _refuse(send: Send, status: int, words: str) -> None:
    headers = [(b"content-type", b"text/plain"), (b"cache-control", b"no-store")]
    if status == 405:
        headers.append((b"allow", b"GET"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": f"{words}\n".encode()})
