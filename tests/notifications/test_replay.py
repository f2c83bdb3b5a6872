"""Sending again: a new row with the same public id, checked like any other."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.core import mail
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import AuditEntry
from notifications.communication.recent import recent_decisions
from notifications.decision_log import decision_lines
from notifications.delivery import replay as replays
from notifications.delivery.replay import (
    NotSentAgainError,
    preview,
    repeatable,
    replay,
    replay_range,
)
from notifications.drain import drain
from notifications.invariants import broken
from notifications.models import Attempt, Decision, Delivery, EmailCount
from tests.factories import choose, make_activity, make_contact, make_lead, make_member
from tests.northstar import PRICING

pytestmark = pytest.mark.django_db


@pytest.fixture
def email(northstar) -> Delivery:
    """The e-mail of a demo request, not sent yet."""
    northstar.happens()
    drain(patience_seconds=0)
    mail.outbox.clear()
    return Delivery.objects.get(channel="email")


def ends(delivery: Delivery, state: str, **fields) -> Delivery:
    """Let the delivery be as a worker would have left it. Made anew: states are guarded."""
    delivery.attempts.all().delete()
    Delivery.objects.filter(pk=delivery.pk).delete()
    is_final = state in Delivery.FINAL
    fields = {"detail": "550 no", "reason": "", "starts": 1, **fields}
    for name, value in fields.items():
        setattr(delivery, name, value)
    delivery.state = state
    delivery.done_at = timezone.now() if is_final else None
    delivery.save(force_insert=True)
    outcome = {"delivered": "ok", "unknown": "", "dead": "refused"}.get(state)
    if outcome is not None and fields["starts"]:
        started = timezone.now() - timedelta(seconds=1)
        Attempt.objects.create(delivery=delivery, n=1, started_at=started, outcome=outcome)
    return delivery


def chain() -> list[tuple[int, str, str]]:
    rows = Delivery.objects.filter(channel="email").order_by("pk")
    return list(rows.values_list("replay", "state", "reason"))


def test_what_failed_goes_again_as_the_same_message(northstar, email):
    ends(email, "dead")
    again = replay(email, actor=northstar.ala.user)
    assert (again.public_id, again.replay) == (email.public_id, 1)
    drain(patience_seconds=0)
    assert chain() == [(0, "dead", ""), (1, "delivered", "sent")]
    (sent,) = mail.outbox
    assert sent.extra_headers["X-PN-Delivery"] == str(email.public_id)
    assert str(email.public_id) in sent.extra_headers["Message-ID"]
    assert sum(broken().values()) == 0


def test_who_sent_it_again_is_written_down(northstar, email):
    ends(email, "dead")
    replay(email, actor=northstar.ala.user)
    entry = AuditEntry.objects.get(action="deliveries.send_again")
    assert (entry.account, entry.actor, entry.old) == (
        northstar.account,
        northstar.ala.user,
        "email dead",
    )
    assert northstar.ala.user.email in entry.subject


@pytest.mark.parametrize("state", ["dead", "expired", "delivered", "unknown"])
def test_what_has_such_an_end_can_be_sent_again(northstar, email, state):
    ends(email, state, starts=0 if state == "expired" else 1)
    replay(email, actor=northstar.ala.user)
    drain(patience_seconds=0)
    assert len(mail.outbox) == 1
    assert chain()[1][:2] == (1, "delivered")
    assert sum(broken().values()) == 0


@pytest.mark.parametrize("state", ["pending", "suppressed", "cancelled"])
def test_what_waits_or_was_withheld_cannot(northstar, email, state):
    ends(email, state, starts=0)
    with pytest.raises(NotSentAgainError):
        replay(email, actor=northstar.ala.user)
    assert len(chain()) == 1
    assert not AuditEntry.objects.exists()


def test_a_bell_that_rang_is_not_rung_again(northstar, email):
    bell = Delivery.objects.get(channel="desktop")
    assert bell.state == "delivered"
    with pytest.raises(NotSentAgainError):
        replay(bell, actor=northstar.ala.user)


def test_an_unknown_outcome_is_given_up_before_it_goes_again(northstar, email):
    ends(email, "unknown")
    replay(email, actor=northstar.ala.user)
    email.refresh_from_db()
    assert (email.state, email.detail) == ("dead", replays.GIVEN_UP)
    assert email.attempts.get().outcome == "unknown"
    assert sum(broken().values()) == 0


def test_nothing_goes_again_twice_at_a_time(northstar, email):
    ends(email, "dead")
    replay(email, actor=northstar.ala.user)
    with pytest.raises(NotSentAgainError):
        replay(email, actor=northstar.ala.user)
    with pytest.raises(IntegrityError), transaction.atomic():
        Delivery.objects.create(**{**_copy(email), "replay": 1})
    assert len(chain()) == 2


def _copy(delivery: Delivery) -> dict[str, object]:
    values = Delivery.objects.filter(pk=delivery.pk).values().get()
    del values["id"]
    return values


def test_only_the_newest_goes_again(northstar, email):
    ends(email, "dead")
    first = replay(email, actor=northstar.ala.user)
    drain(patience_seconds=0)
    with pytest.raises(NotSentAgainError):
        replay(email, actor=northstar.ala.user)
    first.refresh_from_db()
    assert replay(first, actor=northstar.ala.user).replay == 2
    drain(patience_seconds=0)
    assert len(mail.outbox) == 2
    assert sum(broken().values()) == 0


# --- The check right before the send ------------------------------------------------------


def test_what_was_turned_off_since_is_not_sent(northstar, email):
    """And what was decided stays decided: it had been told, or had failed."""
    ends(email, "delivered")
    replay(email, actor=northstar.ala.user)
    northstar.settings.receive_lead_activity = False
    northstar.settings.save()
    drain(patience_seconds=0)
    assert chain()[1] == (1, "cancelled", "account_toggle_off")
    assert mail.outbox == []
    assert Decision.objects.get(membership=northstar.ala).outcome == "send"
    assert sum(broken().values()) == 0


def test_the_recipients_own_wish_holds(northstar, email):
    ends(email, "dead")
    replay(email, actor=northstar.ala.user)
    choose(northstar.ala, "email", "enabled", False)
    drain(patience_seconds=0)
    assert chain()[1] == (1, "suppressed", "email_off")


def test_the_recipient_chosen_since_is_told(northstar, email):
    """R32: whoever is chosen at send time."""
    ends(email, "dead")
    replay(email, actor=northstar.ala.user)
    bartek = make_member(northstar.account, "bartek@northstar.example")
    northstar.settings.recipient = bartek
    northstar.settings.save()
    drain(patience_seconds=0)
    assert [m.to for m in mail.outbox] == [["bartek@northstar.example"]]
    assert sum(broken().values()) == 0


# --- Limits ---------------------------------------------------------------------------------


def test_it_counts_as_an_email_of_today(northstar, email):
    ends(email, "dead")
    replay(email, actor=northstar.ala.user)
    assert EmailCount.objects.get().count == 2


def test_what_is_stopped_gives_its_count_back(northstar, email):
    ends(email, "dead")
    replay(email, actor=northstar.ala.user)
    choose(northstar.ala, "email", "enabled", False)
    drain(patience_seconds=0)
    assert EmailCount.objects.get().count == 1


def test_the_daily_limit_holds(northstar, email, settings):
    """R71."""
    ends(email, "dead")
    settings.EMAIL_DAILY_CAP = 1
    with pytest.raises(NotSentAgainError, match="daily limit"):
        replay(email, actor=northstar.ala.user)
    assert len(chain()) == 1


def test_it_begins_no_new_cooldown(northstar):
    """R81 counts from the action, not from when its message went again."""
    yesterday = timezone.now() - timedelta(hours=25)
    northstar.happens(**PRICING, occurred_at=yesterday, received_at=yesterday)
    drain(patience_seconds=0)
    replay(ends(Delivery.objects.get(channel="email"), "dead"), actor=northstar.ala.user)
    drain(patience_seconds=0)
    northstar.happens(**PRICING)
    drain(patience_seconds=0)
    assert [d.reason for d in Decision.objects.order_by("pk")] == ["sent", "sent"]


# --- Many at once ---------------------------------------------------------------------------


@pytest.fixture
def failed(northstar) -> list[Delivery]:
    for n in range(4):
        make_lead(northstar.account, f"c{n}.example")
        make_activity(northstar.source, make_contact(f"anna@c{n}.example"))
    drain(patience_seconds=0)
    mail.outbox.clear()
    rows = Delivery.objects.filter(channel="email").order_by("pk")
    return [ends(row, "dead") for row in rows]


def everything() -> replays.DeliveryQuerySet:
    return repeatable(Delivery.objects.filter(channel="email"))


def again_all(northstar, **fields) -> int:
    fields = {"account": None, "what": "failed", "actor": northstar.ala.user, **fields}
    return replay_range(everything(), **fields)


def test_the_preview_says_what_goes_again(failed, monkeypatch):
    found = preview(everything())
    assert (found.count, found.people, found.is_all) == (4, 1, True)
    assert found.last_id == failed[-1].pk
    monkeypatch.setattr(replays, "MOST", 3)
    found = preview(everything())
    assert (found.count, found.is_all, found.last_id) == (3, False, failed[2].pk)
    assert preview(Delivery.objects.none()) is None


def test_they_go_spread_over_time(northstar, failed):
    assert again_all(northstar, per_second=2) == 4
    rows = Delivery.objects.filter(replay=1).order_by("pk")
    assert [row.public_id for row in rows] == [row.public_id for row in failed]
    times = [row.not_before for row in rows]
    for n, at in enumerate(times):
        assert at - times[0] == timedelta(seconds=n / 2)
    Delivery.objects.filter(replay=1).update(not_before=timezone.now() - timedelta(seconds=1))
    drain(patience_seconds=0)
    assert len(mail.outbox) == 4
    assert sum(broken().values()) == 0


def test_a_second_range_waits_for_the_first(northstar, failed):
    assert replay_range(
        everything().filter(pk__lte=failed[1].pk),
        actor=northstar.ala.user, account=None, what="a", per_second=1,
    ) == 2  # fmt: skip
    assert again_all(northstar, per_second=1) == 2
    first, second, third, _fourth = Delivery.objects.filter(replay=1).order_by("pk")
    assert second.not_before - first.not_before == timedelta(seconds=1)
    assert third.not_before >= second.not_before - timedelta(milliseconds=100)


def test_what_an_endpoint_has_put_off_delays_no_other_range(northstar, failed):
    replay(failed[0], actor=northstar.ala.user)
    later = timezone.now() + timedelta(days=1)
    Delivery.objects.filter(replay=1).update(not_before=later)
    assert again_all(northstar, per_second=1) == 3
    due = Delivery.objects.filter(replay=1).exclude(not_before=later).latest("not_before")
    assert due.not_before < timezone.now() + timedelta(seconds=10)


def test_a_range_is_written_down(northstar, failed):
    again_all(northstar, what="failed acme", account=northstar.account)
    entry = AuditEntry.objects.get(action="deliveries.send_all_again")
    assert (entry.subject, entry.new, entry.account) == ("failed acme", "4", northstar.account)


def test_a_range_has_bounds(northstar, failed, monkeypatch):
    old = timezone.now() - replays.RANGE - timedelta(days=1)
    Delivery.objects.filter(pk=failed[0].pk).update(created_at=old)
    monkeypatch.setattr(replays, "MOST", 2)
    assert again_all(northstar) == 2
    assert set(Delivery.objects.repeated()) == {failed[1], failed[2]}
    assert again_all(northstar) == 1
    assert again_all(northstar) == 0


def test_a_range_keeps_within_the_daily_limit(northstar, failed, settings):
    EmailCount.objects.update(count=0)
    settings.EMAIL_DAILY_CAP = 3
    assert again_all(northstar) == 3


def test_a_range_makes_constant_queries(northstar, failed, django_assert_max_num_queries):
    with django_assert_max_num_queries(14):
        again_all(northstar)


# --- Everywhere else the newest counts ------------------------------------------------------


def test_the_decision_lists_every_row_in_order(northstar, email):
    ends(email, "dead")
    replay(email, actor=northstar.ala.user)
    drain(patience_seconds=0)
    (line,) = decision_lines()
    emails = [d["state"] for d in line["deliveries"] if d["channel"] == "email"]
    assert emails == ["dead", "delivered"]


def test_the_newest_is_what_became_of_it(northstar, email):
    ends(email, "dead")
    (before,) = recent_decisions(northstar.account)
    assert before.state == "bad"
    replay(email, actor=northstar.ala.user)
    drain(patience_seconds=0)
    (after,) = recent_decisions(northstar.account)
    assert after.state == "good"


def test_the_invariants_see_a_replay_of_nothing(northstar, email):
    Delivery.objects.create(**{**_copy(email), "replay": 1, "public_id": uuid.uuid4()})
    assert broken()["sent again, but not as the same message"] == 1


def test_the_invariants_see_a_replay_of_what_has_not_ended(northstar, email):
    ends(email, "pending", starts=0)
    Delivery.objects.create(**{**_copy(email), "replay": 1})
    assert broken()["sent again before it had ended"] == 1
    assert not repeatable(Delivery.objects.filter(pk=email.pk)).exists()
