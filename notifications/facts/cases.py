"""The activities that a trigger matched, as the rules see them (R19-R23)."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.conf import settings
from django.db.models import Exists, OuterRef

from accounts.models import Membership, User
from notifications.eligibility import (
    Event,
)
from notifications.quarantine import counts_from
from notifications.triggers import PAGE_TYPES, Match, TriggerType
from partners.bots import is_robot
from partners.models import (
    Activity,
)


@dataclass(frozen=True, kw_only=True)
class Case:
    """One activity with the trigger that it matched."""

    activity: Activity
    trigger: TriggerType
    event: Event


def load_cases(matched: list[tuple[Activity, Match]]) -> list[Case]:
    """Return the matched activities as cases. `contact` must be selected. 1 query."""
    internal = _internal_emails(a.contact.email for a, _ in matched if a.contact)
    return [
        Case(activity=a, trigger=m.trigger, event=event_of(a, m, internal=_is_in(internal, a)))
        for a, m in matched
    ]


def event_of(activity: Activity, match: Match | None, *, internal: bool) -> Event:
    """Return the activity as a fact; `match` None: no trigger matches it."""
    contact = activity.contact
    agent = activity.payload.get("context") or {}
    user_agent = agent.get("userAgent") if isinstance(agent, dict) else None
    return Event(
        contact_id=activity.contact_id,
        occurred_at=activity.occurred_at,
        trigger=match.trigger.key if match else "",
        trigger_enabled=bool(match and match.enabled),
        page_view=is_page_view(activity, match),
        deal_eligible=bool(match and match.trigger.deal_eligible),
        consent_denied=activity.consent_denied or bool(contact and contact.consent_denied),
        internal=internal,
        robot=isinstance(user_agent, str) and is_robot(user_agent),
        stale=counts_from(activity) - activity.occurred_at > settings.STALE_AFTER,
    )


def is_page_view(activity: Activity, match: Match | None) -> bool:
    return match.trigger.page_view if match else activity.type in PAGE_TYPES


def _is_in(emails: set[str], activity: Activity) -> bool:
    return bool(activity.contact and activity.contact.email in emails)


def _internal_emails(emails: Iterable[str]) -> set[str]:
    """R20: which of them are e-mails of active users of the vendor or of any partner."""
    active = Membership.objects.active().filter(user=OuterRef("pk"))
    return set(
        User.objects.filter(email__among=set(emails))
        .filter(Exists(active))
        .values_list("email", flat=True)
    )
