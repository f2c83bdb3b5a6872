"""What accounts set for the Notifications pages of their members (R73)."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Account, Membership
from notifications.channels import channel_choices


class Profile(models.Model):
    """A named set of cells. `is_default`: for the members who were given no other one."""

    account = models.ForeignKey(
        Account, models.CASCADE, related_name="profiles", verbose_name=_("account")
    )
    name = models.CharField(_("name"), max_length=60)
    is_default = models.BooleanField(_("for everyone without a profile"), default=False)

    class Meta:
        verbose_name = _("notification profile")
        verbose_name_plural = _("notification profiles")
        constraints = (
            models.UniqueConstraint(fields=("account", "name"), name="one_profile_per_name"),
            models.UniqueConstraint(
                fields=("account",), condition=Q(is_default=True), name="one_default_profile"
            ),
        )

    def __str__(self) -> str:
        return self.name


class ProfileCell(models.Model):
    """What a profile says in one cell; no row: nothing. `is_locked`: members cannot differ."""

    profile = models.ForeignKey(
        Profile, models.CASCADE, related_name="cells", verbose_name=_("notification profile")
    )
    channel = models.CharField(_("channel"), max_length=30, choices=channel_choices)
    key = models.CharField(_("topic or switch"), max_length=30)
    is_on = models.BooleanField(_("on"))
    is_locked = models.BooleanField(_("locked"), default=False)

    class Meta:
        verbose_name = _("cell of a profile")
        verbose_name_plural = _("cells of profiles")
        constraints = (
            models.UniqueConstraint(
                fields=("profile", "channel", "key"), name="one_word_of_a_profile_per_cell"
            ),
        )

    def __str__(self) -> str:
        return f"{self.channel} {self.key}"


class ProfileMember(models.Model):
    """Which profile a member was given; no row: the account's default one, if any."""

    profile = models.ForeignKey(
        Profile, models.CASCADE, related_name="members", verbose_name=_("notification profile")
    )
    membership = models.OneToOneField(
        Membership, models.CASCADE, related_name="profile_place", verbose_name=_("person")
    )

    class Meta:
        verbose_name = _("member with a profile")
        verbose_name_plural = _("members with a profile")

    def __str__(self) -> str:
        return f"{self.membership_id}: {self.profile_id}"
