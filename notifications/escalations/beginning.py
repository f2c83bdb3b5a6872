"""Where an escalation begins: somebody was told. In the transaction that tells them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from notifications.eligibility import CLIENT, DEAL, LEAD, Matter, Verdict
from notifications.facts.cases import Case
from notifications.models import CommunicationSettings, Escalation
from partners.bulk import insert_rows


def begin(decided: Iterable[tuple[Case, Verdict]], now: datetime) -> None:
    """Watch what was told to the people of accounts that escalate. 2 queries, if any was told.

    What is watched already stays so: one escalation of a lead, client or deal at a time.
    """
    told = [(case, verdict) for case, verdict in decided if verdict.channels]
    accounts = {verdict.account_id for _case, verdict in told}
    hours = dict(
        CommunicationSettings.objects.filter(
            account__in=accounts - {None}, escalate_after__gt=0
        ).values_list("account_id", "escalate_after")
    )
    rows = {
        (verdict.account_id, matter): (case, hours[verdict.account_id])
        for case, verdict in reversed(told)  # The first one counts.
        if verdict.account_id in hours
        for matter in matters_of(verdict)
    }
    watch(
        (account_id, matter, case.activity.pk, case.trigger.key, now, now + timedelta(hours=n))
        for (account_id, matter), (case, n) in rows.items()
    )


def matters_of(verdict: Verdict) -> list[Matter]:
    if verdict.kind == DEAL:
        return [Matter(DEAL, pk) for pk in verdict.deal_ids]
    return [Matter(verdict.kind, verdict.registration_id)] if verdict.registration_id else []


def watch(
    begun: Iterable[tuple[int | None, Matter, int, str, datetime, datetime]],
) -> None:
    """Write rows of account, matter, activity, trigger, since when, and when to look next."""
    insert_rows(
        Escalation,
        [
            {
                "account_id": account_id,
                "activity_id": activity_id,
                "trigger": trigger,
                "lead_id": matter.id if matter.kind == LEAD else None,
                "client_id": matter.id if matter.kind == CLIENT else None,
                "deal_id": matter.id if matter.kind == DEAL else None,
                "began_at": began_at,
                "due_at": due_at,
                "ended": "",
            }
            for account_id, matter, activity_id, trigger, began_at, due_at in begun
        ],
        skip_conflicts=True,
    )
