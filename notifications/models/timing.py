"""When members want to be told (timing.py)."""

from __future__ import annotations

from datetime import time

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Membership
from notifications.channels import channel_choices
from notifications.limits import MOST
from notifications.timing import Every
from partners.models import Lead


class Pace(models.Model):
    """How often one channel may disturb a member. No row: at once, but for quiet hours."""

    class Frequency(models.TextChoices):
        TIME = Every.TIME.value, _("at once")
        HOUR = Every.HOUR.value, _("every hour")
        DAY = Every.DAY.value, _("every day")
        WEEK = Every.WEEK.value, _("every week")

    membership = models.ForeignKey(
        Membership, models.CASCADE, related_name="paces", verbose_name=_("person")
    )
    channel = models.CharField(_("channel"), max_length=30, choices=channel_choices)
    every = models.CharField(
        _("how often"), max_length=4, choices=Frequency, default=Frequency.TIME
    )
    at = models.TimeField(_("at"), default=time(8))
    weekday = models.PositiveSmallIntegerField(
        _("day"), default=0, validators=[MaxValueValidator(6)]
    )
    at_any_hour = models.BooleanField(_("in quiet hours as well"), default=False)
    most = models.PositiveSmallIntegerField(
        _("at most a day"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(MOST)],
    )

    class Meta:
        verbose_name = _("pace")
        verbose_name_plural = _("paces")
        constraints = (
            models.UniqueConstraint(fields=("membership", "channel"), name="one_pace_per_channel"),
        )

    def __str__(self) -> str:
        return f"{self.channel} {self.every}"


class QuietHours(models.Model):
    """When a member is not disturbed. No row: never quiet.

    `days`: the working days, "12345" is Monday to Friday. `country`: whose public holidays
    are none (ISO 3166-1); empty: holidays do not count.
    """

    membership = models.OneToOneField(
        Membership, models.CASCADE, related_name="quiet_hours", verbose_name=_("person")
    )
    begins = models.TimeField(_("from"), default=time(18))
    ends = models.TimeField(_("to"), default=time(8))
    days = models.CharField(_("working days"), max_length=7, default="12345")
    country = models.CharField(_("public holidays"), max_length=2, blank=True)

    class Meta:
        verbose_name = _("quiet hours")
        verbose_name_plural = _("quiet hours")
        constraints = (
            models.CheckConstraint(condition=~Q(days=""), name="quiet_hours_have_a_working_day"),
        )

    def __str__(self) -> str:
        return f"{self.begins:%H:%M}–{self.ends:%H:%M}"


class Absence(models.Model):
    """When a member is away, from the first day to the last, by the calendar of their zone; and
    who is told meanwhile what they would be. What is over is as good as none."""

    membership = models.OneToOneField(
        Membership, models.CASCADE, related_name="absence", verbose_name=_("person")
    )
    begins = models.DateField(_("away from"))
    ends = models.DateField(_("away until"))
    deputy = models.ForeignKey(
        Membership,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("deputy"),
    )

    class Meta:
        verbose_name = _("absence")
        verbose_name_plural = _("absences")
        constraints = (
            models.CheckConstraint(
                condition=Q(begins__lte=F("ends")), name="absence_ends_after_it_begins"
            ),
            models.CheckConstraint(
                condition=~Q(deputy=F("membership")), name="nobody_is_their_own_deputy"
            ),
        )

    def __str__(self) -> str:
        return f"{self.begins} – {self.ends}"


class Snooze(models.Model):
    """Nothing about one lead, or (None) nothing at all, reaches this member before `until`."""

    membership = models.ForeignKey(
        Membership, models.CASCADE, related_name="snoozes", verbose_name=_("person")
    )
    lead = models.ForeignKey(
        Lead, models.CASCADE, null=True, blank=True, related_name="+", verbose_name=_("lead")
    )
    until = models.DateTimeField(_("until"))

    class Meta:
        verbose_name = _("snooze")
        verbose_name_plural = _("snoozes")
        constraints = (
            models.UniqueConstraint(fields=("membership", "lead"), name="one_snooze_per_lead"),
            models.UniqueConstraint(
                fields=("membership",), condition=Q(lead=None), name="one_mute_per_member"
            ),
        )

    def __str__(self) -> str:
        return f"{self.lead or '*'} {self.until}"
