"""Fail points: refused by the product, loud when their function is gone, once if wanted."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from notifications import digest, rendering
from tests.chaos.failpoints import POINTS, Point, find, install
from tests.instance import ROOT


@pytest.mark.parametrize("name", POINTS)
def test_every_point_names_a_function(name: str) -> None:
    owner, attribute = find(POINTS[name])
    assert callable(getattr(owner, attribute))


def test_a_function_that_is_gone_is_an_error() -> None:
    with pytest.raises(AttributeError):
        find(Point("notifications.rendering:no_longer_there"))


@pytest.fixture
def originals(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put back what a point wraps."""
    monkeypatch.setattr(rendering, "render", rendering.render)
    monkeypatch.setattr(digest, "render", digest.render)


class Poisoned:
    def __init__(self, message_id: str) -> None:
        self.notification = self.activity = self
        self.message_id = message_id


def test_a_point_hits_wherever_the_function_was_imported(originals: None) -> None:
    install("poison-rendering:raise")
    with pytest.raises(RuntimeError, match="fail point"):
        digest.render(Poisoned("poison-1"))


def test_a_point_with_a_marker_hits_once(originals: None, tmp_path: Path) -> None:
    marker = tmp_path / "once"
    install("poison-rendering:raise", str(marker))
    with pytest.raises(RuntimeError, match="fail point"):
        rendering.render(Poisoned("poison-1"))
    assert marker.exists()
    with pytest.raises(AttributeError):  # Not the point any more: the real function.
        rendering.render(Poisoned("poison-1"))


def test_the_product_refuses_to_start_with_a_fail_point() -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=ROOT,
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "partnernotify.settings",
            "PN_FAILPOINT": "accepted:kill",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode
    assert "PN_FAILPOINT makes processes die for tests; unset it." in done.stderr
