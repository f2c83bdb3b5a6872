"""Whom a change of profiles reaches, before it is saved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from accounts.models import Account, Membership
from notifications import eligibility
from notifications.channels import CHANNEL_KEYS
from notifications.eligibility import Cell, Wishes
from notifications.facts.wishes import as_profile, load_wishes
from notifications.models import Profile, ProfileMember
from notifications.selectors import topic_groups
from notifications.topics import CHANNEL_SWITCHES


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A profile as it would be. `after` None: deleted."""

    pk: int
    after: eligibility.Profile | None
    is_default: bool
    member_ids: frozenset[int]


@dataclass(frozen=True, kw_only=True)
class Impact:
    """Who would be told differently, and whose own choice stands against it; by name."""

    changed: tuple[Membership, ...] = ()
    keeping: tuple[Membership, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.changed or self.keeping)


def impact_of(account: Account, plan: Plan) -> Impact:
    """6 queries."""
    members = list(Membership.objects.active().filter(account=account).select_related("user"))
    wishes_of, after = load_wishes(members), _profiles_after(account, plan)
    changed, keeping = [], []
    for member in members:
        member.account = account
        wishes, cells = wishes_of[member.pk], _cells_of(member)
        then = replace(wishes, profile=after(member.pk))
        if any(wishes.is_on(*cell) != then.is_on(*cell) for cell in cells):
            changed.append(member)
        elif any(is_kept(wishes, then, cell) for cell in cells):
            keeping.append(member)
    return Impact(changed=_by_name(changed), keeping=_by_name(keeping))


def is_kept(before: Wishes, after: Wishes, cell: Cell) -> bool:
    """Whether the account's word in this cell changes, and the member's own stands against it."""
    return before.inherited(*cell).is_on != after.inherited(*cell).is_on and (
        before.is_on(*cell) == after.is_on(*cell)
    )


def _profiles_after(account: Account, plan: Plan) -> _After:
    rows = {p.pk: p for p in Profile.objects.filter(account=account).prefetch_related("cells")}
    profiles: dict[int, eligibility.Profile] = {pk: as_profile(row) for pk, row in rows.items()}
    given = dict(
        ProfileMember.objects.filter(profile__in=rows).values_list("membership_id", "profile_id")
    )
    given = {member: pk for member, pk in given.items() if pk != plan.pk}
    default = next((pk for pk, row in rows.items() if row.is_default and pk != plan.pk), None)
    if plan.after:
        profiles[plan.pk] = plan.after
        given |= dict.fromkeys(plan.member_ids, plan.pk)
        default = plan.pk if plan.is_default else default
    return _After(profiles, given, default)


@dataclass(frozen=True)
class _After:
    profiles: Mapping[int, eligibility.Profile]
    given: Mapping[int, int]
    default: int | None

    def __call__(self, member_id: int) -> eligibility.Profile | None:
        pk = self.given.get(member_id, self.default)
        return self.profiles[pk] if pk else None


def _cells_of(member: Membership) -> list[Cell]:
    topics = [topic.key for group in topic_groups(member) for topic in group.topics]
    return [*CHANNEL_SWITCHES, *((c, topic) for c in CHANNEL_KEYS for topic in topics)]


def _by_name(members: Iterable[Membership]) -> tuple[Membership, ...]:
    return tuple(sorted(members, key=lambda m: m.user.display_name.casefold()))
