"""`seed_demo`: a believable month, by the real rules, and nothing to repair."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core import mail
from django.core.management import call_command
from django.db.models import F
from django.utils import timezone

from accounts.models import Membership, User
from notifications.demo.keys import demo_key, demo_source
from notifications.demo.seeding import has_demo_data, seed
from notifications.invariants import broken
from notifications.models import Attempt, Decision, Delivery, Notification
from partners.models import Activity, DealShare, Lead, Source

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def data_dir(settings: LazySettings, tmp_path: Path) -> Path:
    settings.DATA_DIR = tmp_path
    settings.MAILBOX_DIR = tmp_path / "mail"
    settings.DEMO_PASSWORD = "demo-password"
    return tmp_path


def _counts() -> list[int]:
    models = (User, Membership, Lead, DealShare, Source, Activity, Notification, Delivery, Attempt)
    return [model.objects.count() for model in models]


def test_nothing_is_broken_and_nothing_is_sent() -> None:
    seed(timezone.now())
    assert {name: count for name, count in broken().items() if count} == {}
    assert not mail.outbox
    assert not Delivery.objects.exclude(state=Delivery.State.DELIVERED).exists()
    assert not Activity.objects.filter(state=Activity.State.PENDING).exists()


def test_running_it_again_changes_nothing(data_dir: Path) -> None:
    call_command("seed_demo", verbosity=0)
    before, key = _counts(), demo_key()
    call_command("seed_demo", verbosity=0)
    assert (_counts(), demo_key()) == (before, key)


def test_a_lost_key_file_is_made_again(data_dir: Path) -> None:
    seed(timezone.now())
    (data_dir / "demo_write_key").unlink()
    seed(timezone.now())
    source = demo_source()
    assert source is not None
    assert source.origins == []
    assert has_demo_data()


def test_the_people_can_sign_in() -> None:
    seed(timezone.now())
    operator = User.objects.get(email="admin@northwind.example")
    assert operator.is_superuser
    assert operator.check_password("demo-password")
    ala = Membership.objects.get(user__email="ala@northstar.example")
    assert (ala.role, ala.user.language) == ("admin", "pl")


def test_the_month_shows_both_kinds_and_why_others_were_not_told() -> None:
    seed(timezone.now())
    told = set(Decision.objects.filter(outcome="send").values_list("kind", flat=True))
    assert told == {"lead", "client", "deal"}
    reasons = set(Decision.objects.values_list("reason", flat=True))
    assert reasons >= {
        "no_registration",
        "registration_not_active",
        "account_toggle_off",
        "bot",
        "cooldown",
        "company_owner_not_gs",
        "not_first_partner",
    }
    assert Notification.objects.filter(read_at=None).exists()
    assert Notification.objects.exclude(read_at=None).exists()


def test_every_row_is_of_the_time_of_its_activity() -> None:
    """The inbox and the Communication page show the same time for the same event."""
    seed(timezone.now())
    assert Notification.objects.exclude(created_at=F("activity__occurred_at")).count() == 0
    assert Decision.objects.exclude(created_at=F("activity__occurred_at")).count() == 0


def test_nobody_was_told_late() -> None:
    seed(timezone.now())
    in_time = F("notification__created_at") + timedelta(seconds=5)
    assert not Delivery.objects.filter(done_at__gt=in_time).exists()
    assert not Attempt.objects.filter(ended_at__gt=F("delivery__done_at")).exists()


def test_a_deal_has_lost_its_first_partner() -> None:
    seed(timezone.now())
    shares = DealShare.objects.filter(deal__name="Vesper CRM")
    assert [share.position for share in shares] == [2]


def test_what_one_plays_on_the_website_is_not_on_cooldown() -> None:
    seed(timezone.now())
    recent = Activity.objects.filter(
        contact__email="anna@acme.example", occurred_at__gt=timezone.now() - timedelta(days=2)
    )
    assert not recent.exists()
