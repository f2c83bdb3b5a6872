"""Why somebody is told, in the words of a message: whose it is, and as what (R89)."""

from __future__ import annotations

from collections.abc import Iterator
from zoneinfo import ZoneInfo

from django.utils import formats
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from notifications.eligibility import Part
from notifications.models import NotificationReason
from notifications.text import one_line
from partners.models import Client, Lead


def why_told(reason: NotificationReason, account: str, zone: ZoneInfo) -> Iterator[str]:
    """Yield sentences. `lead`, `client` and `deal` must be selected; `account`: its name."""
    if reason.part == Part.ESCALATION:
        yield nobody_looked(reason.unseen_hours)
        yield from _whose_matter(reason, zone)
    elif row := reason.lead or reason.client:
        values = _values(row, account, zone)
        if reason.part == Part.DEPUTY:
            yield _whose(row) % values
            yield _for_whom(reason)
        elif reason.part == Part.BACKUP:
            yield _whose(row) % values
            yield _("You are the backup recipient: the chosen one could not be told.")
        elif reason.part == Part.ADDITIONAL:
            yield _whose(row) % values
            yield _among_whom(row) % values
        elif reason.part == Part.OWNER:
            yield _whose(row) % values
            yield _("You get this because you look after this lead.")
        else:
            yield _whose_recipient(row) % values
    elif reason.deal and reason.part == Part.DEPUTY:
        yield from _whose_matter(reason, zone)
        yield _for_whom(reason)
    elif deal := reason.deal:
        yield _("You are the owner or on the team of the shared deal “%(deal)s”.") % {
            "deal": one_line(deal.name)
        }


def _for_whom(reason: NotificationReason) -> str:
    """`absent__user` and `absent__absence` should be prefetched."""
    absent = reason.absent
    if absent is None:
        return _("You are the deputy of somebody who is away.")
    values = {"name": one_line(absent.user.display_name)}
    absence = getattr(absent, "absence", None)
    if absence is None:
        return _("You get this for %(name)s, who is away.") % values
    until = formats.date_format(absence.ends, "DATE_FORMAT")
    return _("You get this for %(name)s, who is away until %(until)s.") % {**values, "until": until}


def nobody_looked(hours: int) -> str:
    words = ngettext(
        "Nobody has looked at it for %(n)d working hour.",
        "Nobody has looked at it for %(n)d working hours.",
        hours,
    )
    return words % {"n": hours}


def _whose_matter(reason: NotificationReason, zone: ZoneInfo) -> Iterator[str]:
    """Whoever reads it may be of another account: the vendor's."""
    if row := reason.lead or reason.client:
        account = one_line(row.account.name)
        yield _whose(row) % _values(row, account, zone)
    elif reason.deal:
        yield _("It is about the shared deal “%(deal)s”.") % {"deal": one_line(reason.deal.name)}


def _values(row: Lead | Client, account: str, zone: ZoneInfo) -> dict[str, str]:
    name, until = one_line(row.company or row.domain), row.ends_at
    day = formats.date_format(until.astimezone(zone), "DATE_FORMAT") if until else ""
    return {"lead": name, "client": name, "account": account, "until": day}


def _whose_recipient(row: Lead | Client) -> str:
    if isinstance(row, Client):
        return _("%(client)s is a client of %(account)s, and you are the chosen recipient.")
    if row.expires_at:
        return _(
            "%(lead)s is a lead registered to %(account)s until %(until)s, and you are "
            "the chosen recipient."
        )
    return _("%(lead)s is a lead registered to %(account)s, and you are the chosen recipient.")


def _among_whom(row: Lead | Client) -> str:
    if isinstance(row, Client):
        return _("You get this because you are among those who hear of %(account)s's clients.")
    return _("You get this because you are among those who hear of %(account)s's leads.")


def _whose(row: Lead | Client) -> str:
    if isinstance(row, Client):
        return _("%(client)s is a client of %(account)s.")
    if row.expires_at:
        return _("%(lead)s is a lead registered to %(account)s until %(until)s.")
    return _("%(lead)s is a lead registered to %(account)s.")
