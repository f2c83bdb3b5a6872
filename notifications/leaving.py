"""What follows for notifications when a member is deactivated or removed (R33, R34, R101)."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import Membership, User
from notifications.additional.services import remove_entry
from notifications.audit import PEOPLE, in_words, record_communication
from notifications.channels import PUSH_CHANNELS
from notifications.models import AdditionalRecipient, CommunicationSettings
from partners.models import Company, DealMember, Lead


def consequences(member: Membership, *, removal: bool) -> list[str]:
    """Return what changes for others, in sentences. At most 6 queries."""
    return [
        *_as_recipient(member),
        *(_as_additional(member) if removal else ()),
        *_on_deals(member, removal=removal),
        *(_as_company_owner(member) if removal else ()),
        *(_with_endpoints(member) if removal else _with_devices(member)),
    ]


def _as_recipient(member: Membership) -> list[str]:
    chosen = CommunicationSettings.objects.filter(recipient=member, receive_lead_activity=True)
    row = chosen.select_related("backup__user").annotate(tells_others=_others(member)).first()
    if row is None:
        return []
    values = {"name": member.user.display_name}
    if row.backup and row.backup_id != member.pk:
        words = _(
            "%(name)s is the recipient of lead activity notifications: %(backup)s, the backup, "
            "is told until another one is chosen."
        )
        return [words % {**values, "backup": row.backup.user.display_name}]
    if row.tells_others:
        words = _(
            "%(name)s is the recipient of lead activity notifications: only the additional "
            "recipients are told until another one is chosen."
        )
        return [words % values]
    words = _(
        "%(name)s is the recipient of lead activity notifications: nothing will be sent until "
        "another one is chosen."
    )
    return [words % values]


def _others(member: Membership) -> Exists:
    """Whether the account tells somebody beside the recipient, who is this member."""
    listed = AdditionalRecipient.objects.filter(communication=OuterRef("pk"))
    return Exists(listed.exclude(membership=member))


def _as_additional(member: Membership) -> list[str]:
    values = {"name": member.user.display_name}
    sentences = []
    if AdditionalRecipient.objects.filter(membership=member).exists():
        words = _("%(name)s is taken off the additional recipients of lead activity.")
        sentences.append(words % values)
    if count := Lead.objects.filter(owner=member).count():
        words = ngettext(
            "%(count)d lead is left without %(name)s, who looks after it.",
            "%(count)d leads are left without %(name)s, who looks after them.",
            count,
        )
        sentences.append(words % {**values, "count": count})
    return sentences


def _on_deals(member: Membership, *, removal: bool) -> list[str]:
    current = DealMember.objects.filter(
        membership=member, removed_at=None, deal__archived_at=None
    ).aggregate(
        deals=Count("deal", distinct=True),
        owned=Count("deal", filter=Q(role=DealMember.Role.OWNER)),
    )
    deals, owned = current["deals"], current["owned"]
    values = {"name": member.user.display_name, "count": deals, "owned": owned}
    if not deals:
        return []
    if not removal:
        words = ngettext(
            "%(name)s stays on %(count)d shared deal, but is not told about it.",
            "%(name)s stays on %(count)d shared deals, but is not told about them.",
            deals,
        )
        return [words % values]
    words = ngettext(
        "%(count)d shared deal loses %(name)s.",
        "%(count)d shared deals lose %(name)s.",
        deals,
    )
    without = ngettext(
        "%(owned)d of them is left without an owner.",
        "%(owned)d of them are left without an owner.",
        owned,
    )
    return [words % values, *([without % values] if owned else [])]


def _as_company_owner(member: Membership) -> list[str]:
    if member.role != Membership.Role.GROWTH_SPECIALIST or not member.is_vendor_side:
        return []
    count = Company.objects.filter(owner=member.user_id).count()
    words = ngettext(
        "%(name)s owns %(count)d company: until another growth specialist owns it, no partner "
        "is told about its sign-ups.",
        "%(name)s owns %(count)d companies: until another growth specialist owns them, no "
        "partner is told about their sign-ups.",
        count,
    )
    return [words % {"name": member.user.display_name, "count": count}] if count else []


def _with_endpoints(member: Membership) -> list[str]:
    count = member.endpoints.count()
    words = ngettext(
        "%(count)d app or device of %(name)s is removed: nothing more is sent there.",
        "%(count)d apps and devices of %(name)s are removed: nothing more is sent there.",
        count,
    )
    return [words % {"name": member.user.display_name, "count": count}] if count else []


def _with_devices(member: Membership) -> list[str]:
    count = member.endpoints.filter(channel__in=PUSH_CHANNELS).count()
    words = ngettext(
        "%(count)d browser or phone of %(name)s is removed: nothing more is sent there.",
        "%(count)d browsers and phones of %(name)s are removed: nothing more is sent there.",
        count,
    )
    return [words % {"name": member.user.display_name, "count": count}] if count else []


@transaction.atomic
def drop_recipient(member: Membership, *, actor: User) -> None:
    """Choose this member no longer, in any part (R34); the history says so."""
    rows = CommunicationSettings.objects.select_for_update(of=("self",))
    chosen = rows.select_related("account", *PEOPLE)
    for row in chosen.filter(Q(recipient=member) | Q(backup=member)):
        before = in_words(row)
        row.recipient = None if row.recipient_id == member.pk else row.recipient
        row.backup = None if row.backup_id == member.pk else row.backup
        row.save(update_fields=["recipient", "backup"])
        record_communication(row, before, actor=actor)
    listed = AdditionalRecipient.objects.filter(membership=member)
    for entry in listed.select_related("communication__account", "membership__user"):
        remove_entry(entry, actor=actor)
