"""Right before a send: does it still hold? The same rules as when it was decided (R32, R57).

Facts of a batch of deliveries in a constant number of queries; the answers are pure.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db.models import Prefetch
from django.utils import timezone

from accounts.models import Membership, Vendor
from notifications.channels import EMAIL
from notifications.channels.base import Address
from notifications.delivery.health import is_in_trouble, load_health, place_of
from notifications.eligibility import (
    Event,
    Person,
    topic_of,
    why_no_email,
    why_no_word_about_an_endpoint,
    why_not_account,
    why_not_beside_email,
    why_not_first_partner,
)
from notifications.facts.deals import as_shared_deal
from notifications.facts.people import load_people
from notifications.facts.registrations import as_registration, load_communication
from notifications.facts.triggers import load_deeds
from notifications.models import (
    Delivery,
    Endpoint,
    Kind,
    NotificationReason,
)
from notifications.reasons import Reason
from notifications.rendering import MessageContext
from notifications.topics import DELIVERY_PROBLEMS
from partners.models import DealMember, DealShare

# The user's own wishes and the address: the message is suppressed, not cancelled.
_OWN_WISHES = frozenset({Reason.EMAIL_OFF, Reason.TOPIC_OFF, Reason.SUPPRESSED_ADDRESS})

Withdrawn = tuple[NotificationReason, Reason]


@dataclass(frozen=True, kw_only=True)
class Checked:
    """A delivery with what still holds of it (`context.reasons`) and what does not, and why.

    `stop`: nothing holds, so it must not be sent; None: it may. `endpoint` None: the
    member's own mailbox or bell. `in_trouble`: the endpoint failed lately.
    """

    delivery: Delivery
    context: MessageContext
    address: Address
    withdrawn: tuple[Withdrawn, ...]
    stop: Reason | None
    endpoint: Endpoint | None
    in_trouble: bool

    @property
    def stopped_state(self) -> str:
        if self.stop == Reason.STALE:
            return Delivery.State.EXPIRED
        own = self.stop in _OWN_WISHES
        return Delivery.State.SUPPRESSED if own else Delivery.State.CANCELLED


class Recheck:
    """The deliveries with everything that a check and a message need. About 13 queries."""

    def __init__(self, delivery_ids: Iterable[int]) -> None:
        self.deliveries = _load(delivery_ids)
        self._now = timezone.now()
        self._vendor_name = Vendor.current().name
        self._deeds = load_deeds()
        notifications = [delivery.notification for delivery in self.deliveries]
        reasons = [r for n in notifications for r in n.reasons.all()]
        memberships = {n.membership_id: n.membership for n in notifications}
        self._people = load_people(memberships.values())
        self._communication = load_communication({m.account_id for m in memberships.values()})
        self._health = load_health(self.deliveries)
        self._endpoints = {
            endpoint.key: endpoint
            for endpoint in Endpoint.objects.filter(
                key__in={d.endpoint_key for d in self.deliveries} - {Delivery.OWN}
            )
        }
        deal_ids = {r.deal_id for r in reasons if r.deal_id}
        self._shares: Mapping[int, list[DealShare]] = defaultdict(list)
        for share in DealShare.objects.filter(deal__in=deal_ids).select_related("account"):
            self._shares[share.deal_id].append(share)
        self._current_members = set(
            DealMember.objects.filter(deal__in=deal_ids, removed_at=None).values_list(
                "deal_id", "membership_id"
            )
        )

    def wait_until(self, delivery: Delivery) -> datetime | None:
        """Return until when the endpoint is left alone, or None."""
        row = self._health.get(place_of(delivery))
        return row.wait_until if row and row.health.waits_at(self._now) else None

    def check(self, delivery: Delivery) -> Checked:
        notification = delivery.notification
        membership = notification.membership
        reasons = notification.reasons.all()
        answers = [(reason, self._why_not(reason, delivery)) for reason in reasons]
        holding = tuple(reason for reason, why in answers if why is None)
        withdrawn = tuple((reason, why) for reason, why in answers if why)
        endpoint = self._endpoints.get(delivery.endpoint_key)
        health = self._health.get(place_of(delivery))
        stop = None
        if not holding:
            stop = withdrawn[0][1] if withdrawn else Reason.NO_REGISTRATION
        return Checked(
            delivery=delivery,
            context=MessageContext(
                delivery=delivery,
                notification=notification,
                membership=membership,
                reasons=holding,
                did=self._deeds.get(notification.trigger, notification.trigger),
                vendor_name=self._vendor_name,
            ),
            address=(
                Address(value=endpoint.address, secrets=endpoint.secrets)
                if endpoint
                else Address(value=membership.user.email)
            ),
            withdrawn=withdrawn,
            stop=stop,
            endpoint=endpoint,
            in_trouble=bool(health and is_in_trouble(health.health, self._now)),
        )

    def _why_not(self, reason: NotificationReason, delivery: Delivery) -> Reason | None:
        membership = delivery.notification.membership
        if self._now - delivery.created_at > settings.DELIVERY_EXPIRES:
            return Reason.STALE
        contact = delivery.notification.activity.contact
        if contact is not None and contact.consent_denied:  # Withdrawn or erased since (R23).
            return Reason.NO_CONSENT
        person = self._people[membership.pk]
        if delivery.notification.notice == Reason.SUPPRESSED_ADDRESS:
            return _why_not_member(membership) or (
                why_no_word_about_an_endpoint(person, delivery.channel)
            )
        if delivery.notification.notice:
            topic, why = DELIVERY_PROBLEMS, _why_not_member(membership)
        elif reason.kind == Kind.DEAL:
            topic, why = topic_of(reason.kind), self._why_not_deal(reason, membership)
        else:
            topic, why = topic_of(reason.kind), self._why_not_registration(reason, delivery)
        return why or _why_not_channel(delivery, person, topic)

    def _why_not_registration(
        self, reason: NotificationReason, delivery: Delivery
    ) -> Reason | None:
        row = reason.lead or reason.client
        if row is None:  # Deregistered since.
            return Reason.NO_REGISTRATION
        membership = delivery.notification.membership
        wishes = self._communication.get(row.account_id)
        activity = delivery.notification.activity
        event = Event(
            contact_id=activity.contact_id,
            occurred_at=activity.occurred_at,
            trigger=delivery.notification.trigger,
        )
        if why := why_not_account(event, as_registration(row, wishes), self._now):
            return why
        if wishes is None or wishes.recipient_id is None:
            return Reason.NO_RECIPIENT
        if wishes.recipient_id != membership.pk:
            return Reason.RECIPIENT_CHANGED
        return None if membership.is_current else Reason.RECIPIENT_INACTIVE

    def _why_not_deal(self, reason: NotificationReason, membership: Membership) -> Reason | None:
        deal = reason.deal
        if deal is None or deal.archived_at:
            return Reason.NO_COSOLD_DEAL
        shared = as_shared_deal(deal.pk, self._shares[deal.pk])
        if why := why_not_first_partner(shared, membership.account_id):
            return why
        if (deal.pk, membership.pk) not in self._current_members:
            return Reason.NO_LONGER_MEMBER
        return _why_not_member(membership)


def _why_not_member(membership: Membership) -> Reason | None:
    return None if membership.is_current else Reason.USER_INACTIVE


def _why_not_channel(delivery: Delivery, person: Person, topic: str) -> Reason | None:
    if delivery.channel == EMAIL:
        return why_no_email(person, topic)
    why = why_not_beside_email(person, delivery.channel, topic)
    taken = (Delivery.OWN, *person.endpoints.get(delivery.channel, ()))
    gone = Reason.SUPPRESSED_ADDRESS if delivery.endpoint_key not in taken else None
    return why or gone


def _load(delivery_ids: Iterable[int]) -> list[Delivery]:
    reasons = NotificationReason.objects.select_related(
        "lead__account", "client__account", "deal__company"
    ).order_by("pk")
    return list(
        Delivery.objects.filter(pk__in=delivery_ids)
        .select_related(
            "notification__membership__user",
            "notification__membership__account",
            "notification__activity__contact",
            "notification__account",
            "notification__endpoint",
        )
        .prefetch_related(Prefetch("notification__reasons", queryset=reasons))
        .order_by("not_before", "pk")
    )
