"""What members wish: their own choices and the account's profile, for many at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from django.db.models import Q

from accounts.models import Membership
from notifications import eligibility
from notifications.eligibility import Cell, Wishes
from notifications.models import Preference, Profile, ProfileMember


def load_wishes(memberships: Iterable[Membership]) -> dict[int, Wishes]:
    """Return the wishes of each membership. 3 queries, and one more if there are profiles."""
    members = {member.pk: member for member in memberships}
    choices: dict[int, dict[Cell, bool]] = defaultdict(dict)
    unsubscribed: dict[int, set[Cell]] = defaultdict(set)
    for row in Preference.objects.filter(membership__in=members):
        choices[row.membership_id][row.channel, row.key] = row.is_on
        if row.unsubscribed:
            unsubscribed[row.membership_id].add((row.channel, row.key))
    profiles = load_profiles(members.values())
    return {
        pk: Wishes(
            choices=choices[pk],
            profile=profiles.get(pk),
            unsubscribed=frozenset(unsubscribed.get(pk, ())),
        )
        for pk in members
    }


def load_profiles(memberships: Iterable[Membership]) -> dict[int, eligibility.Profile]:
    """Return the profile of each membership that has one. 2 or 3 queries."""
    members = {member.pk: member for member in memberships}
    given = dict(
        ProfileMember.objects.filter(membership__in=members).values_list(
            "membership_id", "profile_id"
        )
    )
    accounts = {member.account_id for member in members.values()}
    wanted = Q(pk__in=set(given.values())) | Q(account__in=accounts, is_default=True)
    rows = list(Profile.objects.filter(wanted).prefetch_related("cells"))
    profiles = {row.pk: as_profile(row) for row in rows}
    defaults = {row.account_id: profiles[row.pk] for row in rows if row.is_default}
    found = {
        pk: profiles[given[pk]] if pk in given else defaults.get(member.account_id)
        for pk, member in members.items()
    }
    return {pk: profile for pk, profile in found.items() if profile}


def as_profile(row: Profile) -> eligibility.Profile:
    """`cells` should be prefetched."""
    cells = list(row.cells.all())
    return eligibility.Profile(
        name=row.name,
        cells={(cell.channel, cell.key): cell.is_on for cell in cells},
        locked=frozenset((cell.channel, cell.key) for cell in cells if cell.is_locked),
    )
