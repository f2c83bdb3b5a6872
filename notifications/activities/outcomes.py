"""What became of an activity, in words."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db.models import Case, Count, Q, When
from django.db.models.functions import Now
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import Account
from notifications.models import Decision, Delivery
from notifications.reasons import OF_THE_EVENT, SENTENCES, Reason
from partners.models import Activity


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of one activity, in words. `state`: good, held, bad or no."""

    state: str
    text: str


@dataclass
class Tally:
    triggers: set[str] = field(default_factory=set)
    told: int = 0
    reasons: list[str] = field(default_factory=list)
    states: set[str] = field(default_factory=set)
    # Something can go now; otherwise what waits does so until an hour comes.
    goes: bool = False


def load_tallies(activities: Iterable[Activity], account: Account | None) -> dict[int, Tally]:
    tallies: dict[int, Tally] = defaultdict(Tally)
    ids = [activity.pk for activity in activities]
    decisions = Decision.objects.filter(activity__in=ids)
    counted = decisions.values_list("activity", "account", "trigger", "outcome", "reason")
    for pk, account_id, trigger, outcome, reason, count in counted.annotate(Count("pk")).order_by(
        "activity", "reason"
    ):
        tally = tallies[pk]
        # Which action it was is no secret of whoever is told about it.
        tally.triggers.add(trigger)
        if account and not _may_read(account, account_id, reason):
            continue
        if outcome == Decision.Outcome.SEND:
            tally.told += count
        elif reason not in tally.reasons:
            tally.reasons.append(reason)
    deliveries = Delivery.objects.current().filter(
        notification__activity__in=ids, notification__is_summary=False
    )
    if account:
        deliveries = deliveries.filter(account=account)
    # What is gathered goes with its carrier.
    goes_at = Case(
        When(state=Delivery.State.GATHERED, then="carrier__not_before"), default="not_before"
    )
    deliveries = deliveries.alias(goes_at=goes_at).annotate(may_go=Q(goes_at__lte=Now()))
    for pk, state, may_go in deliveries.values_list(
        "notification__activity", "state", "may_go"
    ).distinct():
        tallies[pk].states.add(state)
        tallies[pk].goes |= may_go and state in Delivery.WAITING
    return tallies


def _may_read(account: Account, account_id: int | None, reason: str) -> bool:
    """Whether a decision is the account's own business, or says something of the event alone."""
    if account_id is None:
        return reason in OF_THE_EVENT
    return account_id == account.pk and reason != Reason.NOT_SHARED


def outcome_of(activity: Activity, account: Account | None) -> Outcome | None:
    """Return what became of the activity, or None if no trigger matched. 2 queries."""
    return tallied_outcome(activity, load_tallies([activity], account)[activity.pk], account)


def tallied_outcome(activity: Activity, tally: Tally, account: Account | None) -> Outcome | None:
    if activity.state == Activity.State.QUARANTINED:
        return Outcome(state="bad", text=_("Set aside after it failed"))
    if activity.state == Activity.State.PENDING:
        return Outcome(state="held", text=_("Not looked at yet"))
    if tally.told:
        return _told_outcome(tally)
    if not tally.triggers:
        return None
    if not tally.reasons:
        return Outcome(state="no", text=_("Nobody in your account is told"))
    first = min(tally.reasons, key=_says_little)
    return Outcome(state="no", text=str(SENTENCES[Reason(first)]))


def _says_little(reason: str) -> bool:
    """Whether a reason is no answer when somebody was considered for another one."""
    return reason in (Reason.NO_REGISTRATION, Reason.TRIGGER_NOT_CHOSEN)


def on_its_way() -> str:
    return _("On its way")


def waits_for_an_hour() -> str:
    return _("Waiting for its time")


def _told_outcome(tally: Tally) -> Outcome:
    if Delivery.State.DEAD in tally.states:
        return Outcome(state="bad", text=_("Could not be delivered"))
    if tally.states.intersection(Delivery.WAITING):
        return Outcome(state="held", text=on_its_way() if tally.goes else waits_for_an_hour())
    if Delivery.State.UNKNOWN in tally.states:
        return Outcome(state="held", text=_("It is not known whether it arrived"))
    if Delivery.State.DELIVERED not in tally.states:
        return Outcome(state="no", text=_("Stopped before it was sent"))
    text = ngettext("%(count)d person told", "%(count)d people told", tally.told)
    return Outcome(state="good", text=text % {"count": tally.told})
