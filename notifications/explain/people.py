"""Who was considered, and what was sent to them."""

from collections.abc import Iterable, Mapping, Sequence

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts.models import Account, Membership
from notifications.activities.outcomes import Outcome
from notifications.channels import EMAIL
from notifications.channels.http import BLOCKED
from notifications.decision_log import deliveries_of
from notifications.eligibility import Part, topic_of
from notifications.explain.chain import Candidate, Off, Sending, Try
from notifications.models import Attempt, Decision, Delivery, MailReport
from notifications.reasons import Reason
from notifications.selectors import wishes_of
from notifications.topics import TOPICS
from notifications.when.waiting import limit_words, wait_words, waits_for_member
from notifications.words import channel_label, kind_label, reason_sentence, told_in_chat


def candidate(
    decision: Decision,
    account: Account | None,
    reader: Membership | None,
    names: Mapping[str, str],
    decisions: Sequence[Decision],
) -> Candidate:
    """Return one decision as the reader may see it; `account` None: the vendor's view.

    `names`: of the endpoints, as of `sending`; `decisions`: all that the reader may see.
    """
    notification_id = decision.notification_id or 0
    sent = list(decision.notification.deliveries.all()) if decision.notification else []
    member = decision.membership
    is_viewer = bool(reader and decision.membership_id == reader.pk)
    limits = limits_of(member) if member else {}
    return Candidate(
        who=who(decision),
        email=member.user.email if member else "",
        account=str(decision.account) if decision.account and account is None else "",
        kind=str(kind_label(decision.kind)),
        subject=subject_of(decision),
        told=decision.outcome == Decision.Outcome.SEND,
        reason=decision.reason,
        sentence=decision.sentence,
        told_as=told_as(decision, decisions),
        off=_off(decision, reader if is_viewer else None),
        is_viewer=is_viewer,
        sendings=tuple(
            sending(delivery, names, details=account is None, limits=limits)
            for delivery in deliveries_of(decision, {notification_id: sent})
        ),
    )


def _off(decision: Decision, viewer: Membership | None) -> Off | None:
    """Return what was not on, if that decided; it is e-mail that such a verdict is about.
    `viewer`: whose it is, if they look: they may be able to change it."""
    topic = topic_of(decision.kind, decision.part)
    key = {Reason.TOPIC_OFF: topic, Reason.EMAIL_OFF: "enabled"}.get(Reason(decision.reason))
    if key is None:
        return None
    url = ""
    if viewer and not wishes_of(viewer).is_locked(EMAIL, key):
        url = reverse("notifications:preferences", args=[EMAIL])
    if key == topic:
        cell = url and f"{url}?topic={topic}#id_{EMAIL}-{topic}"
        return Off(topic=str(TOPICS[topic].label), url=cell)
    return Off(topic="", url=url) if url else None


def who(decision: Decision) -> str:
    if decision.membership:
        return decision.membership.user.display_name
    if decision.account:
        return _("Nobody at %(account)s") % {"account": decision.account}
    return _("Nobody")


def told_as(decision: Decision, decisions: Iterable[Decision]) -> str:
    """Return as what somebody is considered beside the recipient, or instead (R38, R40); for
    whom, or that nobody had looked."""
    if decision.part == Part.ADDITIONAL:
        return _("As an additional recipient.")
    if decision.part == Part.OWNER:
        return _("As the one who looks after the lead.")
    if decision.part == Part.DEPUTY:
        name = decision.absent.user.display_name if decision.absent else "–"
        return _("For %(name)s, who is away.") % {"name": name}
    if decision.part == Part.ESCALATION:
        return _("Because nobody had looked at it.")
    return _instead_of(decision, decisions) if decision.part == Part.BACKUP else ""


def _instead_of(decision: Decision, decisions: Iterable[Decision]) -> str:
    """Return in whose stead the backup is told, and why."""
    for other in decisions:
        same = (other.account_id, other.kind) == (decision.account_id, decision.kind)
        if same and other.part == Part.RECIPIENT and other.outcome == Decision.Outcome.NO:
            why = other.sentence
            if other.membership is None:
                return _("As the backup: %(why)s") % {"why": why}
            values = {"name": other.membership.user.display_name, "why": why}
            return _("As the backup, instead of %(name)s: %(why)s") % values
    return _("As the backup.")


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


def limits_of(member: Membership) -> dict[str, int | None]:
    """Return how many messages a day the member wants on each channel. `paces` prefetched."""
    return {pace.channel: pace.most for pace in member.paces.all()}


def sending(
    delivery: Delivery,
    names: Mapping[str, str],
    *,
    details: bool,
    limits: Mapping[str, int | None],
) -> Sending:
    """Return what became of a delivery. `details`: what servers answered, too.

    `names`: of the endpoints that exist, by key; `limits`: of its member. `carrier` selected.
    """
    most = limits.get(delivery.channel)
    wait = wait_words(delivery, most)
    words = [wait or delivery.get_state_display()]
    reports = list(delivery.reports.all())
    tone = _STATES.get(delivery.state, "held")
    # The mail service knows more than we saw.
    if reports and delivery.state == Delivery.State.DELIVERED:
        words = [reports[-1].get_kind_display()]
        tone = "good" if reports[-1].kind == MailReport.Kind.DELIVERED else "bad"
    if delivery.reason and delivery.reason != Reason.SENT:
        words.append(_reason(delivery))
    elif delivery.detail == Delivery.TOLD_IN_CHAT:
        words.append(told_in_chat())
    elif delivery.state in (Delivery.State.DEAD, Delivery.State.PENDING):
        words += _last_failure(delivery)
    if delivery.held_on and not wait:
        words.append(limit_words(most))
    return Sending(
        channel=_channel(delivery, names),
        outcome=Outcome(state=tone, text=": ".join(map(str, words))),
        at=delivery.done_at,
        waits_for_member=waits_for_member(delivery),
        tries=tuple(
            Try(number=t.n, at=t.started_at, text=_try_words(t, details=details))
            for t in delivery.attempts.all()
        ),
    )


def _last_failure(delivery: Delivery) -> Iterable[str]:
    """Return why it did not go the last time, if there was one; no word of the server's."""
    tries = list(delivery.attempts.all())
    if tries and tries[-1].detail.startswith(BLOCKED):
        yield _("Its address leads into a private network, where nothing is sent.")
    elif tries and tries[-1].outcome in _FAILURES:
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
