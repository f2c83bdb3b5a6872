"""What a message does not say any more: decisions revised, new recipients told.

A message may have two reasons (R61). One may end while the other holds, so each is
withdrawn by itself, whether the message still goes or not. A message that is sent again
revises nothing: what was decided was done.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Q
from django.db.models.functions import Now

from notifications.channels import DESKTOP
from notifications.delivery.checked import Checked
from notifications.eligibility import OF_A_CHANNEL, Part, is_beside, settles_alone
from notifications.evaluation import tell_new_recipient
from notifications.facts.people import uncount_emails
from notifications.models import CommunicationSettings, Decision, Delivery, NotificationReason
from notifications.reasons import Reason

# The recipient cannot be told any more: somebody may have to stand in (R40).
_LEAVES_IT_TO_THE_BACKUP = frozenset(
    {
        Reason.RECIPIENT_INACTIVE,
        Reason.EMAIL_OFF,
        Reason.TOPIC_OFF,
        Reason.SUPPRESSED_ADDRESS,
    }
)

_NOT_TOLD = Q(state__in=Delivery.STOPPED) & ~Q(detail=Delivery.TOLD_IN_CHAT)


def withdraw(checked: Checked) -> None:
    """Revise the decisions of the reasons that ended; tell who is the recipient now (R32).

    A summary was no decision, and whoever is the recipient now has not heard of its visit.
    """
    if checked.delivery.notification.is_summary:
        return
    passed_on = [r for r, decided in checked.moved if _moves_aside(checked.delivery, r, decided)]
    for reason, why in checked.withdrawn:
        is_told = checked.delivery.replay > 0 or _is_told_otherwise(checked.delivery, reason, why)
        if not is_told:
            Decision.objects.filter(
                notification=checked.delivery.notification,
                kind=reason.kind,
                outcome=Decision.Outcome.SEND,
            ).update(outcome=Decision.Outcome.NO, reason=why, part=reason.part)
        is_news = not is_told and not checked.delivery.notification.notice
        stands_in = is_news and (
            (why in _LEAVES_IT_TO_THE_BACKUP and _backs_up(reason))
            or (why == Reason.AWAY and not _is_extra(reason))
            or _is_a_deputy_who_left(reason, why)
        )
        moved = why == Reason.RECIPIENT_CHANGED and not _is_extra(reason)
        if moved or stands_in:
            passed_on.append(reason)
    tell_new_recipient(checked.delivery.notification, passed_on)


def _moves_aside(delivery: Delivery, reason: NotificationReason, decided: Part) -> bool:
    """Write down as what its member is told now, and return whether another one has to be told:
    who was the recipient is told beside that one now (R32, R38)."""
    if delivery.replay:
        return False
    NotificationReason.objects.filter(pk=reason.pk).update(part=reason.part)
    told = Decision.objects.filter(notification=delivery.notification, kind=reason.kind)
    told.update(part=reason.part)
    return is_beside(reason.part) and not is_beside(decided)


def call_backup(delivery: Delivery, reasons: Iterable[NotificationReason]) -> None:
    """The mailbox does not exist, as its server says: let the backup know (R40)."""
    notification = delivery.notification
    if delivery.replay or notification.notice or notification.is_summary:
        return
    tell_new_recipient(notification, filter(_backs_up, reasons))


def _is_extra(reason: NotificationReason) -> bool:
    """Whether nobody has to be told instead."""
    return is_beside(reason.part) or reason.part == Part.ESCALATION


def _backs_up(reason: NotificationReason) -> bool:
    """Whether it is a recipient's, and the account of the lead or client has a backup."""
    if _is_extra(reason):
        return False
    row = reason.lead or reason.client
    settings = CommunicationSettings.objects.filter(backup__isnull=False)
    return row is not None and settings.filter(account=row.account_id).exists()


def _is_a_deputy_who_left(reason: NotificationReason, why: Reason) -> bool:
    """Whether the rules name another deputy now, or somebody else."""
    return reason.part == Part.DEPUTY and why == Reason.USER_INACTIVE


def _is_told_otherwise(delivery: Delivery, reason: NotificationReason, why: Reason) -> bool:
    """Whether another channel told this reason, or may still do so."""
    others = Delivery.objects.filter(notification=delivery.notification).exclude(pk=delivery.pk)
    if why == Reason.AWAY or _is_a_deputy_who_left(reason, why):  # Nobody looks at the bell.
        others = others.exclude(channel=DESKTOP, endpoint_key=Delivery.OWN)
    if channel := settles_alone(reason.kind, reason.part):
        return delivery.channel != channel and (
            others.filter(channel=channel).exclude(_NOT_TOLD).exists()
        )
    if why in OF_A_CHANNEL:
        return others.exclude(_NOT_TOLD).exists()
    return others.filter(state=Delivery.State.DELIVERED).exists()


def stop_siblings(checked: Checked) -> None:
    """What ends a message on one channel for everybody's reasons ends it on the others."""
    if any(why in OF_A_CHANNEL for _reason, why in checked.withdrawn):
        return
    waiting = Delivery.objects.filter(
        notification=checked.delivery.notification,
        state__in=(Delivery.State.PENDING, Delivery.State.GATHERED),
    )
    siblings = list(waiting.select_for_update().select_related("notification__membership__user"))
    waiting.filter(pk__in=[sibling.pk for sibling in siblings]).update(
        state=checked.stopped_state, reason=checked.stop, done_at=Now()
    )
    uncount_emails(siblings)
