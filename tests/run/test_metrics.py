"""Who may read /metrics, and how it answers."""

from __future__ import annotations

import pytest
from django.test import Client
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families

pytestmark = pytest.mark.django_db
AWAY = "192.0.2.7"


@pytest.fixture
def token(settings) -> str:
    settings.METRICS_TOKEN = "zażółć-s3cret"
    return settings.METRICS_TOKEN


def status(**given: str) -> int:
    return Client().get("/metrics", **given).status_code


def test_this_machine_may_read(client):
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/plain; version=0.0.4")
    assert "no-store" in answer["Cache-Control"]
    assert list(text_string_to_metric_families(answer.content.decode()))


def test_openmetrics_for_who_asks(client):
    accept = "application/openmetrics-text;version=1.0.0"
    answer = client.get("/metrics", headers={"Accept": accept})
    assert answer["Content-Type"].startswith("application/openmetrics-text")
    assert list(openmetrics.text_string_to_metric_families(answer.content.decode()))


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])
def test_every_name_of_this_machine(address):
    assert status(REMOTE_ADDR=address) == 200


@pytest.mark.parametrize(
    "given",
    [
        {"REMOTE_ADDR": AWAY},
        {"REMOTE_ADDR": ""},
        {"REMOTE_ADDR": "10.0.0.1"},
        # A proxy of this machine, declared or not, asks for somebody else.
        {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": AWAY},
        {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "127.0.0.1"},
        {"REMOTE_ADDR": "127.0.0.1", "HTTP_FORWARDED": f"for={AWAY}"},
        {"REMOTE_ADDR": AWAY, "HTTP_X_FORWARDED_FOR": "127.0.0.1"},
        {"REMOTE_ADDR": AWAY, "HTTP_AUTHORIZATION": "Bearer "},
    ],
)
@pytest.mark.parametrize("proxies", [0, 1])
def test_for_others_there_is_no_such_page(settings, given, proxies):
    settings.TRUSTED_PROXIES = proxies
    assert status(**given) == 404


@pytest.mark.parametrize("address", ["127.0.0.1", AWAY])
def test_a_token_is_asked_of_everybody(token, address):
    answer = Client().get("/metrics", REMOTE_ADDR=address)
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].startswith("Bearer")
    for wrong in ("Bearer x", "Bearer", "Basic " + token, token, "Bearer " + token + "x"):
        assert status(REMOTE_ADDR=address, HTTP_AUTHORIZATION=wrong) == 401
    for right in ("Bearer " + token, "bearer  " + token):
        assert status(REMOTE_ADDR=address, HTTP_AUTHORIZATION=right) == 200


def test_it_is_only_read(client):
    assert client.post("/metrics").status_code == 405
    assert client.head("/metrics").status_code == 200
