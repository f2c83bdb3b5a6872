"""Right before a send: does it still hold? The same rules as when it was decided (R32, R57).

Facts of a batch of deliveries in a constant number of queries; the answers are pure.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import replace
from datetime import date, datetime
from itertools import chain

from django.conf import settings
from django.db.models import Prefetch, Q, prefetch_related_objects
from django.utils import timezone

from accounts.models import Membership, Vendor
from notifications.channels import EMAIL, OTHER_APPS
from notifications.channels.base import Address
from notifications.delivery.checked import Checked
from notifications.delivery.health import load_health
from notifications.delivery.instead import AppOutcomes
from notifications.delivery.limits import Candidate, hold
from notifications.delivery.replaced import load_replaced, place_in_visit
from notifications.delivery.routes import Route, places_of, routes_of, wait_until
from notifications.eligibility import (
    Chosen,
    Event,
    Part,
    Person,
    is_told_in_chat,
    may_name,
    part_now,
    topic_of,
    wants_summaries,
    why_inactive,
    why_no_email,
    why_no_email_instead,
    why_no_word_about_an_endpoint,
    why_not_account,
    why_not_chosen,
    why_not_first_partner,
    why_not_there,
)
from notifications.escalations.checks import EscalationChecks
from notifications.facts.deals import as_shared_deal, load_shares
from notifications.facts.people import load_people
from notifications.facts.registrations import as_chosen, as_registration, load_communication
from notifications.facts.timing import load_rhythms
from notifications.facts.triggers import load_deeds
from notifications.message_context import MessageContext
from notifications.models import (
    Decision,
    Delivery,
    Endpoint,
    Kind,
    NotificationReason,
)
from notifications.reasons import Reason
from notifications.timing import Wait, wait
from notifications.topics import DELIVERY_PROBLEMS
from partners.models import Client, DealMember, Lead


class Recheck:
    """The deliveries with everything that a check and a message need. About 17 queries, 2 more
    with escalations, and up to 4 with summaries of visits."""

    def __init__(self, delivery_ids: Iterable[int]) -> None:
        self.deliveries = _load(Q(pk__in=list(delivery_ids)))
        self._carried = _load_carried(self.deliveries)
        everything = [*self.deliveries, *chain(*self._carried.values())]
        self._now = timezone.now()
        self._vendor_name = Vendor.current().name
        self._deeds = load_deeds()
        notifications = [delivery.notification for delivery in everything]
        self._replaced = load_replaced([n for n in notifications if n.is_summary])
        reasons = [r for n in notifications for r in n.reasons.all()]
        prefetch_related_objects(
            [r for r in reasons if r.absent_id], "absent__user", "absent__absence"
        )
        memberships = {n.membership_id: n.membership for n in notifications}
        self._people = load_people(memberships.values())
        self._rhythms = load_rhythms(memberships.values(), self._now)
        self._asked = self._load_asked(reasons)
        self._apps = AppOutcomes(self._with_apps(everything))
        self._health = load_health(
            place for delivery in self.deliveries for place in places_of(delivery)
        )
        self._endpoints = {
            endpoint.key: endpoint
            for endpoint in Endpoint.objects.filter(
                key__in={d.endpoint_key for d in self.deliveries} - {Delivery.OWN}
            )
        }
        deal_ids = {r.deal_id for r in reasons if r.deal_id}
        self._shares = load_shares(deal_ids)
        accounts = {m.account_id for m in memberships.values()}
        self._communication = load_communication(accounts | self._escalating(reasons))
        self._escalations = EscalationChecks(
            reasons, {n.pk: n.activity_id for n in notifications}, self._communication
        )
        self._current_members = set(
            DealMember.objects.filter(deal__in=deal_ids, removed_at=None).values_list(
                "deal_id", "membership_id"
            )
        )

    def _escalating(self, reasons: Iterable[NotificationReason]) -> set[int]:
        """Return whose leads, clients and deals others are told of because nobody looked."""
        escalated = [reason for reason in reasons if reason.part == Part.ESCALATION]
        return {account for reason in escalated if (account := self._whose(reason))}

    def _whose(self, reason: NotificationReason) -> int | None:
        if row := reason.lead or reason.client:
            return row.account_id
        deal_id = reason.deal_id or 0
        return as_shared_deal(deal_id, self._shares[deal_id]).first_account_id

    def _load_asked(self, reasons: Iterable[NotificationReason]) -> set[tuple[int, int | None]]:
        """Return activity and recipient of each decision behind a backup's. 1 query, if any."""
        of = {r.notification_id for r in reasons if r.part == Part.BACKUP}
        if not of:
            return set()
        decisions = Decision.objects.filter(activity__notifications__in=of, part=Part.RECIPIENT)
        return set(decisions.values_list("activity_id", "membership_id"))

    def _with_apps(self, deliveries: Iterable[Delivery]) -> Iterable[int]:
        """Yield the notifications of e-mails to people who have other apps as well."""
        for delivery in deliveries:
            notification = delivery.notification
            person = self._people[notification.membership_id]
            if delivery.channel == EMAIL and person.switched_on(OTHER_APPS, "enabled"):
                yield notification.pk

    def wait_until(self, delivery: Delivery) -> datetime | None:
        """Return until when the endpoint, or every mail server, is left alone, or None."""
        return wait_until(self._routes(delivery))

    def _routes(self, delivery: Delivery) -> tuple[Route, ...]:
        return routes_of(delivery, self._health, self._now)

    def wait(self, delivery: Delivery, held_on: date | None = None) -> Wait | None:
        """Return for which hour of its member's it waits, or None. The bell never does, nor what
        others have to be told instead: its member is away.

        `held_on`: the day whose limit of messages was reached.
        """
        if delivery.is_bell or delivery.replay or delivery.waits_for == Delivery.WaitsFor.NOW:
            return None
        notification = delivery.notification
        if self._people[notification.membership_id].away and not notification.notice:
            return None
        return wait(
            self._rhythms[notification.membership_id],
            channel=delivery.channel,
            created_at=delivery.created_at,
            now=self._now,
            leads=notification.leads,
            held_on=held_on,
        )

    def is_limited(self, delivery: Delivery) -> bool:
        """Return whether it needs one of the places that its member has left for today."""
        return self._candidate(delivery).is_limited(self._now)

    def _candidate(self, delivery: Delivery) -> Candidate:
        return Candidate(
            delivery=delivery,
            carried=self._carried.get(delivery.pk, ()),
            rhythm=self._rhythms[delivery.notification.membership_id],
        )

    def over_limit(self, deliveries: Sequence[Delivery]) -> list[tuple[Delivery, Wait]]:
        """Return which of those that may go are too much for their members, and how long they
        wait; the others are counted."""
        held = hold(map(self._candidate, deliveries), self._now)
        waits = ((d, self.wait(d, held[d.pk])) for d in deliveries if d.pk in held)
        return [(delivery, wait) for delivery, wait in waits if wait]

    def check(self, delivery: Delivery) -> Checked:
        checked = self._check(delivery)
        carried = self._carried.get(delivery.pk)
        return replace(checked, carried=tuple(map(self._check, carried))) if carried else checked

    def _check(self, delivery: Delivery) -> Checked:
        notification = delivery.notification
        membership = notification.membership
        reasons = notification.reasons.all()
        answers = [self._as_of_now(reason, delivery) for reason in reasons]
        decided = {reason.pk: Part(reason.part) for reason in reasons}
        holding = tuple(reason for reason, why in answers if why is None)
        withdrawn = tuple((reason, why) for reason, why in answers if why)
        endpoint = self._endpoints.get(delivery.endpoint_key)
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
                teaser=bool(endpoint and endpoint.teaser),
                may_name=may_name(self._people[membership.pk], delivery.channel),
                instead=self._stands_in(delivery),
                replaces=self._replaced.get(place_in_visit(delivery), ""),
            ),
            address=(
                Address(value=endpoint.address, secrets=endpoint.secrets)
                if endpoint
                else Address(value=membership.user.email)
            ),
            withdrawn=withdrawn,
            moved=tuple((r, decided[r.pk]) for r in holding if r.part != decided[r.pk]),
            stop=stop,
            endpoint=endpoint,
            routes=self._routes(delivery),
            told_in_chat=self._is_told_in_chat(delivery, holding),
        )

    def _stands_in(self, delivery: Delivery) -> bool:
        """Whether it is an e-mail only because an app has failed."""
        person = self._people[delivery.notification.membership_id]
        is_mail = delivery.channel == EMAIL and not person.ticked(EMAIL, delivery.topic)
        return is_mail and self._apps.has_failed(delivery.notification_id)

    def _is_told_in_chat(self, delivery: Delivery, reasons: Iterable[NotificationReason]) -> bool:
        """What is sent again is wanted by e-mail, whatever became of it elsewhere."""
        taken = self._apps.taken(delivery.notification_id)
        if delivery.channel != EMAIL or delivery.replay or not taken:
            return False
        person = self._people[delivery.notification.membership_id]
        notice = delivery.notification.notice
        topics = {DELIVERY_PROBLEMS} if notice else {topic_of(r.kind, r.part) for r in reasons}
        return is_told_in_chat(person, topics, taken)

    def _as_of_now(
        self, reason: NotificationReason, delivery: Delivery
    ) -> tuple[NotificationReason, Reason | None]:
        """Return the reason with the part that its member has now, and why it does not hold."""
        part = self._part_now(reason, delivery)
        why = self._why_not(reason, part, delivery)
        if part in (None, reason.part):
            return reason, why
        moved = copy(reason)  # Written down with what is sent, or is not.
        moved.part = part
        return moved, why

    def _part_now(self, reason: NotificationReason, delivery: Delivery) -> Part | None:
        """Return as what the member is told of it now; None: as nothing (R32, R38)."""
        notification, part = delivery.notification, Part(reason.part)
        row = reason.lead or reason.client
        if row is None or notification.notice or part == Part.ESCALATION:
            return part
        chosen = self._chosen(row)
        asked = (notification.activity_id, chosen.recipient) in self._asked
        member, trigger = notification.membership_id, notification.trigger
        return part_now(
            chosen,
            member,
            part,
            trigger,
            recipient_was_asked=asked,
            absent_id=reason.absent_id,
        )

    def _chosen(self, row: Lead | Client) -> Chosen:
        return as_chosen(self._communication.get(row.account_id), row)

    def _why_not(
        self, reason: NotificationReason, part: Part | None, delivery: Delivery
    ) -> Reason | None:
        membership = delivery.notification.membership
        if delivery.age(self._now) > settings.DELIVERY_EXPIRES:
            return Reason.STALE
        contact = delivery.notification.activity.contact
        if contact is not None and contact.consent_denied:  # Withdrawn or erased since (R23).
            return Reason.NO_CONSENT
        person = self._people[membership.pk]
        if delivery.notification.notice == Reason.SUPPRESSED_ADDRESS:
            return _why_not_member(membership) or (
                why_no_word_about_an_endpoint(person, delivery.channel)
            )
        topic = topic_of(reason.kind, reason.part)
        if delivery.notification.notice:
            topic, why = DELIVERY_PROBLEMS, _why_not_member(membership)
        elif reason.part == Part.ESCALATION:
            why = self._why_not_escalated(reason, delivery)
        elif reason.kind == Kind.DEAL:
            why = self._why_not_deal(reason, membership)
        else:
            why = self._why_not_registration(reason, part, delivery)
        return why or self._why_not_channel(delivery, person, topic)

    def _why_not_registration(
        self, reason: NotificationReason, part: Part | None, delivery: Delivery
    ) -> Reason | None:
        row = reason.lead or reason.client
        if row is None:  # Deregistered since.
            return Reason.NO_REGISTRATION
        if why := self._why_not_account(row, delivery):
            return why
        membership = delivery.notification.membership
        if part is None:
            return why_not_chosen(self._chosen(row), membership.pk, Part(reason.part))
        return None if membership.is_current else why_inactive(part)

    def _why_not_account(self, row: Lead | Client, delivery: Delivery) -> Reason | None:
        activity = delivery.notification.activity
        event = Event(
            contact_id=activity.contact_id,
            occurred_at=activity.occurred_at,
            trigger=delivery.notification.trigger,
        )
        wishes = self._communication.get(row.account_id)
        return why_not_account(event, as_registration(row, wishes), self._now)

    def _why_not_escalated(self, reason: NotificationReason, delivery: Delivery) -> Reason | None:
        row, account_id = reason.lead or reason.client, self._whose(reason)
        if row is None and (reason.deal is None or reason.deal.archived_at):
            return Reason.NO_REGISTRATION if reason.kind != Kind.DEAL else Reason.NO_COSOLD_DEAL
        if account_id is None:
            return Reason.NOT_SHARED
        why = self._why_not_account(row, delivery) if row else None
        notification = delivery.notification
        return why or self._escalations.why_not(
            reason, notification.membership, account_id, notification.activity_id
        )

    def _why_not_deal(self, reason: NotificationReason, membership: Membership) -> Reason | None:
        deal = reason.deal
        if deal is None or deal.archived_at:
            return Reason.NO_COSOLD_DEAL
        shared = as_shared_deal(deal.pk, self._shares[deal.pk])
        if why := why_not_first_partner(shared, membership.account_id):
            return why
        if (deal.pk, reason.absent_id or membership.pk) not in self._current_members:
            return Reason.NO_LONGER_MEMBER
        return _why_not_member(membership)

    def _why_not_channel(self, delivery: Delivery, person: Person, topic: str) -> Reason | None:
        if delivery.notification.is_summary and not wants_summaries(person, delivery.channel):
            return Reason.TOPIC_OFF
        if delivery.channel == EMAIL:
            instead = self._apps.has_failed(delivery.notification_id)
            return (why_no_email_instead if instead else why_no_email)(person, topic)
        return why_not_there(person, delivery.channel, topic, delivery.endpoint_key)


def _why_not_member(membership: Membership) -> Reason | None:
    return None if membership.is_current else Reason.USER_INACTIVE


def _load_carried(carriers: Iterable[Delivery]) -> dict[int, list[Delivery]]:
    """Return what is told in the message of each, oldest first. 2 queries, if any may carry."""
    ids = [delivery.pk for delivery in carriers if delivery.waits_for]
    found: dict[int, list[Delivery]] = defaultdict(list)
    if ids:
        for delivery in _load(Q(carrier__in=ids, state=Delivery.State.GATHERED)):
            found[delivery.carrier_id or 0].append(delivery)
    return found


def _load(which: Q) -> list[Delivery]:
    reasons = NotificationReason.objects.select_related(
        "lead__account", "client__account", "deal__company"
    ).order_by("pk")
    rows = list(
        Delivery.objects.filter(which)
        .select_related(
            "notification__membership__user",
            "notification__membership__account",
            "notification__activity__contact",
        )
        .prefetch_related(
            Prefetch("notification__reasons", queryset=reasons),
            "notification__endpoint",
            "notification__suspended__user",
        )
        .order_by("not_before", "pk")
    )
    for row in rows:  # The same account; joined again, it costs more than any of the checks.
        row.notification.account = row.notification.membership.account
    return rows
