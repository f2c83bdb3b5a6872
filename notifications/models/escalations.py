"""What nobody has looked at yet, and who was told for that."""

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Account
from notifications.eligibility.escalation import End, Step
from notifications.models.claims import ABOUT_ONE
from partners.models import Activity, Client, Deal, Lead


class Escalation(models.Model):
    """A lead, client or deal of an account that is watched until somebody looks
    (eligibility/escalation.py). `due_at`: when to ask again, never too late; None: it has ended."""

    class Ended(models.TextChoices):
        LOOKED = End.LOOKED.value, _("somebody has looked")
        CLAIMED = End.CLAIMED.value, _("somebody is on it")
        OFF = End.OFF.value, _("switched off")
        NOT_ITS_OWN = End.NOT_ITS_OWN.value, _("not the account's any more")
        ALL_TOLD = End.ALL_TOLD.value, _("everybody was told")

    account = models.ForeignKey(
        Account, models.CASCADE, related_name="+", verbose_name=_("account")
    )
    activity = models.ForeignKey(
        Activity, models.CASCADE, related_name="+", verbose_name=_("activity")
    )
    trigger = models.CharField(_("trigger"), max_length=30)
    lead = models.ForeignKey(
        Lead, models.CASCADE, null=True, blank=True, related_name="+", verbose_name=_("lead")
    )
    client = models.ForeignKey(
        Client, models.CASCADE, null=True, blank=True, related_name="+", verbose_name=_("client")
    )
    deal = models.ForeignKey(
        Deal, models.CASCADE, null=True, blank=True, related_name="+", verbose_name=_("deal")
    )
    # Since when its people know, by which the working hours are counted.
    began_at = models.DateTimeField(_("told"), default=timezone.now)
    due_at = models.DateTimeField(_("next look"), null=True, blank=True)
    ended = models.CharField(_("ended"), max_length=10, blank=True, choices=Ended)

    class Meta:
        verbose_name = _("escalation")
        verbose_name_plural = _("escalations")
        constraints = (
            # One at a time for each lead, client and deal, also with many workers.
            models.UniqueConstraint(
                fields=("lead", "account"), condition=Q(ended=""), name="one_escalation_per_lead"
            ),
            models.UniqueConstraint(
                fields=("client", "account"),
                condition=Q(ended=""),
                name="one_escalation_per_client",
            ),
            models.UniqueConstraint(
                fields=("deal", "account"), condition=Q(ended=""), name="one_escalation_per_deal"
            ),
            models.CheckConstraint(condition=ABOUT_ONE, name="escalation_is_about_one_thing"),
            models.CheckConstraint(
                condition=Q(ended="", due_at__isnull=False) | (~Q(ended="") & Q(due_at=None)),
                name="escalation_is_due_or_over",
            ),
        )
        indexes = (models.Index(fields=("due_at",), condition=Q(ended=""), name="escalation_due"),)

    def __str__(self) -> str:
        return f"{self.account} · {self.lead or self.client or self.deal}"


class EscalationStep(models.Model):
    """A step that was taken. `told`: how many it told; 0: there was nobody to tell."""

    class Name(models.IntegerChoices):
        BACKUP = Step.BACKUP.value, _("backup recipient")
        ADMINS = Step.ADMINS.value, _("admins")
        MANAGERS = Step.MANAGERS.value, _("the vendor's partner manager")

    escalation = models.ForeignKey(
        Escalation, models.CASCADE, related_name="steps", verbose_name=_("escalation")
    )
    step = models.PositiveSmallIntegerField(_("step"), choices=Name)
    told = models.PositiveIntegerField(_("people told"))
    at = models.DateTimeField(_("when"), default=timezone.now)

    class Meta:
        verbose_name = _("step")
        verbose_name_plural = _("steps")
        constraints = (
            models.UniqueConstraint(fields=("escalation", "step"), name="one_row_per_step"),
        )

    def __str__(self) -> str:
        return self.get_step_display()
