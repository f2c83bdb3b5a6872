"""The summary of a visit as a message: what it came to, instead of what it began with."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.utils.translation import gettext as _

from notifications.eligibility.visits import Course
from notifications.message_context import MessageContext, company_name, link, path_of, person_name
from notifications.messages import Action, Message
from notifications.models import Notification
from notifications.visits.words import amount, summary


def sum_up(message: Message, context: MessageContext) -> Message:
    """Return what a visit came to, instead of what it began with."""
    account, visit = context.membership.account, context.notification.visit
    name = person_name(context.notification.activity, context.reasons)
    company = company_name(context.reasons)
    words = summary_of(context.notification)
    said = f"{name} ({company}): {words}" if company else f"{name}: {words}"
    off = link(path_of("notifications:preferences", "email"), account=account.slug)
    data = {key: value for key, value in message.data.items() if key != "page"}
    return replace(
        message,
        subject=f"{company}: {name}, {words}" if company else said,
        sentence=f"{said}.",
        glance=said if context.may_name else visit_at_a_glance(context),
        stop=(Action(label=_("Turn off summaries of visits"), url=off),),
        type="lead.visit_ended",
        replaces=context.replaces,
        is_quiet=True,
        data={**data, "visit": _course_data(visit.course) if visit else None},
    )


def _course_data(course: Course) -> dict[str, Any]:
    return {
        "started_at": course.started_at.isoformat(),
        "ended_at": course.last_at.isoformat(),
        "activities": course.steps,
        "pages": course.pages,
    }


def summary_of(notification: Notification) -> str:
    return summary(notification.visit) if notification.visit else _("summary of a visit")


def visit_at_a_glance(context: MessageContext) -> str:
    visit = context.notification.visit
    return _("A visit has ended: %(amount)s") % {"amount": amount(visit.course) if visit else ""}
