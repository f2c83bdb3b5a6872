"""Who of an account is away, as its other members read it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from accounts.models import Membership
from notifications.eligibility import Person, may_deputise
from notifications.facts.people import load_away


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
