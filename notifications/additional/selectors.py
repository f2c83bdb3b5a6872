"""The additional recipients as the page Partners › Communication shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Count, F
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from accounts.models import Account, AuditEntry, Vendor
from notifications.additional.forms import ActionsForm, owner_label
from notifications.additional.services import ALL, LEAD_OWNER
from notifications.eligibility import Person, is_reached, profile_behind, why_no_email
from notifications.facts.people import load_people
from notifications.facts.triggers import load_triggers
from notifications.models import AdditionalRecipient, CommunicationSettings
from notifications.reasons import sentence_of
from notifications.topics import LEAD_ACTIVITY
from notifications.triggers import TriggerType
from partners.models import Lead

Triggers = Sequence[tuple[TriggerType, bool]]


@dataclass(frozen=True, kw_only=True)
class Line:
    """One additional recipient. `tag`: what is wrong with the place, in a word or two; `note`:
    what else is to be known; both may be empty. `hears_all`: told of every action."""

    pk: int
    member_id: int | None
    name: str
    email: str
    summary: str
    tag: str
    note: str
    is_told: bool
    hears_all: bool
    form: ActionsForm


def lines_of(communication: CommunicationSettings) -> list[Line]:
    """Return the lines, the owner's first. 1 query; about 10, if there are any lines."""
    if communication.pk is None:
        return []
    rows = list(
        AdditionalRecipient.objects.filter(communication=communication)
        .select_related("membership__user", "membership__account")
        .order_by(F("membership__user__name").asc(nulls_first=True), "pk")
    )
    people = load_people(row.membership for row in rows if row.membership)
    triggers = load_triggers() if rows else []
    return [
        _line(row, people.get(row.membership_id or 0), triggers, communication.account)
        for row in rows
    ]


def _line(
    row: AdditionalRecipient, person: Person | None, triggers: Triggers, account: Account
) -> Line:
    member, form = row.membership, ActionsForm(entry=row, triggers=triggers)
    is_told = bool(person and person.active and is_reached(person, LEAD_ACTIVITY))
    owned = _owned(account) if member is None else ""
    return Line(
        pk=row.pk,
        member_id=row.membership_id,
        name=member.user.display_name if member else owner_label(),
        email=member.user.email if member and member.user.name else "",
        summary=actions_in_words(row.triggers, labels_of(triggers)),
        tag=_tag(row),
        note=_why_no_email(person) if person and person.active else owned,
        is_told=is_told,
        hears_all=is_told and not row.triggers,
        form=form,
    )


def _tag(row: AdditionalRecipient) -> str:
    member = row.membership
    if member is None or member.is_current:
        return ""
    return _("no longer in the account") if member.removed_at else _("deactivated")


def _why_no_email(person: Person) -> str:
    why = why_no_email(person, LEAD_ACTIVITY)
    return sentence_of(why, profile_behind(person, why, LEAD_ACTIVITY)) if why else ""


def _owned(account: Account) -> str:
    count = Lead.objects.filter(account=account).aggregate(owned=Count("owner"), total=Count("pk"))
    words = _(
        "Leads with an owner: %(owned)s of %(total)s. Nobody is told of the others. "
        "%(vendor)s enters who looks after a lead."
    )
    return words % {**count, "vendor": Vendor.current().name}


# --- In words -----------------------------------------------------------------------------


def labels_of(triggers: Triggers) -> dict[str, str | Promise]:
    return {trigger.key: trigger.label or trigger.key for trigger, _is_on in triggers}


def actions_in_words(keys: Sequence[str], labels: Mapping[str, str | Promise]) -> str:
    """Return for example "Every action" or "Only: Requested a demo, Started a trial"."""
    if not keys:
        return _("Every action")
    return _("Only: %(actions)s") % {"actions": _listed(keys, labels)}


def change_in_words(entry: AuditEntry, labels: Mapping[str, str | Promise]) -> str:
    """Return one change of the list as the history tells it."""
    who = owner_label() if entry.subject == LEAD_OWNER else entry.subject or "–"
    values = {"who": who, "old": _stored(entry.old, labels), "new": _stored(entry.new, labels)}
    if entry.action == "communication.additional_added":
        return _("Added an additional recipient: %(who)s (%(new)s)") % values
    if entry.action == "communication.additional_removed":
        return _("Took %(who)s off the additional recipients") % values
    return _("Changed what %(who)s hears of: %(old)s → %(new)s") % values


def _stored(value: str, labels: Mapping[str, str | Promise]) -> str:
    return _("every action") if value == ALL else _listed(value.split(", "), labels)


def _listed(keys: Sequence[str], labels: Mapping[str, str | Promise]) -> str:
    """Return the names of the actions, in the order of the catalogue."""
    known = [label for key, label in labels.items() if key in keys]
    return ", ".join(map(str, [*known, *(key for key in keys if key not in labels)]))
