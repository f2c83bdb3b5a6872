"""A batch of activities: what is written, and how often it asks."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Membership
from notifications.delivery.recheck import Recheck
from notifications.drain import drain
from notifications.evaluation import evaluate_due
from notifications.models import (
    Decision,
    Delivery,
    Notification,
    Preference,
    Suppression,
    Trigger,
)
from notifications.topics import CO_SELLING
from partners.models import Activity, Client, CompanyContact, Contact
from tests.factories import (
    choose,
    make_account,
    make_client,
    make_company,
    make_contact,
    make_member,
    make_profile,
    make_source,
)
from tests.northstar import PRICING, SIGN_UP, Northstar

pytestmark = pytest.mark.django_db


def reasons(**filters) -> list[str]:
    return list(Decision.objects.filter(**filters).order_by("pk").values_list("reason", flat=True))


# --- Constant number of queries -------------------------------------------------------


def grow(size: int, tag: str) -> None:
    source = make_source()[0]
    for n in range(size):
        partner = Northstar(f"{tag}-{n}", f"{tag}{n}.example")
        partner.source = source
        bo = make_member(partner.account)
        choose(bo, "email", CO_SELLING, True)
        partner.settings.additional.create(membership=bo)
        partner.settings.additional.create(membership=make_member(partner.account), triggers=["x"])
        partner.settings.additional.create()
        partner.lead.owner = make_member(partner.account)
        partner.lead.save()
        partner.share_a_deal(bo)
        make_profile(partner.account, "Sales", bo, cells={("desktop", CO_SELLING): True})
        make_profile(partner.account, "All", cells={("email", CO_SELLING): True}, is_default=True)
        make_client(make_account(), partner.lead.domain)
        for _ in range(2):
            partner.happens()
            partner.happens(**SIGN_UP)
            partner.happens(**PRICING)


def queries_of(act) -> list[str]:
    with CaptureQueriesContext(connection) as captured:
        act()
    return [q["sql"] for q in captured]


def test_a_batch_asks_the_same_number_of_questions_whatever_its_size():
    """Doubles activities, leads, clients, companies, deals, shares, members and accounts.

    Only each write key that waits is asked for its share.
    """
    grow(1, "warm")
    evaluate_due()
    grow(2, "few")
    few = queries_of(evaluate_due)
    grow(4, "many")
    many = queries_of(evaluate_due)
    assert not Activity.objects.filter(state="pending").exists()
    assert len(few) == len(many), "\n\n".join(many)


def test_a_batch_of_deliveries_asks_the_same_number_of_questions_before_it_sends():
    counts = []
    for size, tag in ((2, "few"), (4, "many")):
        grow(size, tag)
        evaluate_due()
        ids = list(Delivery.objects.filter(state="pending").values_list("pk", flat=True))
        counts.append(len(queries_of(lambda ids=ids: Recheck(ids))))
        drain(patience_seconds=0)
    assert counts[0] == counts[1]


# --- Kind 1 ----------------------------------------------------------------------------


def test_page_views_cool_down_per_lead_and_trigger(northstar):
    """R81; also inside one batch."""
    for _ in range(3):
        northstar.happens(**PRICING)
    northstar.happens()
    northstar.happens()
    evaluate_due()
    northstar.happens(**PRICING)
    evaluate_due()
    assert reasons() == ["sent", "cooldown", "cooldown", "sent", "sent", "cooldown"]


def test_after_a_day_the_page_view_counts_again(northstar):
    now = timezone.now()
    northstar.happens(**PRICING, occurred_at=now - timedelta(hours=25))
    northstar.happens(**PRICING, occurred_at=now)
    evaluate_due()
    assert reasons() == ["sent", "sent"]


def test_what_was_not_told_does_not_cool_down(northstar):
    northstar.settings.receive_lead_activity = False
    northstar.settings.save()
    northstar.happens(**PRICING)
    evaluate_due()
    northstar.settings.receive_lead_activity = True
    northstar.settings.save()
    northstar.happens(**PRICING)
    evaluate_due()
    assert reasons() == ["account_toggle_off", "sent"]


def test_what_never_arrived_does_not_cool_down(northstar, settings):
    """R81: neither a capped mail without a bell, nor one that its reader stopped."""
    choose(northstar.ala, "desktop", "bell", False)
    settings.EMAIL_DAILY_CAP = 0
    northstar.happens(**PRICING)
    evaluate_due()
    settings.EMAIL_DAILY_CAP = 1_000
    northstar.happens(**PRICING)
    evaluate_due()
    choose(northstar.ala, "email", "enabled", False)
    drain(patience_seconds=0)
    Preference.objects.filter(channel="email").delete()
    northstar.happens(**PRICING)
    evaluate_due()
    assert reasons() == ["daily_cap", "email_off", "sent"]


def test_matching_by_domain_not_by_the_contacts_present_company(northstar):
    """R16, R17: exact e-mail first, then the company's domain, then the e-mail's domain."""
    other = Northstar("southwind", "other.example")
    by_email = make_contact("boss@gmail.com")
    other.lead.email = "boss@gmail.com"
    other.lead.save()
    moved = make_contact("eve@acme.example", make_company("other.example"))
    northstar.happens(contact=by_email)
    northstar.happens(contact=moved)
    northstar.happens(contact=make_contact("x@mail.acme.example"))
    northstar.happens(contact=make_contact("stranger@gmail.com"))
    evaluate_due()
    told = Decision.objects.order_by("pk").values_list("account__slug", flat=True)
    assert list(told) == ["southwind", "southwind", "northstar", None]


def test_free_mail_never_matches_by_domain():
    """R17: even if somebody registered it."""
    partner = Northstar(domain="gmail.com")
    partner.happens(contact=make_contact("stranger@gmail.com"))
    evaluate_due()
    assert reasons() == ["no_registration"]


def test_clients_are_told_and_can_be_switched_off(northstar):
    """R6, F2."""
    northstar.lead.delete()
    make_client(northstar.account)
    northstar.happens()
    evaluate_due()
    northstar.settings.client_activity = False
    northstar.settings.save()
    northstar.happens()
    evaluate_due()
    assert list(Decision.objects.values_list("kind", "reason").order_by("pk")) == [
        ("client", "sent"),
        ("client", "account_toggle_off"),
    ]
    assert Client.objects.get().account == northstar.account


def test_an_unidentified_visitor_is_nobodys_lead(northstar):
    """R19."""
    northstar.happens(contact=None, anonymous_id="v1")
    evaluate_due()
    assert reasons() == ["no_registration"]


def test_users_of_the_system_are_internal(northstar):
    """R20."""
    northstar.happens(contact=make_contact("ala@northstar.example"))
    evaluate_due()
    assert reasons() == ["internal"]


@pytest.mark.parametrize(
    ("agent", "reason"),
    [("Mozilla/5.0 (compatible; Googlebot/2.1)", "bot"), ("Mozilla/5.0 Firefox/140", "sent")],
)
def test_robots_do_not_view_pages(northstar, agent, reason):
    """R21."""
    page = {**PRICING, "payload": {**PRICING["payload"], "context": {"userAgent": agent}}}
    northstar.happens(**page)
    evaluate_due()
    assert reasons() == [reason]


def test_late_events_are_stale(northstar):
    """R22."""
    northstar.happens(occurred_at=timezone.now() - timedelta(hours=73))
    evaluate_due()
    assert reasons() == ["stale"]


def test_a_contact_who_denied_consent(northstar):
    """R23."""
    Contact.objects.update(consent_denied=True)
    northstar.happens()
    evaluate_due()
    assert reasons() == ["no_consent"]


def test_the_daily_cap_counts_per_topic_and_leaves_the_bell(northstar, settings):
    """R71."""
    settings.EMAIL_DAILY_CAP = 2
    for _ in range(2):
        northstar.happens()
        northstar.happens()
        evaluate_due()
    assert reasons() == ["sent", "sent", "daily_cap", "daily_cap"]
    ordinary = Delivery.objects.filter(notification__notice="")
    assert ordinary.filter(channel="desktop", state="delivered").count() == 4
    assert list(
        Delivery.objects.filter(reason="daily_cap").values_list("channel", "state").distinct()
    ) == [("email", "suppressed")]


@pytest.mark.parametrize("at_once", [True, False])
def test_the_daily_cap_is_that_of_the_address_in_whatever_accounts(northstar, settings, at_once):
    """R71: Ala works for two partners."""
    settings.EMAIL_DAILY_CAP = 2
    southwind = Northstar("southwind", "bolt.example")
    southwind.settings.recipient = Membership.objects.create(
        account=southwind.account, user=northstar.ala.user, role="admin"
    )
    southwind.settings.save()
    for partner in (northstar, southwind):
        partner.happens()
        partner.happens()
        if not at_once:
            evaluate_due()
    evaluate_due()
    assert reasons() == ["sent", "sent", "daily_cap", "daily_cap"]
    assert Notification.objects.filter(notice="daily_cap").count() == 1


def test_a_suppressed_address_gets_a_bell_item_only(northstar):
    Suppression.objects.create(address="ala@northstar.example", cause="bounce")
    northstar.happens()
    drain(patience_seconds=0)
    assert reasons() == ["suppressed_address"]
    assert not mail.outbox
    assert Delivery.objects.get(channel="desktop").state == "delivered"


def test_a_trigger_switched_off_by_the_operator(northstar):
    Trigger.objects.create(key="demo_request", enabled=False)
    northstar.happens()
    evaluate_due()
    assert reasons() == ["trigger_off"]


def test_an_operators_own_trigger(northstar):
    Trigger.objects.create(key="roi", label="Used the calculator", event_name="ROI Calculated")
    northstar.happens(event="roi calculated")
    evaluate_due()
    assert list(Decision.objects.values_list("trigger", "reason")) == [("roi", "sent")]


def test_no_trigger_no_line(northstar):
    northstar.happens(event="Something Else")
    northstar.happens(event="Signed Up", payload={"properties": {"product": "newsletter"}})
    evaluate_due()
    assert not Decision.objects.exists()
    assert Activity.objects.filter(state="evaluated").count() == 2


# --- Kind 2 ----------------------------------------------------------------------------


def test_someone_first_seen_is_linked_by_the_domain_unless_unlinked(northstar):
    """R41."""
    northstar.share_a_deal()
    choose(northstar.ala, "email", CO_SELLING, True)
    new = make_contact("new@acme.example")
    gone = make_contact("gone@acme.example")
    CompanyContact.objects.create(
        company=CompanyContact.objects.first().company, contact=gone, unlinked=True
    )
    northstar.happens(contact=new, **SIGN_UP)
    northstar.happens(contact=gone, **SIGN_UP)
    evaluate_due()
    assert reasons(kind="deal") == ["sent", "no_company"]


def test_one_message_with_both_reasons(northstar):
    """R61."""
    northstar.share_a_deal()
    choose(northstar.ala, "email", CO_SELLING, True)
    northstar.happens(**SIGN_UP)
    drain(patience_seconds=0)
    assert reasons() == ["sent", "sent"]
    assert Notification.objects.count() == 1
    assert sorted(Notification.objects.get().reasons.values_list("kind", flat=True)) == [
        "deal",
        "lead",
    ]
    assert len(mail.outbox) == 1
    assert "chosen recipient" in mail.outbox[0].body and "on the team" in mail.outbox[0].body


def test_the_account_toggle_has_no_effect_on_deals(northstar):
    """R11, R60."""
    northstar.share_a_deal()
    choose(northstar.ala, "email", CO_SELLING, True)
    northstar.settings.receive_lead_activity = False
    northstar.settings.save()
    northstar.happens(**SIGN_UP)
    drain(patience_seconds=0)
    assert reasons(kind="deal") == ["sent"] and len(mail.outbox) == 1


def test_a_repeated_sign_up_stays_quiet_for_both_kinds(northstar):
    """R59."""
    northstar.share_a_deal()
    choose(northstar.ala, "email", CO_SELLING, True)
    for _ in range(2):
        northstar.happens(**SIGN_UP)
    evaluate_due()
    assert reasons(kind="deal") == ["sent", "already_signed_up"]
    assert reasons(kind="lead") == ["sent", "already_signed_up"]


def test_pricing_view_of_a_deal_prospect_is_of_neither_kind(northstar):
    """R8."""
    northstar.share_a_deal()
    choose(northstar.ala, "email", CO_SELLING, True)
    northstar.lead.delete()
    northstar.happens(**PRICING)
    evaluate_due()
    assert list(Decision.objects.values_list("kind", "reason")) == [("lead", "no_registration")]
