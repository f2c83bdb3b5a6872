"""Shared deals: who sells together with the vendor."""

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Account, Membership
from partners.models.companies import Company


class Deal(models.Model):
    """A deal of one company. Archived deals notify nobody; every stage does (R58)."""

    company = models.ForeignKey(
        Company, models.CASCADE, related_name="deals", verbose_name=_("company")
    )
    name = models.CharField(_("name"), max_length=200)
    stage = models.CharField(_("stage"), max_length=50, default="open")
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    archived_at = models.DateTimeField(_("archived"), null=True, blank=True)

    class Meta:
        verbose_name = _("deal")
        verbose_name_plural = _("deals")
        ordering = ("name",)
        constraints = (
            models.UniqueConstraint(fields=("company", "name"), name="one_deal_per_name"),
        )

    def __str__(self) -> str:
        return self.name


class DealShare(models.Model):
    """A partner's place in the line of a shared deal.

    Position 1 is the first partner, the only one who is notified (R48). Positions are
    stored when the partner is added and never move up by themselves (R49, R50).
    """

    deal = models.ForeignKey(Deal, models.CASCADE, related_name="shares", verbose_name=_("deal"))
    account = models.ForeignKey(
        Account, models.CASCADE, related_name="deal_shares", verbose_name=_("partner")
    )
    position = models.PositiveSmallIntegerField(_("position"))
    added_at = models.DateTimeField(_("added"), default=timezone.now)

    class Meta:
        verbose_name = _("share")
        verbose_name_plural = _("shares")
        ordering = ("deal", "position")
        constraints = (
            models.UniqueConstraint(fields=("deal", "position"), name="one_share_per_position"),
            models.UniqueConstraint(fields=("deal", "account"), name="one_share_per_account"),
            models.CheckConstraint(condition=Q(position__gte=1), name="share_position_from_1"),
        )

    def __str__(self) -> str:
        return f"{self.position}. {self.account}"

    @property
    def is_first(self) -> bool:
        return self.position == 1


class DealMember(models.Model):
    """A deal's owner or a member of its team, with the time of belonging (R57).

    `added_at` None means "as long as the deal"; `removed_at` None means "still".
    """

    class Role(models.TextChoices):
        OWNER = "owner", _("owner")
        TEAM = "team", _("deal team")

    deal = models.ForeignKey(Deal, models.CASCADE, related_name="members", verbose_name=_("deal"))
    membership = models.ForeignKey(
        Membership, models.CASCADE, related_name="deal_roles", verbose_name=_("person")
    )
    role = models.CharField(_("role"), max_length=5, choices=Role, default=Role.TEAM)
    added_at = models.DateTimeField(_("added"), null=True, blank=True, default=timezone.now)
    removed_at = models.DateTimeField(_("removed"), null=True, blank=True)

    class Meta:
        verbose_name = _("owner or team member")
        verbose_name_plural = _("owner and team")
        constraints = (
            models.UniqueConstraint(
                fields=("deal", "membership", "role"),
                condition=Q(removed_at=None),
                name="one_current_role_per_person",
            ),
            models.UniqueConstraint(
                fields=("deal",),
                condition=Q(removed_at=None, role="owner"),
                name="one_owner",
            ),
        )

    def __str__(self) -> str:
        return f"{self.membership.user} ({self.get_role_display()})"
