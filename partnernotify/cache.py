"""Redis as a cache that may be away: then it is an empty one, and pages go on.

Only limits live there (sign-in, test e-mails, events of a write key). Without it they do not
count for a while; that is better than a sign-in that answers 500. Who did not answer is left
alone for a moment, so that not every request waits for it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.core.cache.backends.redis import RedisCache, RedisCacheClient
from redis.exceptions import RedisError

# A server that did not answer is asked again after so long, by one request.
PAUSE_SECONDS = 5.0

log = logging.getLogger(__name__)
# Server → when it may be asked again; for all threads of the process.
_away_until: dict[str, float] = {}

# What each question is answered with while nobody answers.
_ANSWERS: dict[str, Callable[..., Any]] = {
    "add": lambda _key, _value, _timeout: True,
    "get": lambda _key, default: default,
    "set": lambda _key, _value, _timeout: None,
    "touch": lambda _key, _timeout: False,
    "delete": lambda _key: False,
    "get_many": lambda _keys: {},
    "has_key": lambda _key: False,
    "incr": lambda _key, delta: delta,
    "set_many": lambda _data, _timeout: None,
    "delete_many": lambda _keys: None,
    "clear": lambda: False,
}


class _Client(RedisCacheClient):
    pass


def _forgiving(name: str, answer: Callable[..., Any]) -> Callable[..., Any]:
    ask = getattr(RedisCacheClient, name)

    @wraps(ask)
    def asked(self: _Client, *args: Any) -> Any:
        server, now = self._servers[0], time.monotonic()  # type: ignore[attr-defined]
        if until := _away_until.get(server):
            if now < until:
                return answer(*args)
            _away_until[server] = now + PAUSE_SECONDS  # The others need not wait, too.
        is_away = False
        try:
            return ask(self, *args)
        except RedisError as error:
            is_away = True
            log.warning("The cache does not answer (%s): %s", name, error)
            return answer(*args)
        finally:
            if is_away:
                _away_until[server] = time.monotonic() + PAUSE_SECONDS
            else:  # Also "there is no such counter" is an answer.
                _away_until.pop(server, None)

    return asked


for _name, _answer in _ANSWERS.items():
    setattr(_Client, _name, _forgiving(_name, _answer))


class ForgivingRedisCache(RedisCache):
    """Django's Redis cache; OPTIONS bound how long it is waited for."""

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._class = _Client
