"""Signing in does not need Redis: a cache that is away is an empty one."""

import pytest
from django.core.cache import caches

from tests.servers import free_port
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def redis_is_away(settings):
    settings.CACHES = {
        "default": {
            "BACKEND": "partnernotify.cache.ForgivingRedisCache",
            "LOCATION": f"redis://127.0.0.1:{free_port()}/0",
            "OPTIONS": {"socket_connect_timeout": 1, "socket_timeout": 1},
        }
    }


def test_signing_in_works(client, redis_is_away):
    ala = World().ala.user
    ala.set_password("a long enough password")
    ala.save()
    form = {"login": ala.email, "password": "a long enough password"}
    assert client.post("/accounts/login/", form).status_code == 302
    assert client.get("/settings/profile/").status_code == 200


def test_every_question_has_an_answer(redis_is_away):
    cache = caches["default"]
    assert cache.add("key", 1) is True
    assert cache.get("key", "default") == "default"
    assert cache.get_many(["key"]) == {}
    assert cache.incr("key") == 1
    assert not cache.has_key("key")  # noqa: W601 - the method of a cache
    cache.set("key", 1)
    cache.set_many({"key": 1})
    cache.delete("key")
    cache.clear()
