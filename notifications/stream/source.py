"""Where the nudges come from: Redis while it answers, otherwise one look for everybody.

With Redis, workers and web processes publish whose bell moved. Without it, or while it is
away, this process looks into the database twice a second, with one connection.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from django.conf import settings
from django.db import DatabaseError
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from notifications.stream.look import Move, look
from notifications.stream.nudges import channel_name

LOOK_SECONDS = 0.5
# What is committed late was finished before: so much is looked at once more.
OVERLAP_SECONDS = 5.0
# A Redis that says nothing for so long is asked whether it lives, and has so long to answer.
PING_SECONDS, ANSWER_SECONDS = 2.0, 1.0
AGAIN_SECONDS = 1.0

log = logging.getLogger(__name__)


class Source:
    """Call `nudge(member)` whenever a member's bell moves, for as long as `run` runs."""

    def __init__(self, nudge: Callable[[int], None]) -> None:
        self._nudge = nudge
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="look")
        self._seen: set[Move] = set()
        # Until then nothing was missed.
        self._complete = time.monotonic()
        self._hears_redis = False
        self._told: set[str] = set()

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._look_in_silence())
            if settings.REDIS_URL:
                tasks.create_task(self._listen())

    # --- Redis ----------------------------------------------------------------------------

    async def _listen(self) -> None:
        while True:
            try:
                await self._hear()
            except (RedisError, OSError) as error:
                self._hears_redis = False
                self._say_once("Redis does not answer; bells are looked up meanwhile", error)
            await asyncio.sleep(AGAIN_SECONDS)

    async def _hear(self) -> None:
        redis = Redis.from_url(
            settings.REDIS_URL,
            socket_connect_timeout=ANSWER_SECONDS,
            socket_timeout=ANSWER_SECONDS,
            # A connection that is mended in silence has missed something.
            retry=Retry(NoBackoff(), 0),
        )
        async with redis, redis.pubsub() as subscription:
            await subscription.subscribe(channel_name())
            await _answer(subscription)
            await self._look()  # What happened until just now.
            self._hears_redis = True
            self._told.clear()
            while True:
                message = await subscription.get_message(timeout=PING_SECONDS)
                if message is None:
                    await subscription.ping()
                    message = await _answer(subscription)
                self._complete = time.monotonic()
                if message["type"] == "message":
                    self._nudge(int(message["data"]))

    # --- The database ---------------------------------------------------------------------

    async def _look_in_silence(self) -> None:
        while True:
            if not self._hears_redis:
                await self._look()
            await asyncio.sleep(LOOK_SECONDS)

    async def _look(self) -> None:
        begun = time.monotonic()
        seconds = begun - self._complete + OVERLAP_SECONDS
        loop = asyncio.get_running_loop()
        try:
            found = await loop.run_in_executor(self._thread, look, seconds)
        except DatabaseError as error:
            self._say_once("The database does not answer; pages ask by themselves", error)
            return
        if not settings.REDIS_URL:
            self._told.clear()
        self._complete = begun
        for member in {member for member, _move in found - self._seen}:
            self._nudge(member)
        self._seen = found

    def _say_once(self, words: str, error: Exception) -> None:
        """Until all is well again."""
        if words not in self._told:
            self._told.add(words)
            log.warning("%s: %s", words, error)


async def _answer(subscription: PubSub) -> dict[str, object]:
    """Return the next message, which must come soon."""
    message = await subscription.get_message(timeout=ANSWER_SECONDS)
    if message is None:
        raise RedisError(f"no word for {ANSWER_SECONDS} s")
    return message
