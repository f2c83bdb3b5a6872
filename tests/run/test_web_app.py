"""The site as an installable app: manifest, icons, service worker, offline page."""

from __future__ import annotations

import json
import re
import struct
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.test import Client

from tests.factories import make_account, make_member
from tests.world import read

POLISH = {"accept-language": "pl"}


def manifest(**headers):
    answer = Client(headers=headers).get("/manifest.webmanifest")
    assert answer["Content-Type"] == "application/manifest+json"
    return answer.json()


def file_of(url: str) -> Path:
    return Path(finders.find(url.removeprefix("/static/")))


def png_size(path: Path) -> str:
    data = path.read_bytes()
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    return "{}x{}".format(*struct.unpack(">II", data[16:24]))


def test_the_manifest_makes_the_site_installable():
    """What Chromium asks for: name, start, display, and an icon of 192 and of 512."""
    known = manifest()
    assert (known["name"], known["start_url"], known["display"]) == (
        *("partnernotify", "/inbox/", "standalone"),
    )
    purposes = {(icon["sizes"], icon["purpose"]) for icon in known["icons"]}
    assert {("192x192", "any"), ("512x512", "any"), ("512x512", "maskable")} <= purposes
    css = file_of("/static/css/app.css").read_text()
    assert f"--bar: {known['theme_color']};" in css
    assert f"--ground: {known['background_color']};" in css


def test_the_manifest_speaks_the_readers_language():
    assert manifest()["lang"] == "en"
    polish = manifest(**POLISH)
    assert polish["lang"] == "pl"
    assert polish["description"] != manifest()["description"]


def test_each_icon_is_as_large_as_it_says():
    for icon in manifest()["icons"]:
        path = file_of(icon["src"])
        if icon["type"] == "image/png":
            assert png_size(path) == icon["sizes"]
        else:
            assert path.read_text().startswith("<svg")
    assert png_size(file_of("/static/img/apple-touch-icon.png")) == "180x180"
    assert png_size(file_of("/static/img/badge.png")) == "96x96"


@pytest.mark.django_db
def test_every_page_of_a_member_names_them(client):
    member = make_member(make_account())
    html = read(client, member.user, "/inbox/")
    for part in ('rel="manifest"', 'rel="apple-touch-icon"', 'name="theme-color"', "js/push.js"):
        assert part in html


def test_the_service_worker_is_for_the_whole_site_and_never_old():
    answer = Client().get("/sw.js")
    assert answer["Content-Type"] == "text/javascript"
    assert answer["Cache-Control"] == "no-cache"
    assert "worker-src 'self'" in answer["Content-Security-Policy"]
    facts = json.loads(re.search(r"const FACTS = (.*);", answer.content.decode())[1])
    assert facts["offline"] == "/offline/en/"
    assert Client(headers=POLISH).get("/sw.js").content.decode().count("/offline/pl/") == 1
    for url in (*facts["files"], facts["icon"], facts["badge"]):
        assert file_of(url).exists()


TITLES = {"en": "No connection", "pl": "Brak połączenia"}


@pytest.mark.parametrize("language", TITLES)
def test_the_offline_page_is_nobodys(language):
    """No database: it holds nothing of anybody, and needs no sign-in."""
    answer = Client(headers=POLISH).get(f"/offline/{language}/")
    assert f"<h1>{TITLES[language]}</h1>" in answer.content.decode()
    assert "Set-Cookie" not in answer
    assert not answer.cookies


@pytest.mark.django_db
def test_there_is_no_offline_page_in_other_languages():
    assert Client().get("/offline/xx/").status_code == 404
