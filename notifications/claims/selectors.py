"""Who is on what, as a member of the same account sees it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils import timezone

from accounts.models import Account, Membership
from notifications.eligibility import CLIENT, DEAL, LEAD, Matter, claim_holds
from notifications.models import Claim, Escalation, Notification, NotificationReason
from notifications.text import one_line
from partners.models import Client, Deal, Lead
from partners.selectors import deals_of, leads_of


@dataclass(frozen=True, kw_only=True)
class OnIt:
    """One lead, client or deal, and who of the account is on it. `may`: the reader can say so."""

    matter: Matter
    name: str
    claim: Claim | None
    is_mine: bool
    may: bool

    @property
    def url(self) -> str:
        return reverse("notifications:on_it", args=self.matter)

    @property
    def offers(self) -> bool:
        """Whether there is something to press."""
        return self.is_mine or (self.may and self.claim is None)


def matter_of(row: NotificationReason | Claim | Escalation) -> Matter | None:
    """Return what the row is about; None: that is gone."""
    for kind, pk in ((LEAD, row.lead_id), (CLIENT, row.client_id), (DEAL, row.deal_id)):
        if pk is not None:
            return Matter(kind, pk)
    return None


def name_of(row: Lead | Client | Deal) -> str:
    return one_line(row.name if isinstance(row, Deal) else row.company or row.domain)


def find(account: Account, matter: Matter) -> Lead | Client | Deal | None:
    """Return the row, if it is the account's to see. 1 query."""
    rows: dict[str, Any] = {
        LEAD: leads_of(account),
        CLIENT: Client.objects.filter(account=account),
        DEAL: deals_of(account),
    }
    return rows[matter.kind].filter(pk=matter.id).first() if matter.kind in rows else None


def among(matters: Iterable[Matter]) -> Q:
    """Match the rows about these; of no matter, none."""
    ids: dict[str, list[int]] = {LEAD: [], CLIENT: [], DEAL: []}
    for matter in matters:
        ids[matter.kind].append(matter.id)
    return Q(lead__in=ids[LEAD]) | Q(client__in=ids[CLIENT]) | Q(deal__in=ids[DEAL])


def holding(
    account_ids: Iterable[int], matters: Iterable[Matter]
) -> dict[tuple[int, Matter], Claim]:
    """Return the claims that hold, by account and matter. 1 query, and none about nothing."""
    rows = Claim.objects.filter(among(matters), account__in=set(account_ids))
    now = timezone.now()
    return {
        (claim.account_id, matter): claim
        for claim in rows.select_related("membership__user")
        if (matter := matter_of(claim))
        and claim_holds(claim.claimed_at, now, current=claim.membership.is_current)
    }


def told_of(membership: Membership, matters: Iterable[Matter]) -> set[Matter]:
    """Return of which of these the member has been told something. 1 query."""
    told = NotificationReason.objects.filter(
        among(matters), notification__membership=membership, notification__notice=""
    )
    return {matter for reason in told if (matter := matter_of(reason))}


def on_it(membership: Membership | None, row: Lead | Client | Deal) -> list[OnIt]:
    """Return who is on it, for the page about it; nothing: not this reader's business, or nobody
    is and they cannot be. 2 queries."""
    if membership is None or not membership.account.is_partner:
        return []
    kind = {Lead: LEAD, Client: CLIENT, Deal: DEAL}[type(row)]
    matter = Matter(kind, row.pk)
    claim = holding([membership.account_id], [matter]).get((membership.account_id, matter))
    may = matter in told_of(membership, [matter])
    on = _as_seen(membership.pk, matter, name_of(row), claim, may=may)
    return [on] if on.claim or on.may else []


def on_leads(membership: Membership | None, leads: Iterable[Lead]) -> dict[int, OnIt]:
    """Return who is on which of these leads, by its id, for a member of their account; nothing
    for anybody else. 1 query."""
    if membership is None or not membership.account.is_partner:
        return {}
    names = {Matter(LEAD, lead.pk): name_of(lead) for lead in leads}
    claims = holding([membership.account_id], names)
    return {
        matter.id: _as_seen(membership.pk, matter, names[matter], claim, may=False)
        for (_account_id, matter), claim in claims.items()
    }


def on_activity(membership: Membership | None, message_id: str) -> list[OnIt]:
    """Return who is on what was told of the activity to the reader's account. 3 queries."""
    if membership is None or not membership.account.is_partner:
        return []
    reasons = NotificationReason.objects.filter(
        notification__activity__message_id=message_id,
        notification__account=membership.account_id,
        notification__notice="",
    )
    found = {m: r for r in _with_rows(reasons) if (m := matter_of(r))}
    claims = holding([membership.account_id], found)
    told = told_of(membership, found)
    return [
        _as_seen(
            membership.pk,
            matter,
            _name(reason),
            claims.get((membership.account_id, matter)),
            may=matter in told,
        )
        for matter, reason in found.items()
    ]


def on_items(notifications: Iterable[Notification]) -> dict[int, tuple[OnIt, ...]]:
    """Return who is on what each of one member's notifications is about. Their reasons and
    accounts selected. 1 query."""
    notifications = [n for n in notifications if not n.notice and n.account.is_partner]
    found = {
        n.pk: {m: reason for reason in n.reasons.all() if (m := matter_of(reason))}
        for n in notifications
    }
    claims = holding(
        {n.account_id for n in notifications}, {m for matters in found.values() for m in matters}
    )
    return {
        n.pk: tuple(
            _as_seen(
                n.membership_id, matter, _name(reason), claims.get((n.account_id, matter)), may=True
            )
            for matter, reason in found[n.pk].items()
        )
        for n in notifications
    }


def _with_rows(reasons: QuerySet[NotificationReason]) -> QuerySet[NotificationReason]:
    return reasons.select_related("lead", "client", "deal").order_by("pk")


def _name(reason: NotificationReason) -> str:
    row = reason.lead or reason.client or reason.deal
    return name_of(row) if row else ""


def _as_seen(reader_id: int, matter: Matter, name: str, claim: Claim | None, *, may: bool) -> OnIt:
    is_mine = claim is not None and claim.membership_id == reader_id
    return OnIt(matter=matter, name=name, claim=claim, is_mine=is_mine, may=may)
