"""Who of an account is away, as its other members read it; and what their deputy misses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from accounts.models import Membership
from notifications.eligibility import Away, Person, may_deputise, not_covered
from notifications.facts.people import load_away, load_people
from notifications.inbox.selectors import names_of
from notifications.models import Absence
from notifications.when.services import today_of


def away_words(members: Sequence[Membership]) -> Mapping[int, str]:
    """Return of each of an account's members who is away until when, and who is told meanwhile.

    `user` and `account` must be selected. 1 query.
    """
    members = [member for member in members if member.is_current]
    away = load_away(members, timezone.now())
    people = {
        m.pk: Person(membership_id=m.pk, account_id=m.account_id, away=away.get(m.pk))
        for m in members
    }
    names = {member.pk: member.user.display_name for member in members}
    return {pk: _words(people[pk], people, names) for pk in away}


def _words(absent: Person, people: Mapping[int, Person], names: Mapping[int, str]) -> str:
    assert absent.away
    deputy = people.get(absent.away.deputy or 0)
    words = {"until": date_format(absent.away.until)}
    if deputy is None:
        return _("Away until %(until)s, without a deputy") % words
    words["name"] = names[deputy.membership_id]
    if may_deputise(absent, deputy):
        return _("Away until %(until)s. Deputy: %(name)s") % words
    return _("Away until %(until)s. The deputy, %(name)s, is away as well") % words


def what_the_deputy_misses(absence: Absence) -> str:
    """Return, in a sentence for the absent one, what their deputy would not be told; empty: they
    would be told everything, or there is none.

    `membership` and `deputy` must be selected with `user` and `account`. About 9 queries.
    """
    deputy = absence.deputy
    if deputy is None:
        return ""
    people = load_people([absence.membership, deputy])
    own = _away_meanwhile(deputy, absence)
    away = Away(until=own.ends, deputy=own.deputy_id) if own else None
    stands_in = replace(people[deputy.pk], away=away)
    missed = not_covered(people[absence.membership_id], stands_in)
    if not missed:
        return ""
    words = {"name": deputy.user.display_name}
    if own:
        text = _(
            "%(name)s is away as well, from %(begins)s to %(ends)s, and is told nothing in your "
            "place on those days."
        )
        return text % {**words, "begins": date_format(own.begins), "ends": date_format(own.ends)}
    text = _(
        "%(name)s gets nothing about “%(topics)s” by e-mail, in an app or on a device, and so "
        "cannot stand in for you there."
    )
    return text % {**words, "topics": names_of(missed)}


def _away_meanwhile(deputy: Membership, absence: Absence) -> Absence | None:
    """Return the deputy's own absence, if it has a day in common with what is left of this one."""
    ahead = max(absence.begins, today_of(deputy))
    rows = Absence.objects.filter(membership=deputy)
    return rows.filter(begins__lte=absence.ends, ends__gte=ahead).first()
