"""An endpoint goes off, on again or away: what becomes of the messages for it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import AuditEntry
from accounts.services.members import deactivate_member, remove_member
from notifications.channels import OTHER_APPS
from notifications.delivery.replay import RANGE, missed
from notifications.drain import drain
from notifications.endpoints import services
from notifications.evaluation import evaluate_due
from notifications.invariants import broken
from notifications.leaving import consequences
from notifications.models import Delivery, Endpoint, EndpointHealth
from partners.services.erase import erase_person
from tests.factories import make_member, make_webhook
from tests.sinks import HttpSink

pytestmark = pytest.mark.django_db


def answers(sink, status):
    sink.answer = lambda _request: (status, {}, b"")


def happens(northstar, times=1):
    for _ in range(times):
        northstar.happens()
    evaluate_due()


def rows():
    return Delivery.objects.filter(channel=OTHER_APPS).order_by("pk")


def ends() -> list[tuple[int, str, str]]:
    return list(rows().values_list("replay", "state", "reason"))


def due():
    past = timezone.now() - timedelta(minutes=1)
    EndpointHealth.objects.update(wait_until=past)
    rows().filter(state="pending").update(not_before=past)


def send_again(client, hook, what="missed", until=None):
    client.force_login(hook.membership.user)
    until = until or rows().last().pk
    url = f"/settings/endpoints/{hook.pk}/again/"
    answer = client.post(url, {"what": what, "until": until}, follow=True)
    return " ".join(str(message) for message in answer.context["messages"])


def text_of(client, hook) -> str:
    client.force_login(hook.membership.user)
    return client.get(f"/settings/endpoints/{hook.pk}/").content.decode()


def test_when_it_went_off_is_said_by_the_database(northstar, sink, hook, monkeypatch):
    """A web host whose clock is behind had sent to what was off already."""
    answers(sink, 200)
    happens(northstar)
    drain(patience_seconds=0)
    behind = timezone.now() - timedelta(minutes=1)
    monkeypatch.setattr(timezone, "now", lambda: behind)
    services.switch_off(hook, actor=northstar.ala.user)
    assert ends() == [(0, "delivered", "sent")]
    assert sum(broken().values()) == 0


def test_what_waited_when_it_went_off_goes_again_with_one_click(client, northstar, sink, hook):
    answers(sink, 503)  # Left alone for a minute: the others wait.
    happens(northstar, 3)
    drain(patience_seconds=0)
    services.switch_off(hook, actor=northstar.ala.user)
    drain(patience_seconds=0)
    assert ends() == [(0, "suppressed", "suppressed_address")] * 3
    assert "did not arrive here" not in text_of(client, hook)
    hook.refresh_from_db()
    services.switch_on(hook, actor=northstar.ala.user)
    assert "3 messages did not arrive here" in text_of(client, hook)
    answers(sink, 200)
    assert send_again(client, hook) == "3 messages are sent again."
    assert send_again(client, hook) == "Nothing is sent again: it has been already."
    due()
    drain(patience_seconds=0)
    assert ends()[3:] == [(1, "delivered", "sent")] * 3
    first = [str(row.public_id) for row in rows().filter(replay=0)]
    assert sorted(r.headers["webhook-id"] for r in sink.requests[1:]) == sorted(first)
    entry = AuditEntry.objects.get(action="deliveries.send_all_again", new="3")
    assert (entry.subject, entry.account) == ("Sales hook", northstar.account)
    assert sum(broken().values()) == 0


def test_what_it_gave_up_begins_anew(client, northstar, sink, hook):
    answers(sink, 410)
    happens(northstar, 2)
    drain(patience_seconds=0)
    hook.refresh_from_db()
    assert hook.disabled_because == "gone"
    services.switch_on(hook, actor=northstar.ala.user)
    health = EndpointHealth.objects.get()
    assert (health.openings, health.failures, health.wait_until) == (0, 0, None)
    assert health.last_error.startswith("410")
    assert health.sent_at is None
    answers(sink, 200)
    assert send_again(client, hook) == "2 messages are sent again."
    due()
    drain(patience_seconds=0)
    assert rows().filter(state="delivered").count() == 2
    assert sum(broken().values()) == 0


def test_what_waits_goes_at_once_when_it_is_on_again_soon(northstar, sink, hook):
    answers(sink, 503)
    happens(northstar, 2)
    drain(patience_seconds=0)
    services.switch_off(hook, actor=northstar.ala.user)
    hook.refresh_from_db()
    services.switch_on(hook, actor=northstar.ala.user)
    answers(sink, 200)
    drain(patience_seconds=0)
    assert set(rows().values_list("state", flat=True)) == {"delivered"}


def test_another_address_gets_at_once_what_waits(northstar, sink, hook):
    answers(sink, 503)
    happens(northstar, 2)
    drain(patience_seconds=0)
    answers(sink, 200)
    services.change_app(hook, name="New", address=f"{sink.url}/new", never_twice=False)
    drain(patience_seconds=0)
    assert len(sink.at("/new")) == 2


def test_nothing_is_made_for_it_while_it_is_off(northstar, hook):
    services.switch_off(hook, actor=northstar.ala.user)
    happens(northstar)
    drain(patience_seconds=0)
    assert not rows().exists()


def test_nothing_old_and_nobody_elses_goes_again(client, northstar, sink, hook):
    other = make_webhook(northstar.ala, f"{sink.url}/other", name="Other")
    answers(sink, 410)
    happens(northstar)
    drain(patience_seconds=0)
    hook.refresh_from_db()
    services.switch_on(hook, actor=northstar.ala.user)
    (row,) = missed(hook)
    assert row.endpoint_key == hook.key
    Delivery.objects.filter(pk=row.pk).update(created_at=timezone.now() - RANGE * 1.1)
    assert "did not arrive here" not in text_of(client, hook)
    assert send_again(client, hook).startswith("Nothing is sent again")
    assert missed(other).count() == 1


def test_its_owner_decides_about_what_may_have_arrived(client, northstar, sink, hook):
    Endpoint.objects.update(never_twice=True)

    def hang_up(_request):
        raise HttpSink.Hangup

    sink.answer = hang_up
    happens(northstar)
    drain(patience_seconds=0)
    assert ends() == [(0, "unknown", "")]
    assert "1 message may have arrived" in text_of(client, hook)
    answers(sink, 200)
    assert send_again(client, hook).startswith("Nothing is sent again")
    assert send_again(client, hook, "undecided") == "1 message is sent again."
    drain(patience_seconds=0)
    assert ends() == [(0, "dead", ""), (1, "delivered", "sent")]
    assert "may have arrived" not in text_of(client, hook)
    assert sum(broken().values()) == 0


# --- Away -----------------------------------------------------------------------------------


def test_what_waits_for_a_removed_endpoint_ends_at_once(client, northstar, sink, hook):
    answers(sink, 503)
    happens(northstar, 2)
    drain(patience_seconds=0)
    client.force_login(northstar.ala.user)
    url = f"/settings/endpoints/{hook.pk}/remove/"
    assert "2 messages that wait for it are not sent." in client.get(url).content.decode()
    client.post(url)
    drain(patience_seconds=0)
    assert ends() == [(0, "suppressed", "suppressed_address")] * 2
    assert not EndpointHealth.objects.filter(endpoint_key=hook.key).exists()
    assert sum(broken().values()) == 0


def test_a_removed_members_endpoints_go_with_their_secrets(northstar, sink, hook):
    ewa = make_member(northstar.account, role="admin")
    own = make_webhook(ewa, f"{sink.url}/ewa")
    answers(sink, 503)
    happens(northstar)
    drain(patience_seconds=0)
    (words,) = [w for w in consequences(northstar.ala, removal=True) if "app or device" in w]
    assert words.startswith("1 app or device of ")
    assert not any("app or device" in w for w in consequences(northstar.ala, removal=False))
    remove_member(ewa.user, northstar.ala)
    assert list(Endpoint.objects.all()) == [own]
    assert not EndpointHealth.objects.exclude(endpoint_key="user").exists()
    drain(patience_seconds=0)
    assert rows().get().state in ("suppressed", "cancelled")


def test_a_deactivated_members_endpoints_are_kept_and_get_nothing(northstar, sink, hook):
    ewa = make_member(northstar.account, role="admin")
    happens(northstar)
    deactivate_member(ewa.user, northstar.ala)
    drain(patience_seconds=0)
    assert Endpoint.objects.get() == hook
    assert sink.requests == []


def test_an_erased_users_endpoints_go_and_answers_that_name_them_too(northstar, sink, hook):
    ewa = make_member(northstar.account, "ewa@northstar.example")
    make_webhook(ewa, f"{sink.url}/ewa")
    EndpointHealth.objects.create(
        channel=OTHER_APPS, endpoint_key=hook.key, last_error="400 no ewa@northstar.example"
    )
    erase_person("ewa@northstar.example", actor=northstar.ala.user)
    assert list(Endpoint.objects.all()) == [hook]
    assert EndpointHealth.objects.get(endpoint_key=hook.key).last_error == ""
