"""Who was considered, and what was sent to them."""

from collections.abc import Iterable, Mapping

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts.models import Account, Membership
from notifications.activities.outcomes import Outcome
from notifications.decision_log import deliveries_of
from notifications.explain.chain import Candidate, Sending, Try
from notifications.models import Attempt, Decision, Delivery
from notifications.reasons import SENTENCES, Reason
from notifications.words import channel_label, kind_label, reason_sentence


def candidate(
    decision: Decision,
    account: Account | None,
    reader: Membership | None,
    names: Mapping[str, str],
) -> Candidate:
    """Return one decision as the reader may see it; `account` None: the vendor's view.

    `names`: of the endpoints, as of `sending`.
    """
    notification_id = decision.notification_id or 0
    sent = list(decision.notification.deliveries.all()) if decision.notification else []
    member = decision.membership
    return Candidate(
        who=who(decision),
        email=member.user.email if member else "",
        account=str(decision.account) if decision.account and account is None else "",
        kind=str(kind_label(decision.kind)),
        subject=subject_of(decision),
        told=decision.outcome == Decision.Outcome.SEND,
        reason=decision.reason,
        sentence=str(SENTENCES[Reason(decision.reason)]),
        is_viewer=bool(reader and decision.membership_id == reader.pk),
        sendings=tuple(
            sending(delivery, names, details=account is None)
            for delivery in deliveries_of(decision, {notification_id: sent})
        ),
    )


def who(decision: Decision) -> str:
    if decision.membership:
        return decision.membership.user.display_name
    if decision.account:
        return _("Nobody at %(account)s") % {"account": decision.account}
    return _("Nobody")


def subject_of(decision: Decision) -> str:
    row = decision.lead or decision.client
    if row:
        return row.company or row.domain
    return decision.deal.name if decision.deal else ""


_STATES: dict[str, str] = {
    Delivery.State.DELIVERED: "good",
    Delivery.State.DEAD: "bad",
    Delivery.State.SUPPRESSED: "no",
    Delivery.State.CANCELLED: "no",
    Delivery.State.EXPIRED: "no",
}


def sending(delivery: Delivery, names: Mapping[str, str], *, details: bool) -> Sending:
    """Return what became of a delivery. `details`: what servers answered, too.

    `names`: of the endpoints that exist, by key.
    """
    words = [delivery.get_state_display()]
    if delivery.reason and delivery.reason != Reason.SENT:
        words.append(_reason(delivery))
    elif delivery.state in (Delivery.State.DEAD, Delivery.State.PENDING):
        words += _last_failure(delivery)
    return Sending(
        channel=_channel(delivery, names),
        outcome=Outcome(state=_STATES.get(delivery.state, "held"), text=": ".join(words)),
        at=delivery.done_at,
        tries=tuple(
            Try(number=t.n, at=t.started_at, text=_try_words(t, details=details))
            for t in delivery.attempts.all()
        ),
    )


def _last_failure(delivery: Delivery) -> Iterable[str]:
    """Return why it did not go the last time, if there was one; no word of the server's."""
    tries = list(delivery.attempts.all())
    if tries and tries[-1].outcome in _FAILURES:
        yield _(_FAILURES[tries[-1].outcome])
    elif delivery.failures:
        yield _("The message could not be prepared.")


_FAILURES: dict[str, str] = {
    Attempt.Outcome.REFUSED: gettext_noop("The other side refused it."),
    Attempt.Outcome.NOT_SENT: gettext_noop("The other side could not be reached."),
    Attempt.Outcome.UNKNOWN: gettext_noop("The other side did not say whether it took it."),
}


def _reason(delivery: Delivery) -> str:
    if delivery.reason == Reason.SUPPRESSED_ADDRESS and delivery.endpoint_key != Delivery.OWN:
        if delivery.state == Delivery.State.DEAD:
            return _("It answered that it is gone for good.")
        return _("It was switched off or removed.")
    return reason_sentence(delivery.reason)


def _channel(delivery: Delivery, names: Mapping[str, str]) -> str:
    label = channel_label(delivery.channel)
    if delivery.endpoint_key != Delivery.OWN:
        name = names.get(delivery.endpoint_key) or _("a removed endpoint")
        label = f"{label}: {name}"
    return _("%(channel)s, sent again") % {"channel": label} if delivery.replay else label


def _try_words(attempt: Attempt, *, details: bool) -> str:
    outcome = attempt.get_outcome_display() if attempt.outcome else _("no answer yet")
    # What servers answer, and the ids they give, are the operator's business.
    return f"{outcome}: {attempt.detail}" if details and attempt.detail else str(outcome)
