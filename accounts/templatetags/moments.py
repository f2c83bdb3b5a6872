"""Times as people say them. The exact time stands beside them, in the `title`."""

from datetime import datetime, timedelta

from django import template
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

register = template.Library()


@register.filter
def ago(when: datetime) -> str:
    """Return one unit of time, and the date for what is a week old or lies ahead."""
    passed = timezone.now() - when
    if not timedelta(seconds=-60) < passed < timedelta(days=7):
        return date_format(timezone.localtime(when), "DATE_FORMAT")
    minutes = int(passed.total_seconds()) // 60
    if minutes < 1:
        return _("just now")
    if minutes < 60:
        return ngettext("%(n)d minute ago", "%(n)d minutes ago", minutes) % {"n": minutes}
    if minutes < 24 * 60:
        hours = minutes // 60
        return ngettext("%(n)d hour ago", "%(n)d hours ago", hours) % {"n": hours}
    return ngettext("%(n)d day ago", "%(n)d days ago", passed.days) % {"n": passed.days}


@register.filter
def due(when: datetime) -> str:
    """Return what lies ahead with its day of the week: "Mon, 30 Nov, 08:00"."""
    words = date_format(timezone.localtime(when), "D, j M, H:i")
    # Polish writes days and months small; Django's names are for the beginning of a line.
    return words.lower() if get_language() == "pl" else words


@register.filter
def since(when: datetime) -> str:
    """Return the hour of today, and otherwise the day as well: "10:12", "Mon, 30 Nov, 08:00"."""
    is_today = timezone.localdate(when) == timezone.localdate()
    return date_format(timezone.localtime(when), "H:i") if is_today else due(when)
