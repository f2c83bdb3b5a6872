"""What changes an account's profiles. Every change is written down (R37)."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction

from accounts.audit import on_off, record_change
from accounts.models import Account, Membership, User
from accounts.services.members import lock_account
from notifications import eligibility
from notifications.audit import person_in_words
from notifications.facts.wishes import as_profile
from notifications.models import Profile, ProfileCell, ProfileMember
from notifications.profiles.changes import changed_cells
from notifications.profiles.impact import Plan

# More than anybody tells apart.
MOST = 20


class TooManyProfilesError(Exception):
    """The account has as many profiles as it can have."""


@transaction.atomic
def create_profile(actor: User, account: Account, name: str) -> Profile:
    """Make a profile that says nothing and is nobody's yet. Raises TooManyProfilesError."""
    lock_account(account)
    if Profile.objects.filter(account=account).count() >= MOST:
        raise TooManyProfilesError
    profile = Profile.objects.create(account=account, name=name)
    _write_down(actor, profile, "created")
    return profile


@transaction.atomic
def save_profile(actor: User, profile: Profile, plan: Plan) -> None:
    """Make the profile what the plan says. `plan.member_ids`: of this account."""
    assert plan.after
    lock_account(profile.account)
    row = Profile.objects.select_related("account").prefetch_related("cells").get(pk=profile.pk)
    if row.name != plan.after.name:
        old, row.name = row.name, plan.after.name
        _write_down(actor, row, "renamed", old=old, new=row.name)
    if row.is_default != plan.is_default:
        _set_default(actor, row, plan.is_default)
    row.save(update_fields=["name", "is_default"])
    _save_cells(actor, row, plan.after)
    _save_members(actor, row, plan.member_ids)


def _set_default(actor: User, row: Profile, is_default: bool) -> None:
    if is_default:
        Profile.objects.filter(account=row.account, is_default=True).update(is_default=False)
    _write_down(actor, row, "default", old=on_off(row.is_default), new=on_off(is_default))
    row.is_default = is_default


def _save_cells(actor: User, row: Profile, after: eligibility.Profile) -> None:
    for cell, old, new in changed_cells(as_profile(row), after):
        channel, key = cell
        if cell in after.cells:
            row.cells.update_or_create(
                channel=channel,
                key=key,
                defaults={"is_on": after.cells[cell], "is_locked": cell in after.locked},
            )
        else:
            ProfileCell.objects.filter(profile=row, channel=channel, key=key).delete()
        place = f"{channel} {key}"
        _write_down(actor, row, "cell", old=f"{place} {old}", new=f"{place} {new}")


def _save_members(actor: User, row: Profile, member_ids: Iterable[int]) -> None:
    here = dict(ProfileMember.objects.filter(profile=row).values_list("membership_id", "pk"))
    wanted = set(member_ids)
    ProfileMember.objects.filter(pk__in=[here[pk] for pk in here.keys() - wanted]).delete()
    ProfileMember.objects.bulk_create(
        [ProfileMember(profile=row, membership_id=pk) for pk in sorted(wanted - here.keys())],
        update_conflicts=True,
        unique_fields=["membership"],
        update_fields=["profile"],
    )
    moved = Membership.objects.filter(pk__in=here.keys() ^ wanted).select_related("user")
    for member in moved.order_by("pk"):
        action = "taken" if member.pk in here else "given"
        _write_down(actor, row, action, new=person_in_words(member))


@transaction.atomic
def delete_profile(actor: User, profile: Profile) -> None:
    """Delete it; its members have the default one then, or none. Own choices stay."""
    lock_account(profile.account)
    _write_down(actor, profile, "deleted")
    profile.delete()


def _write_down(actor: User, profile: Profile, what: str, old: str = "", new: str = "") -> None:
    record_change(
        profile.account,
        actor=actor,
        action=f"profiles.{what}",
        old=old,
        new=new,
        subject=profile.name,
    )
