"""Additional recipients come, change and go; each change is written down (R37)."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from django.db import transaction

from accounts.audit import record_change
from accounts.models import Account, Membership, User
from notifications.audit import person_in_words
from notifications.models import AdditionalRecipient
from notifications.services import lock_communication

ALL = "all"
LEAD_OWNER = "lead_owner"


@transaction.atomic
def add_entry(
    account: Account,
    member: Membership | None,
    *,
    triggers: Collection[str] = (),
    actor: User | None,
    actor_name: str = "",
) -> AdditionalRecipient:
    """Tell a member of the account, too; None: whoever looks after the lead. Who is listed
    already stays as they are."""
    communication = lock_communication(account)
    entry, is_new = AdditionalRecipient.objects.get_or_create(
        communication=communication,
        membership=member,
        defaults={"triggers": sorted(triggers)},
    )
    if is_new:
        _write_down(entry, "added", new=_in_words(entry), actor=actor, actor_name=actor_name)
    return entry


@transaction.atomic
def choose_triggers(
    entry: AdditionalRecipient,
    triggers: Iterable[str],
    *,
    actor: User | None,
    actor_name: str = "",
) -> bool:
    """Let them hear of these actions only, of all if there are none; tell whether that is new."""
    lock_communication(entry.communication.account)
    stored, chosen = _stored(entry), sorted(set(triggers))
    if stored is None or chosen == sorted(stored.triggers):
        return False
    before, entry.triggers = _in_words(stored), chosen
    entry.save(update_fields=["triggers"])
    after = _in_words(entry)
    _write_down(entry, "triggers", old=before, new=after, actor=actor, actor_name=actor_name)
    return True


@transaction.atomic
def remove_entry(entry: AdditionalRecipient, *, actor: User | None, actor_name: str = "") -> None:
    lock_communication(entry.communication.account)
    stored = _stored(entry)
    if stored is None:
        return
    _write_down(stored, "removed", old=_in_words(stored), actor=actor, actor_name=actor_name)
    stored.delete()


def _stored(entry: AdditionalRecipient) -> AdditionalRecipient | None:
    """Return the entry as it is now; None: somebody else has just taken it off."""
    people = ("communication__account", "membership__user")
    return AdditionalRecipient.objects.select_related(*people).filter(pk=entry.pk).first()


def _in_words(entry: AdditionalRecipient) -> str:
    return ", ".join(entry.triggers) or ALL


def _write_down(
    entry: AdditionalRecipient,
    what: str,
    *,
    old: str = "",
    new: str = "",
    actor: User | None,
    actor_name: str,
) -> None:
    record_change(
        entry.communication.account,
        actor=actor,
        actor_name=actor_name,
        action=f"communication.additional_{what}",
        subject=person_in_words(entry.membership) or LEAD_OWNER,
        old=old,
        new=new,
    )
