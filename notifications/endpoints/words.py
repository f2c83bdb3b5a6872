"""How endpoints answer, in plain words."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from notifications.channels.http import BLOCKED
from notifications.models import Endpoint

# What channels/http.py says of what brought no answer; the first that fits counts.
_NO_ANSWER = (
    ("cannot be found", gettext_lazy("There is no such host.")),
    ("was not found within", gettext_lazy("Its host could not be found in time.")),
    (
        BLOCKED,
        gettext_lazy(
            "Its name leads into a private network, where nothing is sent. Change the address, or "
            "the name's entry in the DNS."
        ),
    ),
    ("CERTIFICATE", gettext_lazy("Its certificate is not valid, so the connection is not safe.")),
    ("SSL", gettext_lazy("It does not speak https.")),
    ("cannot connect", gettext_lazy("It could not be reached.")),
    (
        "no answer within",
        gettext_lazy("It did not answer in time; the message may have arrived."),
    ),
    (
        "broken off",
        gettext_lazy("The connection broke before it answered; the message may have arrived."),
    ),
)


# What the chats say in words of their own, whatever the status.
_ANSWERS = (
    ("channel_is_archived", gettext_lazy("Its channel is archived.")),
    ("channel_not_found", gettext_lazy("Its channel is not there any more.")),
    ("no_active_hooks", gettext_lazy("The workspace has removed this address.")),
    ("no_service", gettext_lazy("The workspace has removed this address.")),
    ("no_team", gettext_lazy("Its workspace is not there any more.")),
    ("team_disabled", gettext_lazy("Its workspace is not there any more.")),
    ("action_prohibited", gettext_lazy("Its workspace lets nobody write there this way.")),
    ("HTTP error 429", gettext_lazy("Too many messages came at once, so it asked for a pause.")),
)


def failure_words(detail: str) -> str:
    """Return why a send failed, from the detail that was written down."""
    for phrase, words in _ANSWERS:
        if phrase in detail:
            return str(words)
    status = detail.partition(" ")[0]
    if status.isascii() and status.isdecimal():
        return _status_words(int(status))
    for phrase, words in _NO_ANSWER:
        if phrase in detail:
            return str(words)
    return _("Something went wrong here before it was sent.")


def _status_words(status: int) -> str:
    if 300 <= status < 400:
        words = _("It points to another address, and that is not followed (%(status)d).")
    elif status in (401, 403):
        words = _("It does not let us in (%(status)d).")
    elif status == 404:
        words = _("It knows nothing at this address (%(status)d).")
    elif status == 410:
        words = _("It is gone for good (%(status)d).")
    elif status == 429:
        words = _("It asked for a pause (%(status)d).")
    elif status >= 500:
        words = _("It has a problem of its own (%(status)d).")
    else:
        words = _("It refused the message (%(status)d).")
    return words % {"status": status}


def off_words(endpoint: Endpoint) -> str:
    """Return why it is switched off, which is not asked of one that is on."""
    return {
        Endpoint.Why.OWNER: _("Switched off by you"),
        Endpoint.Why.OPERATOR: _("Switched off by an operator of this site"),
        Endpoint.Why.GONE: _("Switched off: it answered that it is gone for good"),
        Endpoint.Why.SILENT: _("Switched off: nothing could be delivered for five days"),
    }[Endpoint.Why(endpoint.disabled_because)]


def clock_words(when: datetime) -> str:
    """Return the time, and the day if it is not today's."""
    local = timezone.localtime(when)
    is_today = local.date() == timezone.localdate()
    return date_format(local, "TIME_FORMAT" if is_today else "DATETIME_FORMAT")
