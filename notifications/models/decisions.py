"""Who is told, and why, or why not."""

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Account, Membership
from notifications.models.endpoints import Endpoint
from notifications.reasons import Reason, reason_choices
from notifications.triggers import BUILT_IN
from partners.models import Activity, Client, Contact, Deal, Lead


class Notification(models.Model):
    """One message to one member, with one or two reasons (R61)."""

    account = models.ForeignKey(
        Account,
        models.CASCADE,
        related_name="+",
        verbose_name=_("account"),
    )
    membership = models.ForeignKey(
        Membership,
        models.CASCADE,
        related_name="notifications",
        verbose_name=_("person"),
    )
    activity = models.ForeignKey(
        Activity,
        models.CASCADE,
        related_name="notifications",
        verbose_name=_("activity"),
    )
    dedupe_key = models.CharField(max_length=80)
    trigger = models.CharField(_("trigger"), max_length=30)
    # Why nobody was told, when this is a warning about that to an admin (R33, R55).
    notice = models.CharField(_("warning"), max_length=30, blank=True, choices=reason_choices)
    # What was given up, when this is a warning about that to its owner.
    endpoint = models.ForeignKey(
        Endpoint,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        verbose_name=_("endpoint"),
    )
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    read_at = models.DateTimeField(_("read"), null=True, blank=True)

    class Meta:
        verbose_name = _("notification")
        verbose_name_plural = _("notifications")
        constraints = (
            # R79: at most one message per event and user, also under two workers at once.
            models.UniqueConstraint(
                fields=("dedupe_key", "membership"), name="one_notification_per_event"
            ),
        )
        indexes = (
            # The inbox, newest first, and its unread count.
            models.Index(fields=("membership", "-created_at"), name="inbox"),
            models.Index(fields=("membership",), condition=Q(read_at=None), name="inbox_unread"),
            # For the deletion of an endpoint.
            models.Index(
                fields=("endpoint",), condition=~Q(endpoint=None), name="notice_of_endpoint"
            ),
        )

    def __str__(self) -> str:
        built_in = BUILT_IN.get(self.trigger)
        return str(built_in.label) if built_in else self.trigger


class Kind(models.TextChoices):
    """Why somebody is told: lead activity, client activity, or a deal sign-up."""

    LEAD = "lead", _("lead activity")
    CLIENT = "client", _("client activity")
    DEAL = "deal", _("deal sign-up")


class NotificationReason(models.Model):
    """Whose lead, client or deal it is about. A sign-up may concern several deals (R47)."""

    notification = models.ForeignKey(
        Notification,
        models.CASCADE,
        related_name="reasons",
        verbose_name=_("notification"),
    )
    kind = models.CharField(_("kind"), max_length=6, choices=Kind)
    lead = models.ForeignKey(
        Lead,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("lead"),
    )
    client = models.ForeignKey(
        Client,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("client"),
    )
    deal = models.ForeignKey(
        Deal,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("deal"),
    )

    class Meta:
        verbose_name = _("reason")
        verbose_name_plural = _("reasons")

    def __str__(self) -> str:
        return self.kind


class Decision(models.Model):
    """Whether one candidate is told about one activity, and if not, why not.

    `account` and `membership` are None when a rule failed before anyone was known.
    """

    class Outcome(models.TextChoices):
        SEND = "send", _("told")
        NO = "no", _("not told")

    activity = models.ForeignKey(
        Activity,
        models.CASCADE,
        related_name="decisions",
        verbose_name=_("activity"),
    )
    kind = models.CharField(_("kind"), max_length=6, choices=Kind)
    trigger = models.CharField(_("trigger"), max_length=30)
    account = models.ForeignKey(
        Account,
        models.CASCADE,
        null=True,
        related_name="+",
        verbose_name=_("account"),
    )
    membership = models.ForeignKey(
        Membership,
        models.CASCADE,
        null=True,
        related_name="+",
        verbose_name=_("person"),
    )
    outcome = models.CharField(_("outcome"), max_length=4, choices=Outcome)
    reason = models.CharField(_("reason"), max_length=30, choices=reason_choices)
    lead = models.ForeignKey(
        Lead,
        models.SET_NULL,
        null=True,
        related_name="decisions",
        verbose_name=_("lead"),
    )
    client = models.ForeignKey(
        Client,
        models.SET_NULL,
        null=True,
        related_name="decisions",
        verbose_name=_("client"),
    )
    deal = models.ForeignKey(
        Deal,
        models.SET_NULL,
        null=True,
        related_name="decisions",
        verbose_name=_("deal"),
    )
    notification = models.ForeignKey(
        Notification,
        models.SET_NULL,
        null=True,
        related_name="decisions",
        verbose_name=_("notification"),
    )
    occurred_at = models.DateTimeField(_("occurred"))
    created_at = models.DateTimeField(_("created"), default=timezone.now)

    class Meta:
        verbose_name = _("decision")
        verbose_name_plural = _("decisions")
        constraints = (
            models.UniqueConstraint(
                fields=("activity", "kind", "membership"),
                condition=~Q(membership=None),
                name="one_decision_per_member",
            ),
            models.UniqueConstraint(
                fields=("activity", "kind", "account"),
                condition=Q(membership=None) & ~Q(account=None),
                name="one_decision_per_account",
            ),
            models.UniqueConstraint(
                fields=("activity", "kind"),
                condition=Q(membership=None, account=None),
                name="one_decision_about_nobody",
            ),
            models.CheckConstraint(
                condition=Q(outcome="send", reason=Reason.SENT)
                | (Q(outcome="no") & ~Q(reason=Reason.SENT)),
                name="every_no_has_a_reason",
            ),
        )
        indexes = (
            # Cooldown: when was this action of this lead or client last reported (R81)?
            models.Index(
                fields=("lead", "trigger", "occurred_at"),
                condition=~Q(notification=None),
                name="decision_cooldown_lead",
            ),
            models.Index(
                fields=("client", "trigger", "occurred_at"),
                condition=~Q(notification=None),
                name="decision_cooldown_client",
            ),
            # "Recent notifications" of an account.
            models.Index(fields=("account", "-created_at"), name="decision_recent"),
        )

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.get_reason_display()}"


class DealSignUp(models.Model):
    """The first CRM sign-up of a contact that concerned a deal (R59)."""

    deal = models.ForeignKey(Deal, models.CASCADE, related_name="+")
    contact = models.ForeignKey(Contact, models.CASCADE, related_name="+")
    activity = models.ForeignKey(Activity, models.CASCADE, related_name="+")

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("deal", "contact"), name="one_sign_up_per_deal"),
        )

    def __str__(self) -> str:
        return f"{self.contact_id} in {self.deal_id}"
