"""A visit in words: while it goes on, and when it has ended."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import Account
from notifications.eligibility.visits import Course
from notifications.models import Visit
from notifications.text import one_line
from notifications.triggers import CATALOGUE, PAGE_TYPES, Matcher, page_path
from notifications.words import duration_words
from partners.models import Activity

# What an event with a name of ours is called; whether it is switched on plays no part.
_NAMES = Matcher((trigger, True) for trigger in CATALOGUE)


def so_far(visit: Visit | None, activity_id: int) -> str:
    """Return how the visit of an activity that was told goes on; the summary once it has ended.

    Empty: nothing followed. `first` and `last` must be selected.
    """
    if visit is None or not visit.course.further:
        return ""
    if visit.ended_at and visit.course.deserves_summary:
        return summary(visit)
    course, last = visit.course, _place(visit.last)
    if activity_id != visit.first_id:  # Told of a later step: some of the others came before it.
        words = ngettext(
            "one of %(count)d action of this visit, last: “%(last)s”",
            "one of %(count)d actions of this visit, last: “%(last)s”",
            course.steps,
        )
        return words % {"count": course.steps, "last": last}
    if course.only_pages:
        words = ngettext(
            "… and %(count)d more page, last: “%(last)s”",
            "… and %(count)d more pages, last: “%(last)s”",
            course.further,
        )
    else:
        words = ngettext(
            "… and %(count)d more action, last: “%(last)s”",
            "… and %(count)d more actions, last: “%(last)s”",
            course.further,
        )
    return words % {"count": course.further, "last": last}


def summary(visit: Visit) -> str:
    """Return for example "7 pages in 12 min, from “Pricing” to “Demo form”"."""
    return _("%(amount)s, from “%(first)s” to “%(last)s”") % {
        "amount": amount(visit.course),
        "first": _place(visit.first),
        "last": _place(visit.last),
    }


def amount(course: Course) -> str:
    """Return how much and how long; nothing that says who, or where."""
    if course.only_pages:
        words = ngettext("%(count)d page in %(time)s", "%(count)d pages in %(time)s", course.steps)
    else:
        words = ngettext(
            "%(count)d action in %(time)s", "%(count)d actions in %(time)s", course.steps
        )
    return words % {"count": course.steps, "time": duration_words(course.lasted)}


def _place(activity: Activity) -> str:
    """Return a page's name or path, or what an event is called."""
    if activity.type in PAGE_TYPES:
        path = page_path(activity.payload)
        name = activity.name or (_("Home page") if path == "/" else path)
        return one_line(name) if name else _("a page")
    match = _NAMES.match(type=activity.type, name=activity.name, payload=activity.payload)
    return str(match.trigger.label) if match else one_line(activity.name) or _("an action")


def load_summaries(activities: Iterable[Activity], account: Account | None) -> dict[int, str]:
    """Return, by the activity that a visit began with, how it went on. 1 query.

    `account` None: whosever visit it was; of several accounts they are nearly the same.
    """
    visits = Visit.objects.filter(first__in=[activity.pk for activity in activities])
    visits = visits.exclude(ended_at=None).select_related("first", "last").order_by("pk")
    if account:
        visits = visits.filter(account=account)
    found: dict[int, str] = defaultdict(str)
    found |= {v.first_id: summary(v) for v in visits if v.course.deserves_summary}
    return found
