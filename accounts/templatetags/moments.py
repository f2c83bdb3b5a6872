"""Times as people say them. The exact time stands beside them, in the `title`."""

from datetime import datetime, timedelta

from django import template
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

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
