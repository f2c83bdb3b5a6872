"""What follows for notifications when a member is deactivated or removed (R33, R34, R101)."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Count, Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import Membership, User
from notifications.audit import in_words, record_communication
from notifications.models import CommunicationSettings
from partners.models import Company, DealMember


def consequences(member: Membership, *, removal: bool) -> list[str]:
    """Return what changes for others, in sentences. At most 4 queries."""
    return [
        *_as_recipient(member),
        *_on_deals(member, removal=removal),
        *(_as_company_owner(member) if removal else ()),
        *(_with_endpoints(member) if removal else ()),
    ]


def _as_recipient(member: Membership) -> list[str]:
    chosen = CommunicationSettings.objects.filter(recipient=member, receive_lead_activity=True)
    if not chosen.exists():
        return []
    words = _(
        "%(name)s is the recipient of lead activity notifications: nothing will be sent until "
        "another one is chosen."
    )
    return [words % {"name": member.user.display_name}]


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
        "%(count)d webhook or device of %(name)s is removed: nothing more is sent there.",
        "%(count)d webhooks and devices of %(name)s are removed: nothing more is sent there.",
        count,
    )
    return [words % {"name": member.user.display_name, "count": count}] if count else []


@transaction.atomic
def drop_recipient(member: Membership, *, actor: User) -> None:
    """Empty the recipient if it was this member (R34); the history says so."""
    rows = CommunicationSettings.objects.select_for_update(of=("self",))
    chosen = rows.select_related("recipient__user", "account").filter(recipient=member)
    for row in chosen:
        before = in_words(row)
        row.recipient = None
        row.save(update_fields=["recipient"])
        record_communication(row, before, actor=actor)
