"""Notices in words: what happened, why this person hears of it, and where it is mended."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from notifications.models import Endpoint, Notification
from notifications.reasons import Reason
from notifications.text import one_line


@dataclass(frozen=True)
class WayOut:
    """Where it is mended: the button's label and the page's path."""

    label: str
    path: str


def headline(notification: Notification, what: str) -> str:
    """Return the notice in one line. `what`: what the person of the activity did."""
    if notification.suspended_because:
        return _("E-mail address suspended: %(address)s") % {"address": _address(notification)}
    if is_about_a_place(notification):
        off, removed = _("Switched off: %(endpoint)s"), _("Removed: %(endpoint)s")
        words = off if notification.endpoint else removed
        return words % {"endpoint": _endpoint_name(notification)}
    if notification.notice == Reason.DAILY_CAP:
        return _("The limit of e-mails for today is reached")
    return _("Nobody was told: %(what)s") % {"what": what}


def explanation(notification: Notification) -> tuple[str, ...]:
    """Return why it happened and why this person hears of it. `endpoint` and
    `suspended__user` selected."""
    account = one_line(notification.account.name)
    if notification.suspended_because:
        return _why_suspended(notification), _after_suspension(account)
    if is_about_a_place(notification):
        mend = (
            _("You get this because you added it. Nothing is sent there until you switch it on.")
            if notification.endpoint
            else _(
                "You get this because you had added it. If you still use it, add it there again."
            )
        )
        return _endpoint_explanation(notification), mend
    if notification.notice == Reason.DAILY_CAP:
        most = settings.EMAIL_DAILY_CAP
        return _after_the_limit(most), _("This comes once a day for each topic.")
    once = _("You are an admin of %(account)s. This comes once for each cause.")
    return why_nobody_was_told(notification.notice, account), once % {"account": account}


def way_out(notification: Notification) -> WayOut | None:
    if notification.notice == Reason.RECIPIENT_INACTIVE:
        return WayOut(_("Choose another recipient"), reverse("notifications:communication"))
    if notification.notice == Reason.DAILY_CAP:
        return WayOut(_("Get them together instead"), reverse("notifications:when"))
    if is_about_a_place(notification) and not notification.suspended_because:
        endpoint = notification.endpoint
        page = ("endpoint", [endpoint.pk]) if endpoint else ("endpoints", [])
        return WayOut(_("Look at it"), reverse(f"notifications:{page[0]}", args=page[1]))
    return None


def _after_the_limit(most: int) -> str:
    return ngettext(
        "%(most)s e-mail about this topic has gone to you today, and no more goes. What else "
        "happens today is in the bell; tomorrow e-mail goes on.",
        "%(most)s e-mails about this topic have gone to you today, and no more go. What else "
        "happens today is in the bell; tomorrow e-mail goes on.",
        most,
    ) % {"most": most}


def is_about_a_place(notification: Notification) -> bool:
    """Whether it is about where messages go: an endpoint that was given up, or a mailbox."""
    return notification.notice == Reason.SUPPRESSED_ADDRESS


def why_nobody_was_told(notice: str, account: str) -> str:
    """Return what an admin has to know to mend it (R33, R55)."""
    if notice == Reason.RECIPIENT_INACTIVE:
        return _(
            "The recipient of lead activity that %(account)s has chosen is deactivated. "
            "Nobody is told until you choose another one."
        ) % {"account": account}
    return _(
        "Everybody from %(account)s on the shared deal is deactivated, or nobody is on it."
    ) % {"account": account}


def _address(notification: Notification) -> str:
    return notification.suspended.user.email if notification.suspended else "–"


def _why_suspended(notification: Notification) -> str:
    values = {"address": _address(notification)}
    if notification.suspended_because == "complaint":
        return _("The reader of %(address)s reported our e-mail as unwanted.") % values
    if notification.suspended_because == "asked":
        return _("The reader of %(address)s asked the mail service for silence.") % values
    return _("Mail to %(address)s came back: the mail server says that it does not exist.") % values


def _after_suspension(account: str) -> str:
    return _(
        "You are an admin of %(account)s. Nothing more is sent there; the bell goes on. Its owner "
        "can confirm the address anew under Settings › Notifications, or an operator can free it."
    ) % {"account": account}


def _endpoint_name(notification: Notification) -> str:
    endpoint = notification.endpoint
    name = endpoint.name if endpoint else notification.endpoint_name
    return one_line(name) if name else _("a removed endpoint")


def _endpoint_explanation(notification: Notification) -> str:
    values = {"endpoint": _endpoint_name(notification)}
    why = notification.endpoint.disabled_because if notification.endpoint else ""
    if why == Endpoint.Why.SILENT:
        return _("Nothing could be delivered to “%(endpoint)s” for five days.") % values
    if why == Endpoint.Why.GONE:
        return _("“%(endpoint)s” answered that it is gone for good.") % values
    return _("Nothing could be delivered to “%(endpoint)s” any more.") % values
