"""Warn an account's admins, once, that nobody could be told (R33, R55); and somebody, once a day,
that the limit of their e-mails is reached (R71).

A notice is a notification about the activity that called for it, so it explains itself
like any other. It follows its own topic, and the same cause is told once: until somebody
is told again, or, for a deal, once per deal.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from django.db.models import Max

from accounts.models import Membership, User
from notifications.channels import EMAIL
from notifications.eligibility import DEAL, Person, Verdict, channels_for, topic_of
from notifications.facts.batch import Facts
from notifications.facts.cases import Case
from notifications.facts.people import load_people
from notifications.models import Decision, Notification
from notifications.reasons import Reason
from notifications.topics import DELIVERY_PROBLEMS


@dataclass(frozen=True, kw_only=True)
class Notice:
    """What one admin is told about one verdict. `verdict` names the lead, client or deals."""

    case: Case
    verdict: Verdict
    person: Person
    channels: frozenset[str]
    dedupe_key: str


def load_notices(decided: Iterable[tuple[Case, Verdict]]) -> list[Notice]:
    """Return the warnings that these verdicts call for and nobody has had. At most 6 queries."""
    calling = [(case, verdict) for case, verdict in decided if verdict.reaches_nobody]
    if not calling:
        return []
    keys = _dedupe_keys([verdict for _, verdict in calling])
    admins = admins_of({verdict.account_id for _, verdict in calling})
    known = set(
        Notification.objects.filter(dedupe_key__in=set(keys)).values_list(
            "dedupe_key", "membership_id"
        )
    )
    found: dict[tuple[str, int], Notice] = {}
    for (case, verdict), key in zip(calling, keys, strict=True):
        for person in admins:
            channels = channels_for(person, DELIVERY_PROBLEMS)
            place = (key, person.membership_id)
            if person.account_id == verdict.account_id and channels and place not in known:
                found.setdefault(
                    place,
                    Notice(
                        case=case,
                        verdict=verdict,
                        person=person,
                        channels=channels,
                        dedupe_key=key,
                    ),
                )
    return list(found.values())


def load_limit_notices(decided: Iterable[tuple[Case, Verdict]], facts: Facts) -> list[Notice]:
    """Return the words to those whose e-mails are too many today, once for each topic (R71),
    whatever accounts they are in. 2 queries, if there are any."""
    found: dict[tuple[str, int], Notice] = {}
    for case, verdict in decided:
        if verdict.membership_id is None or verdict.withheld.get(EMAIL) != Reason.DAILY_CAP:
            continue
        person = facts.person(verdict.membership_id)
        day = facts.email_counts.day_of(person.membership_id)
        key = f"daily-cap:{topic_of(verdict.kind, verdict.part)}:{day}"
        notice = Notice(
            case=case,
            verdict=replace(verdict, reason=Reason.DAILY_CAP, withheld={}),
            person=person,
            channels=channels_for(person, DELIVERY_PROBLEMS),
            dedupe_key=key,
        )
        if notice.channels:
            found.setdefault((key, facts.email_counts.user_of(person.membership_id)), notice)
    known = _told_already(found) if found else set()
    return [notice for of_whom, notice in found.items() if of_whom not in known]


def _told_already(wanted: Iterable[tuple[str, int]]) -> set[tuple[str, int]]:
    """Return which of the keys have been told to their users, whose rows are held until commit:
    another worker may be about to tell them in another of their accounts."""
    keys, users = ({*values} for values in zip(*wanted, strict=True))
    rows = User.objects.filter(pk__in=users).order_by("pk")
    list(rows.select_for_update(no_key=True).values_list("pk"))
    told = Notification.objects.filter(dedupe_key__in=keys, membership__user__in=users)
    return set(told.values_list("dedupe_key", "membership__user"))


def _dedupe_keys(verdicts: Sequence[Verdict]) -> list[str]:
    recipients = {v.membership_id for v in verdicts if v.reason == Reason.RECIPIENT_INACTIVE}
    told = Decision.objects.filter(membership__in=recipients, outcome=Decision.Outcome.SEND)
    last_told = dict(told.values_list("membership").annotate(Max("pk")))
    return [
        f"nobody-left:{'-'.join(map(str, verdict.deal_ids))}"
        if verdict.kind == DEAL
        else f"recipient-inactive:{verdict.membership_id}:{last_told.get(verdict.membership_id, 0)}"
        for verdict in verdicts
    ]


def admins_of(account_ids: Iterable[int | None]) -> list[Person]:
    admins = Membership.objects.active().filter(
        account__in=set(account_ids), role=Membership.Role.ADMIN
    )
    return list(load_people(list(admins.select_related("user", "account"))).values())
