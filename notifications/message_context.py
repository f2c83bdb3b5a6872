"""What a message is made of: its context, and the parts that all kinds of messages share."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlencode

from django.conf import settings
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import pgettext

from accounts.models import Membership
from notifications.models import Delivery, Notification, NotificationReason
from notifications.text import one_line
from partners.models import Activity


@dataclass(frozen=True, kw_only=True)
class MessageContext:
    """What a message is made of. The reasons that still hold, with their rows selected;
    `did`: what the person did, in words not translated yet; `teaser`: others read it, too;
    `may_name`: whether names may stand where others can read along; `instead`: an e-mail,
    because an app has failed; `replaces`: the public id of what it comes in the place of."""

    delivery: Delivery
    notification: Notification
    membership: Membership
    reasons: tuple[NotificationReason, ...]
    did: str | Promise
    vendor_name: str
    teaser: bool = False
    may_name: bool = True
    instead: bool = False
    replaces: str = ""


def person_name(activity: Activity, reasons: Iterable[NotificationReason] = ()) -> str:
    """Return the person's best known name: the registration's, the vendor's, the e-mail."""
    contact = activity.contact
    for reason in reasons:
        row = reason.lead or reason.client
        if row and row.contact_name and contact and row.email == contact.email:
            return one_line(row.contact_name)
    if contact is None:
        return pgettext("visitor", "Somebody")
    return one_line(contact.name or contact.email)


def company_name(reasons: Iterable[NotificationReason]) -> str:
    for reason in reasons:
        row = reason.lead or reason.client
        if row:
            return one_line(row.company or row.domain)
        if reason.deal:
            return one_line(reason.deal.company.name)
    return ""


@lru_cache(maxsize=10_000)
def path_of(view: str, *args: object) -> str:
    """Return the page's path, which the next messages most likely link too.

    Asked for anew each time, the paths take half of the rendering.
    """
    return reverse(view, args=args)


def link(path: str, **query: str) -> str:
    """Return the whole address. `account`: for which account it is read."""
    return settings.SITE_URL + path + (f"?{urlencode(query)}" if query else "")
