"""What pops up on an open page: what has just come, for its member and nobody else."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from notifications.models import Notification
from notifications.when.services import snooze
from partners.models import Lead
from tests.factories import make_lead
from tests.notifications.test_absence import is_away
from tests.notifications.test_inbox_menu import SENTENCE, bell, page
from tests.queries import assert_constant_queries

TOMORROW = timezone.now() + timedelta(days=1)


def test_only_what_has_just_come_and_is_unread_pops_up(ala, url, world):
    first = int(url.split("/")[2])
    popup = f"/inbox/popups/?ids={first},x,-1,999999999999999999999&next=/leads/"
    text = page(ala, popup)
    assert SENTENCE in text
    assert "Your registered lead acme.example" in text
    Notification.objects.update(created_at=timezone.now() - timedelta(minutes=3))
    assert SENTENCE not in page(ala, popup)
    Notification.objects.update(created_at=timezone.now())
    ala.post(f"{url}read/")
    assert SENTENCE not in page(ala, popup)


@pytest.mark.parametrize(
    "keep_away",
    [
        is_away,
        lambda member: snooze(member, TOMORROW),
        lambda member: snooze(member, TOMORROW, Lead.objects.get(domain="acme.example")),
    ],
    ids=["away", "paused", "muted"],
)
def test_what_is_kept_from_its_member_does_not_pop_up(ala, world, url, keep_away):
    """The bell lists it, and what is about something else pops up still."""
    other = make_lead(world.northstar, "other.example")
    popup = f"/inbox/popups/?ids={url.split('/')[2]}"
    snooze(world.ala, TOMORROW, other)
    assert SENTENCE in page(ala, popup)
    keep_away(world.ala)
    assert page(ala, popup).strip() == ""
    assert bell(ala)["count"] == 1


def test_many_pop_ups_cost_as_many_queries_as_one(ala, world):
    def grow():
        world.does(f"p{Notification.objects.count()}@acme.example")

    def show():
        ids = ",".join(map(str, Notification.objects.values_list("pk", flat=True)))
        assert "popup" in page(ala, f"/inbox/popups/?ids={ids}")

    assert_constant_queries(show, grow)


def test_nobody_sees_anothers_pop_up(client, world, url):
    client.force_login(world.celina.user)
    assert page(client, f"/inbox/popups/?ids={url.split('/')[2]}").strip() == ""
