"""Two people send the same again at the same moment: it goes once, and nobody sees an error."""

from __future__ import annotations

import threading

import pytest
from django.contrib.messages import get_messages
from django.core import mail
from django.db import connection, transaction
from django.test import Client

from accounts.models import AuditEntry
from notifications.delivery import replay as replays
from notifications.delivery.replay import NotSentAgainError, repeatable, replay, replay_range
from notifications.drain import drain
from notifications.invariants import broken
from notifications.models import Delivery
from tests.accounts.test_at_once import at_once
from tests.factories import make_activity, make_contact, make_lead
from tests.northstar import Northstar
from tests.notifications.test_replay import ends

pytestmark = pytest.mark.django_db(transaction=True)


def failed(partner: Northstar, count: int = 1) -> list[Delivery]:
    """Return e-mails of the partner that failed, oldest first."""
    for n in range(count):
        domain = f"{partner.account.slug}-{n}.example"
        make_lead(partner.account, domain)
        make_activity(partner.source, make_contact(f"anna@{domain}"))
    drain(patience_seconds=0)
    mail.outbox.clear()
    rows = Delivery.objects.filter(channel="email", account=partner.account).order_by("pk")
    return [ends(row, "dead") for row in rows]


def again_all(partner: Northstar) -> int:
    rows = repeatable(Delivery.objects.filter(channel="email"))
    return replay_range(rows, actor=partner.ala.user, account=None, what="failed")


def replays_of(*rows: Delivery) -> list[int]:
    """Return the numbers of the rows that each was sent again as, in one list."""
    found = Delivery.objects.filter(public_id__in=[row.public_id for row in rows], replay__gt=0)
    return list(found.order_by("replay").values_list("replay", flat=True))


def test_one_delivery_goes_once(northstar):
    (row,) = failed(northstar)
    raised = at_once(*[lambda: replay(row, actor=northstar.ala.user)] * 4)
    assert sorted(raised, key=str) == [NotSentAgainError] * 3 + [None]
    assert replays_of(row) == [1]
    assert AuditEntry.objects.count() == 1
    drain(patience_seconds=0)
    assert len(mail.outbox) == 1
    assert sum(broken().values()) == 0


def test_who_comes_second_is_told_so(northstar):
    (row,) = failed(northstar)
    answers = []

    def press():
        client = Client()
        client.force_login(northstar.ala.user)
        answers.append(client.post(f"/deliveries/{row.pk}/again/"))

    assert at_once(press, press) == [None, None]
    assert [answer.status_code for answer in answers] == [302, 302]
    words = sorted(str(m) for answer in answers for m in get_messages(answer.wsgi_request))
    assert words == [
        "It has been sent again already, or cannot be sent again.",
        "It is on its way again to Ala.",
    ]
    assert replays_of(row) == [1]


def test_overlapping_ranges_share_what_there_is(northstar):
    rows = failed(northstar, 6)
    counts = []
    raised = at_once(*[lambda: counts.append(again_all(northstar))] * 3)
    assert raised == [None] * 3
    assert sorted(counts) == [0, 0, 6]
    assert replays_of(*rows) == [1] * 6
    assert sum(broken().values()) == 0


def test_a_range_and_one_of_it(northstar):
    first, *others = failed(northstar, 4)
    raised = at_once(lambda: again_all(northstar), lambda: replay(first, actor=northstar.ala.user))
    assert raised in ([None, None], [None, NotSentAgainError])
    assert replays_of(first, *others) == [1] * 4


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite writes one after the other")
def test_a_range_leaves_to_others_what_failed_since(northstar, monkeypatch):
    """It holds the accounts that it found; of another one somebody may be sending again."""
    failed(northstar)
    southwind = Northstar("southwind", "beta.example")
    held, go_on = threading.Event(), threading.Event()
    after_earlier_ones = replays._after_earlier_ones

    def wait(*args):
        held.set()
        assert go_on.wait(20)
        return after_earlier_ones(*args)

    monkeypatch.setattr(replays, "_after_earlier_ones", wait)
    raised = []
    thread = threading.Thread(target=lambda: raised.extend(at_once(lambda: again_all(northstar))))
    thread.start()
    assert held.wait(20)
    (row,) = failed(southwind)
    with transaction.atomic():
        replay(row, actor=southwind.ala.user)
        go_on.set()
        thread.join(5)
    thread.join()
    assert raised == [None]
    assert replays_of(row) == [1]
    assert sum(broken().values()) == 0
