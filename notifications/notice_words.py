"""Notices in words: what happened, why this person hears of it, and where it is mended."""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext as _

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
    if is_about_an_endpoint(notification):
        return _("Switched off: %(endpoint)s") % {"endpoint": _endpoint_name(notification)}
    return _("Nobody was told: %(what)s") % {"what": what}


def explanation(notification: Notification) -> tuple[str, ...]:
    """Return why it happened and why this person hears of it. `endpoint` selected."""
    account = one_line(notification.account.name)
    if is_about_an_endpoint(notification):
        return (
            _endpoint_explanation(notification),
            _("You get this because you added it. Nothing is sent there until you switch it on."),
        )
    once = _("You are an admin of %(account)s. This comes once for each cause.")
    return why_nobody_was_told(notification.notice, account), once % {"account": account}


def way_out(notification: Notification) -> WayOut | None:
    if notification.notice == Reason.RECIPIENT_INACTIVE:
        return WayOut(_("Choose another recipient"), reverse("notifications:communication"))
    if is_about_an_endpoint(notification):
        endpoint = notification.endpoint
        page = ("endpoint", [endpoint.pk]) if endpoint else ("endpoints", [])
        return WayOut(_("Look at it"), reverse(f"notifications:{page[0]}", args=page[1]))
    return None


def is_about_an_endpoint(notification: Notification) -> bool:
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


def _endpoint_name(notification: Notification) -> str:
    endpoint = notification.endpoint
    return one_line(endpoint.name) if endpoint else _("a removed endpoint")


def _endpoint_explanation(notification: Notification) -> str:
    values = {"endpoint": _endpoint_name(notification)}
    why = notification.endpoint.disabled_because if notification.endpoint else ""
    if why == Endpoint.Why.SILENT:
        return _("Nothing could be delivered to “%(endpoint)s” for five days.") % values
    if why == Endpoint.Why.GONE:
        return _("“%(endpoint)s” answered that it is gone for good.") % values
    return _("Nothing could be delivered to “%(endpoint)s” any more.") % values
