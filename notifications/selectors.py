"""What members wish, and when a lead last did something."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from django.db.models import Max

from accounts.models import Membership
from notifications.eligibility import Wishes
from notifications.facts.wishes import load_wishes
from notifications.models import Decision
from notifications.reasons import NOT_ITS_OWN
from notifications.topics import GROUPS, OF_MANAGERS, TopicGroup
from partners.models import Lead


def wishes_of(membership: Membership) -> Wishes:
    """3 queries, and one more if there are profiles."""
    return load_wishes([membership])[membership.pk]


def topic_groups(member: Membership) -> Sequence[TopicGroup]:
    """Return what the member can be told about; topics for admins are left out for others."""
    if member.is_vendor_side and member.role == Membership.Role.PARTNER_MANAGER:
        return (OF_MANAGERS,)
    if not member.account.is_partner:
        return ()
    return [
        group if member.is_admin or not group.for_admins else replace(group, topics=())
        for group in GROUPS
    ]


def last_actions(leads: Iterable[Lead]) -> dict[int, datetime]:
    """Return when each lead last did something that notifies while it was registered.

    1 query, whatever the number of leads.
    """
    decisions = Decision.objects.filter(lead__in=[lead.pk for lead in leads])
    counted = decisions.exclude(reason__in=NOT_ITS_OWN).values_list("lead")
    return dict(counted.annotate(last=Max("occurred_at")).values_list("lead", "last"))
