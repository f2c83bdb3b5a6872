"""A digest is one message on every channel, and what fails in one fails for all that it tells."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from notifications.channels import EMAIL, OTHER_APPS
from notifications.drain import drain
from notifications.evaluation import evaluate_due
from notifications.invariants import broken
from notifications.models import Delivery, Pace
from notifications.topics import NO_EMAIL_IF_DELIVERED
from partners.models import Activity
from tests.chats import Chats, texts_of
from tests.factories import choose, make_chat, make_contact, make_lead, make_webhook

pytestmark = pytest.mark.django_db


@pytest.fixture
def chats(settings):
    settings.ALLOW_PRIVATE_WEBHOOKS = True
    with Chats() as chats:
        yield chats


@pytest.fixture
def daily(northstar):
    """Ala's apps tell her once a day; three leads are about to do something."""
    Pace.objects.create(membership=northstar.ala, channel=OTHER_APPS, every="day")
    for n in range(3):
        make_lead(northstar.account, f"lead{n}.example")
    return northstar


def three_things(northstar) -> None:
    for n in range(3):
        northstar.happens(contact=make_contact(f"anna@lead{n}.example"))
    drain(patience_seconds=0)


def a_day_passes() -> None:
    for delivery in Delivery.objects.filter(done_at=None):
        delivery.created_at -= timedelta(days=1)
        delivery.not_before -= timedelta(days=1)
        delivery.save(update_fields=["created_at", "not_before"])
    drain(patience_seconds=20)  # What fails in one lane may be due in another.


def states(channel: str) -> list[str]:
    return list(
        Delivery.objects.filter(channel=channel).order_by("pk").values_list("state", flat=True)
    )


@pytest.mark.parametrize("kind", ["slack", "teams"])
def test_a_chat_gets_one_message_with_everything(daily, chats, kind):
    place = chats.slack() if kind == "slack" else chats.teams()
    make_chat(daily.ala, kind, place)
    chats.answer = lambda request: (200, {}, b"ok")
    three_things(daily)
    assert chats.to(place) == []
    a_day_passes()
    (request,) = chats.to(place)
    said = " ".join(texts_of(request.json))
    for n in range(3):
        assert f"anna@lead{n}.example" in said
    for activity in Activity.objects.all():
        assert f"/activity/{activity.message_id}/" in said
    assert states(OTHER_APPS) == ["delivered"] * 3
    assert sum(broken().values()) == 0


def test_a_program_gets_every_event_of_a_digest(daily, chats):
    make_webhook(daily.ala, f"{chats.url}/hook")
    three_things(daily)
    a_day_passes()
    (request,) = chats.to(f"{chats.url}/hook")
    assert (request.json["type"], request.json["data"]["count"]) == ("digest", 3)
    items = request.json["data"]["items"]
    assert [item["type"] for item in items] == ["lead.activity"] * 3
    assert items[1]["data"]["person"]["email"] == "anna@lead1.example"


def test_a_digest_that_a_chat_refuses_comes_by_e_mail(daily, chats):
    make_chat(daily.ala, "slack", chats.slack())
    chats.answer = lambda request: (200, {}, b"no_text")
    for n in range(3):
        daily.happens(contact=make_contact(f"anna@lead{n}.example"))
    evaluate_due()
    Delivery.objects.filter(channel=EMAIL).delete()
    drain(patience_seconds=0)
    assert mail.outbox == []
    a_day_passes()
    assert states(OTHER_APPS) == ["dead"] * 3
    assert len(mail.outbox) == 3
    assert sum(broken().values()) == 0


def test_a_digest_by_e_mail_leaves_out_what_a_chat_has_told(northstar, chats):
    Pace.objects.create(membership=northstar.ala, channel=EMAIL, every="day")
    choose(northstar.ala, OTHER_APPS, NO_EMAIL_IF_DELIVERED, True)
    for n in range(3):
        make_lead(northstar.account, f"lead{n}.example")
    make_chat(northstar.ala, "slack", chats.slack())
    chats.answer = lambda request: (200, {}, b"ok")
    three_things(northstar)
    chats.answer = lambda request: (200, {}, b"no_text")
    northstar.happens()
    Delivery.objects.filter(channel=EMAIL).update(not_before=timezone.now())
    drain(patience_seconds=0)
    assert states(OTHER_APPS) == ["delivered"] * 3 + ["dead"]
    assert mail.outbox == []
    a_day_passes()
    (letter,) = mail.outbox
    assert "anna@acme.example" in letter.body
    assert "lead1.example" not in letter.body
    assert states(EMAIL) == ["suppressed"] * 3 + ["delivered"]
    assert sum(broken().values()) == 0
