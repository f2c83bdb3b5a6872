"""What a message does not say any more: decisions revised, new recipients told.

A message may have two reasons (R61). One may end while the other holds, so each is
withdrawn by itself, whether the message still goes or not. A message that is sent again
revises nothing: what was decided was done.
"""

from __future__ import annotations

from django.db.models.functions import Now

from notifications.delivery.recheck import Checked
from notifications.eligibility import OF_A_CHANNEL, settles_alone
from notifications.evaluation import tell_new_recipient
from notifications.facts.people import uncount_emails
from notifications.models import Decision, Delivery, NotificationReason
from notifications.reasons import Reason

_NOT_TOLD = (Delivery.State.CANCELLED, Delivery.State.SUPPRESSED, Delivery.State.EXPIRED)


def withdraw(checked: Checked) -> None:
    """Revise the decisions of the reasons that ended; tell who is the recipient now (R32)."""
    for reason, why in checked.withdrawn:
        replays = checked.delivery.replay > 0
        if not replays and not _is_told_otherwise(checked.delivery, reason, why):
            Decision.objects.filter(
                notification=checked.delivery.notification,
                kind=reason.kind,
                outcome=Decision.Outcome.SEND,
            ).update(outcome=Decision.Outcome.NO, reason=why)
        if why == Reason.RECIPIENT_CHANGED:
            tell_new_recipient(checked.delivery.notification, reason)


def _is_told_otherwise(delivery: Delivery, reason: NotificationReason, why: Reason) -> bool:
    """Whether another channel told this reason, or may still do so."""
    others = Delivery.objects.filter(notification=delivery.notification).exclude(pk=delivery.pk)
    if channel := settles_alone(reason.kind):
        return delivery.channel != channel and (
            others.filter(channel=channel).exclude(state__in=_NOT_TOLD).exists()
        )
    if why in OF_A_CHANNEL:
        return others.exclude(state__in=_NOT_TOLD).exists()
    return others.filter(state=Delivery.State.DELIVERED).exists()


def stop_siblings(checked: Checked) -> None:
    """What ends a message on one channel for everybody's reasons ends it on the others."""
    if any(why in OF_A_CHANNEL for _reason, why in checked.withdrawn):
        return
    waiting = Delivery.objects.filter(
        notification=checked.delivery.notification, state=Delivery.State.PENDING
    )
    siblings = list(waiting.select_for_update().select_related("notification__membership__user"))
    waiting.filter(pk__in=[sibling.pk for sibling in siblings]).update(
        state=checked.stopped_state, reason=checked.stop, done_at=Now()
    )
    uncount_emails(siblings)
