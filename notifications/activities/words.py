"""What somebody did, in words for people: raw names are for the vendor's debugger."""

from django.utils.translation import gettext as _

from notifications.text import one_line
from notifications.triggers import page_path
from partners.models import Activity

# They say who somebody is; they are nothing that somebody did.
NOT_DONE = ("identify", "group", "alias")


def what_was_done(activity: Activity) -> str:
    """Return for example "Viewed the page “Pricing”", whether or not it notifies."""
    if activity.type in NOT_DONE:
        return _("Recognised by the website")
    if activity.type == "track":
        return _("Event “%(name)s”") % {"name": one_line(activity.name)}
    path = page_path(activity.payload)
    if path == "/":
        return _("Viewed the home page")
    page = one_line(activity.name or path)
    return _("Viewed the page “%(page)s”") % {"page": page} if page else _("Viewed a page")
