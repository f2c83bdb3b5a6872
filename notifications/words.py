"""Keys in the words of the pages: channels, kinds, repetition."""

from datetime import timedelta

from django.utils import formats
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from notifications.channels import CHANNELS
from notifications.eligibility import CLIENT, DEAL, LEAD
from notifications.reasons import SENTENCES, Reason
from notifications.triggers import Repeat

_KINDS: dict[str, str | Promise] = {
    LEAD: gettext_lazy("Lead activity"),
    CLIENT: gettext_lazy("Client activity"),
    DEAL: gettext_lazy("Deal sign-up"),
}


def channel_label(key: str) -> str:
    return str(CHANNELS.get(key, key))


def kind_label(key: str) -> str:
    return str(_KINDS[key])


def reason_sentence(key: str) -> str:
    return str(SENTENCES[Reason(key)]) if key in set(Reason) else key


def told_in_chat() -> str:
    """Return why an e-mail was not sent that no reason of the closed list is true of (R87)."""
    return _("A chat has it already, and no e-mail was wanted beside it.")


def repeat_words(repeat: Repeat) -> str:
    if repeat is Repeat.COOLDOWN:
        return _("One message per lead within 24 hours; further ones are only recorded.")
    if repeat is Repeat.ONCE:
        return _("Only the first time that this person does it.")
    return _("Every time.")


def unsaved_words(most: int) -> list[str]:
    """Return what a save bar says of no change, of one, up to `most`."""
    return [_unsaved(count) for count in range(most + 1)]


def _unsaved(count: int) -> str:
    if not count:
        return _("No unsaved changes")
    words = ngettext("%(count)d change not saved", "%(count)d changes not saved", count)
    return words % {"count": count}


def duration_words(lasts: timedelta) -> str:
    """Return for example "0.4 s", "12 s", "3 min", "5 h 10 min", "3 d 2 h"."""
    seconds = max(lasts.total_seconds(), 0)
    if seconds < 10:
        return _("%(n)s s") % {"n": formats.number_format(seconds, 1)}
    if seconds < 60:
        return _("%(n)s s") % {"n": round(seconds)}
    minutes = round(seconds / 60)
    if minutes < 60:
        return _("%(n)s min") % {"n": minutes}
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return _("%(hours)s h %(minutes)s min") % {"hours": hours, "minutes": minutes}
    days, hours = divmod(hours, 24)
    return _("%(days)s d %(hours)s h") % {"days": days, "hours": hours}
