"""Deliveries: what is checked again, what is retried, what a dead worker leaves."""

from __future__ import annotations

import smtplib
import uuid
from datetime import timedelta

import pytest
import requests
from allauth.account.models import EmailAddress
from anymail.exceptions import AnymailRequestsAPIError
from django.core import mail
from django.utils import timezone

from notifications.channels import EMAIL
from notifications.channels.base import Failure
from notifications.channels.email import EmailChannel, as_delivery_error
from notifications.delivery import outcome as outcomes
from notifications.delivery.checked import Checked
from notifications.delivery.claim import claim, sweep
from notifications.delivery.outcome import next_try
from notifications.delivery.recheck import Recheck
from notifications.delivery.send import deliver_due
from notifications.drain import drain
from notifications.evaluation import evaluate_due
from notifications.invariants import broken
from notifications.models import Attempt, Decision, Delivery, Suppression
from notifications.topics import CO_SELLING
from partners.models import DealMember, DealShare
from tests.factories import choose, make_account, make_activity, make_member
from tests.northstar import SIGN_UP

pytestmark = pytest.mark.django_db
# The bell, which is delivered with the decision.
TOLD_AT_ONCE = ("desktop", "delivered", "sent")
PAST = timezone.now() - timedelta(minutes=1)


@pytest.fixture
def decided(northstar):
    """A demo request of Northstar's lead, decided but not sent."""
    northstar.happens()
    evaluate_due()
    return northstar


@pytest.fixture
def signed_up(northstar):
    northstar.lead.delete()
    bo = make_member(northstar.account, "bo@northstar.example")
    choose(bo, "email", CO_SELLING, True)
    northstar.bo = bo
    northstar.deal = northstar.share_a_deal(bo)
    make_activity(northstar.source, northstar.contact, **SIGN_UP)
    evaluate_due()
    return northstar


def send() -> None:
    for lane in ("email", "desktop"):
        deliver_due(lane)


def checked(pk: int) -> Checked:
    recheck = Recheck([pk])
    return recheck.check(recheck.deliveries[0])


def outcome() -> list[tuple[str, str, str]]:
    rows = Delivery.objects.order_by("pk").values_list("channel", "state", "reason")
    return list(rows)


# --- Checked again right before the send --------------------------------------------------


def test_the_recipient_is_resolved_at_send_time(decided):
    """R32: the mail goes to the new one only, and both are explained."""
    bartek = make_member(decided.account, "bartek@northstar.example")
    decided.settings.recipient = bartek
    decided.settings.save()
    drain(patience_seconds=0)
    assert [m.to for m in mail.outbox] == [["bartek@northstar.example"]]
    assert outcome()[:2] == [
        TOLD_AT_ONCE,
        ("email", "cancelled", "recipient_changed"),
    ]
    lines = Decision.objects.order_by("pk").values_list("membership__user__email", "reason")
    assert list(lines) == [
        ("ala@northstar.example", "recipient_changed"),
        ("bartek@northstar.example", "sent"),
    ]


def test_a_recipient_changed_twice_is_told_once(decided):
    bartek = make_member(decided.account, "bartek@northstar.example")
    for recipient in (bartek, decided.ala):
        decided.settings.recipient = recipient
        decided.settings.save()
        deliver_due("desktop")
    drain(patience_seconds=0)
    assert sum(broken().values()) == 0
    assert len(mail.outbox) <= 1


def test_toggle_off_cancels_what_is_queued(decided):
    """R26."""
    decided.settings.receive_lead_activity = False
    decided.settings.save()
    send()
    assert outcome() == [TOLD_AT_ONCE, ("email", "cancelled", "account_toggle_off")]
    assert Decision.objects.get().reason == "account_toggle_off"


def test_a_registration_that_ended_is_not_told(decided):
    """R15: both at the action and at the send."""
    decided.lead.expires_at = timezone.now() - timedelta(seconds=1)
    decided.lead.save()
    send()
    assert outcome() == [TOLD_AT_ONCE, ("email", "cancelled", "registration_not_active")]


def test_a_recipient_deactivated_meanwhile(decided):
    """R33."""
    decided.ala.is_active = False
    decided.ala.save()
    send()
    assert outcome() == [TOLD_AT_ONCE, ("email", "cancelled", "recipient_inactive")]


def test_own_wishes_count_until_the_send(decided):
    choose(decided.ala, "email", "enabled", False)
    send()
    assert outcome() == [("desktop", "delivered", "sent"), ("email", "suppressed", "email_off")]
    assert not mail.outbox


def test_partner_status_that_ended_keeps_settings_and_sends_nothing(decided):
    """R3."""
    decided.account.is_active = False
    decided.account.save()
    send()
    assert outcome() == [TOLD_AT_ONCE, ("email", "cancelled", "not_partner")]


def test_who_left_the_deal_is_dropped(signed_up):
    """R57, R101."""
    DealMember.objects.filter(membership=signed_up.bo).update(removed_at=timezone.now())
    send()
    assert outcome() == [("email", "cancelled", "no_longer_member")]
    told = Decision.objects.get(membership=signed_up.bo)
    assert (told.outcome, told.reason) == ("no", "no_longer_member")


def test_a_share_that_was_revoked(signed_up):
    """R45, R101."""
    DealShare.objects.all().delete()
    send()
    assert outcome() == [("email", "cancelled", "not_shared")]


def test_of_a_merged_message_the_reason_that_still_holds_is_told(northstar):
    northstar.share_a_deal()
    choose(northstar.ala, "email", CO_SELLING, True)
    northstar.happens(**SIGN_UP)
    evaluate_due()
    northstar.settings.receive_lead_activity = False
    northstar.settings.save()
    send()
    (message,) = mail.outbox
    assert message.subject.startswith("Shared deal")
    assert "chosen recipient" not in message.body


# --- Answers of the other side --------------------------------------------------------------


class FailingBackend:
    """A mail connection whose answers are given."""

    error: Exception | None = None

    def __init__(self, **_options):
        self.open = self.close = lambda: None

    def send_messages(self, messages):
        if FailingBackend.error:
            raise FailingBackend.error
        return len(messages)


@pytest.fixture
def answers(settings):
    settings.EMAIL_BACKEND = f"{__name__}.FailingBackend"

    def answer(error):
        FailingBackend.error = error

    yield answer
    FailingBackend.error = None


@pytest.mark.parametrize(
    ("error", "state", "attempt"),
    [
        (smtplib.SMTPDataError(421, b"later"), "pending", "refused"),
        (smtplib.SMTPDataError(450, b"greylisted"), "pending", "refused"),
        (smtplib.SMTPDataError(554, b"spam"), "dead", "refused"),
        (smtplib.SMTPDataError(552, b"too large"), "dead", "refused"),
        (smtplib.SMTPRecipientsRefused({"a": (550, b"5.1.1 unknown")}), "dead", "refused"),
        (smtplib.SMTPServerDisconnected("gone"), "pending", "unknown"),
        (TimeoutError("after DATA"), "pending", "unknown"),
        (ZeroDivisionError("a bug"), "pending", "unknown"),
    ],
)
def test_what_an_answer_means(decided, answers, error, state, attempt):
    """T40, T41."""
    answers(error)
    deliver_due("email")
    row = Delivery.objects.get(channel="email")
    assert (row.state, row.starts) == (state, 1)
    assert row.attempts.get().outcome == attempt
    assert row.detail
    if state == "pending":
        assert row.not_before > timezone.now() + timedelta(seconds=20)
    assert sum(broken().values()) == 0


def test_an_unknown_address_is_suppressed(decided, answers):
    """R83."""
    answers(smtplib.SMTPRecipientsRefused({"a": (550, b"5.1.1 no such user")}))
    deliver_due("email")
    assert Suppression.objects.get().address == "ala@northstar.example"
    assert Delivery.objects.get(channel="email").reason == "suppressed_address"


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (smtplib.SMTPRecipientsRefused({"a": (550, b"5.7.1 relaying denied")}), "dead"),
        (smtplib.SMTPRecipientsRefused({"a": (554, b"5.7.1 blocked by policy")}), "dead"),
        (smtplib.SMTPSenderRefused(550, b"5.7.1 sender not verified", "us"), "pending"),
        (smtplib.SMTPDataError(550, b"5.7.1 looks like spam"), "dead"),
    ],
)
def test_what_is_not_the_addresses_fault_silences_nobody(decided, answers, error, state):
    """R83: a wrong sender or a policy must not suppress every recipient."""
    answers(error)
    deliver_due("email")
    assert not Suppression.objects.exists()
    assert Delivery.objects.get(channel="email").state == state


def test_retries_follow_the_table_and_end(decided, answers):
    answers(smtplib.SMTPDataError(450, b"later"))
    for tries in range(1, 9):
        Delivery.objects.filter(channel="email").update(not_before=PAST)
        deliver_due("email")
        assert Delivery.objects.get(channel="email").starts == tries
    row = Delivery.objects.get(channel="email")
    assert (row.state, row.attempts.count()) == ("dead", 8)
    assert sum(broken().values()) == 0


def test_a_retry_keeps_its_message_id(decided, answers, settings):
    answers(smtplib.SMTPDataError(450, b"later"))
    deliver_due("email")
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    Delivery.objects.filter(channel="email").update(not_before=PAST)
    deliver_due("email")
    public_id = str(Delivery.objects.get(channel="email").public_id)
    assert mail.outbox[0].extra_headers["Message-ID"].startswith(f"<{public_id}@")
    assert mail.outbox[0].extra_headers["X-PN-Delivery"] == public_id


def test_the_pauses_are_spread(settings):
    pauses = {next_try(EmailChannel(), 1) for _ in range(50)}
    assert len(pauses) > 40
    assert all(timedelta(seconds=24) <= p <= timedelta(seconds=36) for p in pauses)
    assert next_try(EmailChannel(), 8) is None


def test_anymail_answers_are_classified():
    class Response:
        def __init__(self, status_code):
            self.status_code = status_code
            self.text = self.reason = ""
            self.request = None

    for code, failure, permanent in (
        (422, Failure.REFUSED, True),
        (429, Failure.REFUSED, False),
        (503, Failure.REFUSED, False),
        (500, Failure.UNKNOWN, False),
        (504, Failure.UNKNOWN, False),
        (200, Failure.UNKNOWN, False),
        (401, Failure.REFUSED, False),
    ):
        error = as_delivery_error(AnymailRequestsAPIError(response=Response(code)))
        assert (error.failure, error.permanent) == (failure, permanent)


@pytest.mark.parametrize(
    ("status", "header", "wait"), [(429, "", 60), (429, "7", 7), (503, "", None), (422, "", None)]
)
def test_how_long_a_mail_service_is_left_alone(status, header, wait):
    answer = requests.Response()
    answer.status_code, answer.headers["Retry-After"] = status, header
    error = as_delivery_error(AnymailRequestsAPIError(response=answer))
    assert error.retry_after == (timedelta(seconds=wait) if wait else None)


def test_no_control_character_of_a_mail_server_is_kept():
    """PostgreSQL stores no NUL; what became of the message could not be written down."""
    error = as_delivery_error(smtplib.SMTPDataError(554, b"5.6.0 no\0such\r\nthing"))
    assert error.detail == "554 5.6.0 no such thing"


# --- Leases -----------------------------------------------------------------------------------


def expire_leases() -> None:
    Delivery.objects.filter(state__in=Delivery.HELD).update(
        lease_until=timezone.now() - timedelta(seconds=1)
    )


def test_two_claims_never_take_the_same_row(decided):
    assert len(claim(EMAIL, uuid.uuid4(), 10)) == 1
    assert claim(EMAIL, uuid.uuid4(), 10) == []


def test_a_lease_without_a_send_is_taken_back_free_of_charge(decided):
    """T03."""
    claim(EMAIL, uuid.uuid4(), 10)
    assert sweep() == {"unsent": 0, "interrupted": 0}
    expire_leases()
    assert sweep() == {"unsent": 1, "interrupted": 0}
    drain(patience_seconds=0)
    assert Delivery.objects.get(channel="email").starts == 1 and len(mail.outbox) == 1


def test_a_send_that_was_cut_is_sent_again_with_its_id(decided):
    """T04: at least once; the cut attempt stays visible as unknown."""
    token = uuid.uuid4()
    (pk,) = claim(EMAIL, token, 10)
    assert outcomes.start(checked(pk), token) is None
    expire_leases()
    assert sweep()["interrupted"] == 1
    Delivery.objects.update(not_before=PAST)
    drain(patience_seconds=0)
    row = Delivery.objects.get(channel="email")
    assert list(row.attempts.order_by("n").values_list("outcome", flat=True)) == ["unknown", "ok"]
    assert sum(broken().values()) == 0


def test_a_worker_that_lost_its_lease_changes_nothing(decided):
    """T18."""
    token = uuid.uuid4()
    (pk,) = claim(EMAIL, token, 10)
    row = checked(pk)
    outcomes.start(row, token)
    expire_leases()
    sweep()
    before = Delivery.objects.values().get(pk=pk)
    outcomes.finish(outcomes.Accepted(checked=row, route=row.routes[0], detail="late"), token)
    assert Delivery.objects.values().get(pk=pk) == before
    assert Attempt.objects.get(delivery=pk).outcome == "unknown"


def test_sweeping_many_times_is_harmless(decided):
    """T49."""
    drain(patience_seconds=0)
    before = list(Delivery.objects.values())
    for _ in range(5):
        sweep()
    assert list(Delivery.objects.values()) == before


def test_accounts_of_other_partners_are_untouched(decided):
    other = make_account("southwind")
    drain(patience_seconds=0)
    assert not Decision.objects.filter(account=other).exists()


def test_an_address_that_nobody_has_confirmed_gets_no_mail(northstar):
    EmailAddress.objects.filter(user=northstar.ala.user).update(verified=False)
    northstar.happens()
    drain(patience_seconds=0)
    assert mail.outbox == []
    assert ("email", "suppressed", "suppressed_address") in outcome()


def test_an_address_that_lost_its_confirmation_meanwhile_gets_no_mail(decided):
    EmailAddress.objects.filter(user=decided.ala.user).update(verified=False)
    drain(patience_seconds=0)
    assert mail.outbox == []
    assert ("email", "suppressed", "suppressed_address") in outcome()
