"""Who is rung, and what a page that comes back may have missed."""

from __future__ import annotations

import pytest

from notifications.stream import hub as hub_module
from notifications.stream.hub import Hub


@pytest.fixture
def hub():
    return Hub()


def test_every_bell_of_the_member_is_set_and_no_other(hub):
    with hub.listening(1) as one, hub.listening(1) as two, hub.listening(2) as other:
        hub.nudge(1)
        assert (one.is_set(), two.is_set(), other.is_set()) == (True, True, False)


def test_who_has_left_is_forgotten(hub):
    with hub.listening(1) as bell:
        pass
    hub.nudge(1)
    assert not bell.is_set()
    assert not hub._bells


def test_missed_is_what_came_after_the_event(hub):
    hub.nudge(1)
    seen = hub.event_id
    assert not hub.may_have_missed(1, seen)
    hub.nudge(2)
    assert not hub.may_have_missed(1, seen)
    assert hub.may_have_missed(2, seen)
    hub.nudge(1)
    assert hub.may_have_missed(1, seen)


@pytest.mark.parametrize("last_id", ["", "-", "x", "x-1", "00000000-0", "９-٣"])
def test_an_id_of_nobody_means_perhaps(hub, last_id):
    assert hub.may_have_missed(1, last_id)


def test_what_is_no_longer_remembered_means_perhaps(hub, monkeypatch):
    monkeypatch.setattr(hub_module, "REMEMBERED", 2)
    seen = hub.event_id
    hub.nudge(1)
    for member in (2, 3):
        hub.nudge(member)
    assert hub.may_have_missed(1, seen)
    assert hub.may_have_missed(99, seen)
    assert not hub.may_have_missed(99, hub.event_id)


def test_closing_sets_every_bell(hub):
    with hub.listening(1) as one, hub.listening(2) as two:
        hub.close()
        assert (one.is_set(), two.is_set()) == (True, True)
