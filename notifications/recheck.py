"""Right before a send: does it still hold? The same rules as when it was decided (R32, R57).

Facts of a batch of deliveries in a constant number of queries; the answers are pure.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Prefetch

from accounts.models import Membership, Vendor
from notifications.channels import EMAIL
from notifications.eligibility import (
    Event,
    Person,
    topic_of,
    why_no_email,
    why_not_account,
    why_not_first_partner,
)
from notifications.facts.deals import as_shared_deal
from notifications.facts.people import load_people
from notifications.facts.registrations import as_registration
from notifications.models import (
    CommunicationSettings,
    Delivery,
    Kind,
    NotificationReason,
)
from notifications.reasons import Reason
from notifications.rendering import MessageContext
from partners.models import DealMember, DealShare

# The user's own wishes and the address: the message is suppressed, not cancelled.
_OWN_WISHES = frozenset({Reason.EMAIL_OFF, Reason.TOPIC_OFF, Reason.SUPPRESSED_ADDRESS})


@dataclass(frozen=True, kw_only=True)
class Checked:
    """A delivery that may be sent (`stop` None), or the reason why not any more.

    `moved` are reasons whose account has chosen another recipient since.
    """

    delivery: Delivery
    context: MessageContext
    address: str
    stop: Reason | None
    moved: tuple[NotificationReason, ...] = ()

    @property
    def stopped_state(self) -> str:
        own = self.stop in _OWN_WISHES
        return Delivery.State.SUPPRESSED if own else Delivery.State.CANCELLED


def load(delivery_ids: Iterable[int]) -> list[Delivery]:
    """Return the deliveries with everything a check and a message need. 2 queries."""
    reasons = NotificationReason.objects.select_related(
        "lead__account", "client__account", "deal__company"
    ).order_by("pk")
    return list(
        Delivery.objects.filter(pk__in=delivery_ids)
        .select_related(
            "notification__membership__user",
            "notification__membership__account",
            "notification__activity__contact",
        )
        .prefetch_related(Prefetch("notification__reasons", queryset=reasons))
        .order_by("not_before", "pk")
    )


def check(deliveries: list[Delivery], now: datetime) -> list[Checked]:
    """Return what may be sent and what may not, in the same order. 7 queries."""
    facts = _Facts(deliveries)
    vendor = Vendor.current()
    return [_check(delivery, facts, vendor.name, now) for delivery in deliveries]


class _Facts:
    def __init__(self, deliveries: Iterable[Delivery]) -> None:
        notifications = [delivery.notification for delivery in deliveries]
        reasons = [r for n in notifications for r in n.reasons.all()]
        memberships = {n.membership_id: n.membership for n in notifications}
        self.people = load_people(memberships.values())
        self.communication = {
            row.account_id: row
            for row in CommunicationSettings.objects.filter(
                account__in={m.account_id for m in memberships.values()}
            )
        }
        deal_ids = {r.deal_id for r in reasons if r.deal_id}
        self.shares: Mapping[int, list[DealShare]] = defaultdict(list)
        for share in DealShare.objects.filter(deal__in=deal_ids).select_related("account"):
            self.shares[share.deal_id].append(share)
        self.current_members = set(
            DealMember.objects.filter(deal__in=deal_ids, removed_at=None).values_list(
                "deal_id", "membership_id"
            )
        )


def _check(delivery: Delivery, facts: _Facts, vendor_name: str, now: datetime) -> Checked:
    notification = delivery.notification
    membership = notification.membership
    answers = [
        (reason, _why_not(reason, delivery, facts, now)) for reason in notification.reasons.all()
    ]
    holding = tuple(reason for reason, why in answers if why is None)
    stop = None
    if not holding:
        stop = next((why for _, why in answers if why), Reason.NO_REGISTRATION)
    return Checked(
        delivery=delivery,
        context=MessageContext(
            delivery=delivery,
            notification=notification,
            membership=membership,
            reasons=holding,
            vendor_name=vendor_name,
        ),
        address=membership.user.email if delivery.channel == EMAIL else "",
        stop=stop,
        moved=tuple(r for r, why in answers if why == Reason.RECIPIENT_CHANGED),
    )


def _why_not(
    reason: NotificationReason, delivery: Delivery, facts: _Facts, now: datetime
) -> Reason | None:
    membership = delivery.notification.membership
    person = facts.people[membership.pk]
    contact = delivery.notification.activity.contact
    if contact is not None and contact.consent_denied:  # Withdrawn or erased since (R23).
        return Reason.NO_CONSENT
    if reason.kind == Kind.DEAL:
        why = _why_not_deal(reason, membership, facts)
    else:
        why = _why_not_registration(reason, delivery, facts, now)
    return why or _why_not_channel(delivery, person, topic_of(reason.kind))


def _why_not_registration(
    reason: NotificationReason, delivery: Delivery, facts: _Facts, now: datetime
) -> Reason | None:
    row = reason.lead or reason.client
    if row is None:  # Deregistered since.
        return Reason.NO_REGISTRATION
    membership = delivery.notification.membership
    wishes = facts.communication.get(row.account_id)
    activity = delivery.notification.activity
    event = Event(
        contact_id=activity.contact_id,
        occurred_at=activity.occurred_at,
        trigger=delivery.notification.trigger,
    )
    if why := why_not_account(event, as_registration(row, wishes), now):
        return why
    if wishes is None or wishes.recipient_id is None:
        return Reason.NO_RECIPIENT
    if wishes.recipient_id != membership.pk:
        return Reason.RECIPIENT_CHANGED
    return None if membership.is_current else Reason.RECIPIENT_INACTIVE


def _why_not_deal(
    reason: NotificationReason, membership: Membership, facts: _Facts
) -> Reason | None:
    deal = reason.deal
    if deal is None or deal.archived_at:
        return Reason.NO_COSOLD_DEAL
    shared = as_shared_deal(deal.pk, facts.shares[deal.pk])
    if why := why_not_first_partner(shared, membership.account_id):
        return why
    if (deal.pk, membership.pk) not in facts.current_members:
        return Reason.NO_LONGER_MEMBER
    return None if membership.is_current else Reason.USER_INACTIVE


def _why_not_channel(delivery: Delivery, person: Person, topic: str) -> Reason | None:
    if delivery.channel == EMAIL:
        return why_no_email(person, topic)
    off = not person.ticked(delivery.channel, topic)
    return Reason.TOPIC_OFF if off else None
