"""What operators, accounts and people wish."""

from django.core.validators import MaxValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import Account, Membership
from notifications.channels import channel_choices
from notifications.eligibility.escalation import MOST_HOURS
from notifications.topics import TOPICS


class CommunicationSettings(models.Model):
    """Settings → Partners → Communication of one account. No row: everything off."""

    account = models.OneToOneField(
        Account,
        models.CASCADE,
        related_name="communication",
        verbose_name=_("account"),
    )
    receive_lead_activity = models.BooleanField(
        _("receive lead activity notifications"), default=False
    )
    client_activity = models.BooleanField(_("clients' activity too"), default=True)
    recipient = models.ForeignKey(
        Membership,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("recipient"),
    )
    # Told when the recipient cannot be (R40).
    backup = models.ForeignKey(
        Membership,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("backup recipient"),
    )
    # After so many working hours somebody else is told what nobody has looked at; 0: never.
    escalate_after = models.PositiveSmallIntegerField(
        _("escalate after working hours"),
        default=0,
        db_default=0,
        validators=[MaxValueValidator(MOST_HOURS)],
    )

    class Meta:
        verbose_name = _("communication settings")
        verbose_name_plural = _("communication settings")

    def __str__(self) -> str:
        return str(self.account)


class AdditionalRecipient(models.Model):
    """Somebody who is told beside the recipient (R38).

    `membership` None: whoever looks after the lead. `triggers`: keys of the only actions that
    they are told of; empty: of all.
    """

    communication = models.ForeignKey(
        CommunicationSettings,
        models.CASCADE,
        related_name="additional",
        verbose_name=_("communication settings"),
    )
    membership = models.ForeignKey(
        Membership,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("person"),
    )
    triggers = models.JSONField(_("actions"), default=list, blank=True)

    class Meta:
        verbose_name = _("additional recipient")
        verbose_name_plural = _("additional recipients")
        constraints = (
            models.UniqueConstraint(
                fields=("communication", "membership"), name="one_additional_per_member"
            ),
            models.UniqueConstraint(
                fields=("communication",),
                condition=models.Q(membership=None),
                name="one_additional_owner",
            ),
        )

    def __str__(self) -> str:
        return str(self.membership.user) if self.membership else str(_("owner of the lead"))


class Preference(models.Model):
    """One choice of a member's own; no row means what their profile or the product says.

    `key` is a topic, or a switch of the channel: enabled, bell, popup, browser, red_dot,
    names. `unsubscribed`: chosen by the link in an e-mail, and so stronger than a lock.
    """

    membership = models.ForeignKey(
        Membership,
        models.CASCADE,
        related_name="preferences",
        verbose_name=_("person"),
    )
    channel = models.CharField(_("channel"), max_length=30, choices=channel_choices)
    key = models.CharField(_("topic or switch"), max_length=30)
    is_on = models.BooleanField(_("on"))
    unsubscribed = models.BooleanField(_("unsubscribed"), default=False, db_default=False)

    class Meta:
        verbose_name = _("preference")
        verbose_name_plural = _("preferences")
        constraints = (
            models.UniqueConstraint(
                fields=("membership", "channel", "key"), name="one_choice_per_cell"
            ),
        )
        # Who has ticked a topic, among the members of some accounts.
        indexes = (models.Index(fields=("key", "membership"), name="preference_key"),)

    def __str__(self) -> str:
        topic = TOPICS.get(self.key)
        return str(topic.label) if topic else self.key


class Trigger(models.Model):
    """An operator's word on a trigger: a built-in one switched, or one of their own.

    `event_name` and `page_path` are empty for a built-in trigger. A path may end in `*`.
    """

    key = models.CharField(_("key"), max_length=30, unique=True)
    enabled = models.BooleanField(_("enabled"), default=True)
    label = models.CharField(_("name"), max_length=100, blank=True)
    event_name = models.CharField(_("event name"), max_length=200, blank=True)
    page_path = models.CharField(_("page path"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("trigger")
        verbose_name_plural = _("triggers")

    def __str__(self) -> str:
        return self.label or self.key
