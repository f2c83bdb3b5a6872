"""Whose lead or client the people are, and what was reported of them (R12-R17, R59, R81)."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime

from django.conf import settings
from django.db.models import Exists, OuterRef, Q

from notifications.eligibility import (
    CLIENT,
    LEAD,
    Chosen,
    Listed,
    Part,
    Registration,
    Verdict,
)
from notifications.facts.cases import Case
from notifications.facts.links import Link
from notifications.models import (
    AdditionalRecipient,
    CommunicationSettings,
    Decision,
    Delivery,
)
from notifications.triggers import Repeat
from partners.models import (
    Activity,
    Client,
    Contact,
    Lead,
)


def reported() -> Q:
    """Match decisions of which something arrived or still may: what a cooldown counts."""
    deliveries = Delivery.objects.filter(notification=OuterRef("notification"))
    may_arrive = deliveries.exclude(state__in=Delivery.NOT_ARRIVED)
    return Q(Exists(may_arrive), notification__isnull=False)


def load_registrations(
    contacts: Mapping[int | None, Contact], links: Mapping[int, list[Link]]
) -> tuple[list[Lead], list[Client]]:
    emails = {contact.email for contact in contacts.values()}
    domains = {contact.domain for contact in contacts.values()}
    domains |= {link.domain for found in links.values() for link in found}
    wanted = Q(email__among=emails) | Q(domain__among=domains - {""})
    return (
        list(Lead.objects.filter(wanted).order_by("registered_at", "pk")),
        list(Client.objects.filter(wanted).order_by("since", "pk")),
    )


def load_communication(account_ids: Iterable[int]) -> dict[int, CommunicationSettings]:
    """Return the settings of the accounts with their additional recipients. 2 queries."""
    rows = CommunicationSettings.objects.filter(account__in=account_ids)
    return {row.account_id: row for row in rows.prefetch_related("additional")}


def as_chosen(wishes: CommunicationSettings | None, row: Lead | Client) -> Chosen:
    """Return who is chosen to hear of this lead or client. `additional` should be prefetched."""
    if wishes is None:
        return Chosen()
    others = (_as_listed(entry, row) for entry in wishes.additional.all())
    return Chosen(
        recipient=wishes.recipient_id,
        backup=wishes.backup_id,
        # Who looks after the lead is told as that, whatever else they are listed as.
        others=tuple(sorted(filter(None, others), key=lambda other: other.part != Part.OWNER)),
    )


def _as_listed(entry: AdditionalRecipient, row: Lead | Client) -> Listed | None:
    """Return whom the entry means of this lead or client; None: nobody looks after it."""
    triggers = frozenset(entry.triggers)
    if entry.membership_id:
        return Listed(membership_id=entry.membership_id, triggers=triggers)
    if isinstance(row, Lead) and row.owner_id:
        return Listed(membership_id=row.owner_id, part=Part.OWNER, triggers=triggers)
    return None


def as_registration(row: Lead | Client, wishes: CommunicationSettings | None) -> Registration:
    """Return the row as a fact. `account` must be selected. Recipient and history: empty."""
    is_lead = isinstance(row, Lead)
    receives = wishes is not None and wishes.receive_lead_activity
    return Registration(
        kind=LEAD if is_lead else CLIENT,
        id=row.pk,
        account_id=row.account_id,
        is_partner=row.account.is_partner,
        registered=not isinstance(row, Lead) or row.status == Lead.Status.REGISTERED,
        since=row.begins_at,
        until=row.ends_at,
        receives=receives and (is_lead or bool(wishes and wishes.client_activity)),
    )


def index_registrations(
    rows: Iterable[Lead | Client],
) -> tuple[dict[str, list[Lead | Client]], dict[str, list[Lead | Client]]]:
    by_email: dict[str, list[Lead | Client]] = defaultdict(list)
    by_domain: dict[str, list[Lead | Client]] = defaultdict(list)
    for row in rows:
        by_domain[row.domain].append(row)
        if row.email:
            by_email[row.email].append(row)
    return by_email, by_domain


class Reports:
    """When an action of a lead or client was last reported (R81), and who signed up."""

    def __init__(
        self, cases: list[Case], leads: list[Lead], clients: list[Client], now: datetime
    ) -> None:
        self._reported_at: dict[tuple[str, int, str], list[datetime]] = defaultdict(list)
        triggers = {c.trigger.key for c in cases if c.trigger.repeat is Repeat.COOLDOWN}
        horizon = now - settings.STALE_AFTER - 2 * settings.PAGE_VIEW_COOLDOWN
        # Only a move to another recipient decides again what has decisions already.
        own = [c.activity.pk for c in cases if c.activity.state == Activity.State.EVALUATED]
        found = (
            Decision.objects.exclude(activity__in=own)
            .filter(
                Q(lead__among=[lead.pk for lead in leads])
                | Q(client__among=[client.pk for client in clients]),
                reported(),
                trigger__in=triggers,
                occurred_at__gt=horizon,
            )
            .values_list("lead_id", "client_id", "trigger", "occurred_at")
        )
        for lead_id, client_id, trigger, occurred_at in found:
            subject = (LEAD, lead_id) if lead_id else (CLIENT, client_id)
            self._reported_at[*subject, trigger].append(occurred_at)
        once = [c for c in cases if c.trigger.repeat is Repeat.ONCE]
        self._once: set[tuple[int | None, int | None, str]] = set(
            Decision.objects.exclude(activity__in=own)
            .filter(
                reported(),
                kind__in=(LEAD, CLIENT),
                trigger__in={c.trigger.key for c in once},
                activity__contact__among={c.activity.contact_id for c in once} - {None},
            )
            .values_list("account_id", "activity__contact_id", "trigger")
        )

    def is_cooling(self, case: Case, row: Lead | Client) -> bool:
        if case.trigger.repeat is not Repeat.COOLDOWN:
            return False
        kind = LEAD if isinstance(row, Lead) else CLIENT
        when = case.activity.occurred_at
        reported_at = self._reported_at.get((kind, row.pk, case.trigger.key), ())
        return any(abs(when - at) < settings.PAGE_VIEW_COOLDOWN for at in reported_at)

    def signed_up_before(self, case: Case, account_id: int) -> bool:
        key = (account_id, case.activity.contact_id, case.trigger.key)
        return case.trigger.repeat is Repeat.ONCE and key in self._once

    def add(self, case: Case, verdict: Verdict) -> None:
        activity, trigger = case.activity, case.trigger.key
        if verdict.registration_id:
            key = (verdict.kind, verdict.registration_id, trigger)
            self._reported_at[key].append(activity.occurred_at)
        self._once.add((verdict.account_id, activity.contact_id, trigger))
