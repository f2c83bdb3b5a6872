"""The floor of evaluation: what one would write first. Event by event, query by query.

Same tables, same outcome for the usual cases; nothing is batched or prefetched.
"""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from accounts.models import Membership, User
from notifications.models import (
    CommunicationSettings,
    DealSignUp,
    Decision,
    Delivery,
    Notification,
    NotificationReason,
    Preference,
    Suppression,
)
from notifications.triggers import CATALOGUE, Matcher
from partners.domains import email_domain
from partners.models import Activity, Company, CompanyContact, Deal, DealMember, DealShare, Lead

MATCHER = Matcher([(trigger, trigger.on_by_default) for trigger in CATALOGUE])


@transaction.atomic
def evaluate_one(pk: int) -> None:
    activity = Activity.objects.get(pk=pk)
    match = MATCHER.match(type=activity.type, name=activity.name, payload=activity.payload)
    if match and not User.objects.filter(email=activity.contact.email).exists():
        notification = _lead_activity(activity, match.trigger.key)
        if match.trigger.deal_eligible:
            _deal_sign_up(activity, match.trigger.key, notification)
    activity.state = "evaluated"
    activity.evaluated_at = timezone.now()
    activity.save()


def _ticked(membership: Membership, channel: str, key: str, default: bool) -> bool:
    row = Preference.objects.filter(membership=membership, channel=channel, key=key).first()
    return row.is_on if row else default


def _decide(activity: Activity, kind: str, trigger: str, reason: str, **fields: object) -> None:
    Decision.objects.create(
        activity=activity, kind=kind, trigger=trigger, reason=reason,
        outcome="send" if reason == "sent" else "no",
        occurred_at=activity.occurred_at, **fields,
    )  # fmt: skip


def _tell(activity: Activity, membership: Membership, trigger: str, topic: str) -> Notification:
    notification = Notification.objects.create(
        account=membership.account, membership=membership, activity=activity,
        dedupe_key=f"activity:{activity.pk}", trigger=trigger,
    )  # fmt: skip
    for channel in ("email", "desktop"):
        Delivery.objects.create(
            account=membership.account, notification=notification, channel=channel, topic=topic
        )
    return notification


def _lead_activity(activity: Activity, trigger: str) -> Notification | None:
    domain = email_domain(activity.contact.email)
    now = timezone.now()
    lead = (
        Lead.objects.filter(email=activity.contact.email).first()
        or Lead.objects.filter(domain=domain, status="registered").first()
    )
    if lead is None or lead.registered_at > activity.occurred_at:
        _decide(activity, "lead", trigger, "no_registration")
        return None
    wishes = CommunicationSettings.objects.filter(account=lead.account).first()
    if wishes is None or not wishes.receive_lead_activity:
        _decide(activity, "lead", trigger, "account_toggle_off", account=lead.account, lead=lead)
        return None
    recipient = wishes.recipient
    since = now - timedelta(hours=24)
    fields = {"account": lead.account, "membership": recipient, "lead": lead}
    if (
        trigger == "pricing_view"
        and Decision.objects.filter(
            lead=lead, trigger=trigger, outcome="send", occurred_at__gt=since
        ).exists()
    ):
        _decide(activity, "lead", trigger, "cooldown", **fields)
        return None
    on = _ticked(recipient, "email", "enabled", True)
    if not on or not _ticked(recipient, "email", "registered_lead_activity", True):
        _decide(activity, "lead", trigger, "email_off", **fields)
        return None
    if Suppression.objects.filter(address=recipient.user.email).exists():
        _decide(activity, "lead", trigger, "suppressed_address", **fields)
        return None
    notification = _tell(activity, recipient, trigger, "registered_lead_activity")
    NotificationReason.objects.create(notification=notification, kind="lead", lead=lead)
    _decide(activity, "lead", trigger, "sent", notification=notification, **fields)
    return notification


def _deal_sign_up(activity: Activity, trigger: str, known: Notification | None) -> None:
    domain = email_domain(activity.contact.email)
    company = Company.objects.filter(domain=domain).first()
    if company is None:
        _decide(activity, "deal", trigger, "no_company")
        return
    CompanyContact.objects.get_or_create(company=company, contact=activity.contact)
    owner = Membership.objects.filter(user=company.owner, role="growth_specialist").exists()
    if not owner:
        _decide(activity, "deal", trigger, "company_owner_not_gs")
        return
    for deal in Deal.objects.filter(company=company, archived_at=None):
        first = DealShare.objects.filter(deal=deal, position=1).first()
        _, new = DealSignUp.objects.get_or_create(
            deal=deal, contact=activity.contact, defaults={"activity": activity}
        )
        for member in DealMember.objects.filter(deal=deal, removed_at=None):
            membership = member.membership
            fields = {"account": membership.account, "membership": membership, "deal": deal}
            if first is None or first.account != membership.account or not new:
                _decide(activity, "deal", trigger, "not_first_partner", **fields)
            elif not _ticked(membership, "email", "co_selling_prospect_activity", False):
                _decide(activity, "deal", trigger, "topic_off", **fields)
            else:
                same = known and known.membership == membership
                notification = (
                    known
                    if same
                    else _tell(activity, membership, trigger, "co_selling_prospect_activity")
                )
                NotificationReason.objects.create(notification=notification, kind="deal", deal=deal)
                _decide(activity, "deal", trigger, "sent", notification=notification, **fields)
