"""Who is told, and why, or why not."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import Account, Membership
from notifications.eligibility.facts import Part
from notifications.limits import strength_of
from notifications.models.endpoints import Endpoint
from notifications.models.visits import Visit
from notifications.reasons import Reason, reason_choices, sentence_of
from notifications.triggers import BUILT_IN, Strength
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
    # What was given up, when this is a warning about that to its owner; the name stays when
    # it is removed.
    endpoint = models.ForeignKey(
        Endpoint,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        verbose_name=_("endpoint"),
    )
    endpoint_name = models.CharField(max_length=100, blank=True, db_default="")
    # Whose e-mail address was suspended and why, when this is a warning about that to an admin.
    suspended = models.ForeignKey(
        Membership,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,  # Members keep their row.
        verbose_name=_("suspended address of"),
    )
    suspended_because = models.CharField(max_length=20, blank=True, db_default="")
    # The visit that it belongs to: of each member's, the first message has it, and the summary.
    visit = models.ForeignKey(
        Visit,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="notifications",
        db_index=False,  # Its index is `one_notification_per_visit`.
        verbose_name=_("visit"),
    )
    is_summary = models.BooleanField(_("summary of a visit"), default=False, db_default=False)
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    read_at = models.DateTimeField(_("read"), null=True, blank=True)
    # When its reader first did something with it, or opened a page about it: the activity, the
    # lead, the deal or the client's person. It stays when the item is unread again.
    seen_at = models.DateTimeField(_("seen"), null=True, blank=True)
    # Put aside by its reader: out of the inbox for good, or until then.
    archived_at = models.DateTimeField(_("archived"), null=True, blank=True)
    snoozed_until = models.DateTimeField(_("snoozed until"), null=True, blank=True)
    # Since when it stands in the inbox; in future while it is snoozed.
    shown_at = models.GeneratedField(
        expression=Coalesce("snoozed_until", "created_at"),
        output_field=models.DateTimeField(_("shown")),
        db_persist=True,
    )

    class Meta:
        verbose_name = _("notification")
        verbose_name_plural = _("notifications")
        constraints = (
            # R79: at most one message per event and user, also under two workers at once.
            models.UniqueConstraint(
                fields=("dedupe_key", "membership"), name="one_notification_per_event"
            ),
            models.UniqueConstraint(
                fields=("visit", "membership", "is_summary"),
                condition=~Q(visit=None),
                name="one_notification_per_visit",
            ),
        )
        indexes = (
            # The inbox, newest first; what is unread of it; what was archived.
            models.Index(fields=("membership", "-shown_at", "-id"), name="inbox"),
            models.Index(
                fields=("membership", "-shown_at"), condition=Q(read_at=None), name="inbox_unread"
            ),
            models.Index(
                fields=("membership", "-shown_at", "-id"),
                condition=~Q(archived_at=None),
                name="inbox_archived",
            ),
            # What was read just now, for other windows (notifications/stream/look.py).
            models.Index(fields=("read_at",), condition=~Q(read_at=None), name="inbox_read"),
            # For the deletion of an endpoint.
            models.Index(
                fields=("endpoint",), condition=~Q(endpoint=None), name="notice_of_endpoint"
            ),
        )

    def __str__(self) -> str:
        built_in = BUILT_IN.get(self.trigger)
        return str(built_in.label) if built_in else self.trigger

    @property
    def strength(self) -> int:
        """How much it says: the end of a visit nothing new, a notice nothing of its trigger."""
        if self.is_summary:
            return 0
        return Strength.STEP if self.notice else strength_of(self.trigger)

    @property
    def leads(self) -> frozenset[int]:
        """The leads that it is about; empty if it is about something else as well."""
        leads = [reason.lead_id for reason in self.reasons.all()]
        return frozenset(lead for lead in leads if lead) if all(leads) else frozenset()


class Kind(models.TextChoices):
    """Why somebody is told: lead activity, client activity, or a deal sign-up."""

    LEAD = "lead", _("lead activity")
    CLIENT = "client", _("client activity")
    DEAL = "deal", _("deal sign-up")


def part_choices() -> list[tuple[str, str | Promise]]:
    return [
        (Part.BACKUP.value, _("backup recipient")),
        (Part.ADDITIONAL.value, _("additional recipient")),
        (Part.OWNER.value, _("owner of the lead")),
        (Part.DEPUTY.value, _("deputy")),
        (Part.ESCALATION.value, _("escalation")),
    ]


class NotificationReason(models.Model):
    """Whose lead, client or deal it is about. A sign-up may concern several deals (R47)."""

    notification = models.ForeignKey(
        Notification,
        models.CASCADE,
        related_name="reasons",
        verbose_name=_("notification"),
    )
    kind = models.CharField(_("kind"), max_length=6, choices=Kind)
    # As what the member is told of the lead or client; empty: as the chosen recipient.
    part = models.CharField(
        _("as"), max_length=10, blank=True, default="", db_default="", choices=part_choices
    )
    # For whom, when it is told to the deputy of somebody who is away.
    absent = models.ForeignKey(
        Membership,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,  # Members keep their row.
        verbose_name=_("for"),
    )
    # For so many working hours nobody had looked, when it is an escalation.
    unseen_hours = models.PositiveSmallIntegerField(default=0, db_default=0)
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
    # As what the member is told of the lead or client; empty: as the chosen recipient.
    part = models.CharField(
        _("as"), max_length=10, blank=True, default="", db_default="", choices=part_choices
    )
    # For whom, when it is told to the deputy of somebody who is away.
    absent = models.ForeignKey(
        Membership,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,  # Members keep their row.
        verbose_name=_("for"),
    )
    outcome = models.CharField(_("outcome"), max_length=4, choices=Outcome)
    reason = models.CharField(_("reason"), max_length=30, choices=reason_choices)
    # Whose word an "off" was, if not the member's own: the profile's, by its name then.
    profile = models.CharField(_("profile"), max_length=60, blank=True, db_default="")
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
                condition=~Q(membership=None) & ~Q(part=Part.ESCALATION.value),
                name="one_decision_per_candidate",
            ),
            models.UniqueConstraint(
                fields=("activity", "kind", "membership"),
                condition=Q(part=Part.ESCALATION.value),
                name="one_escalation_per_member",
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

    @property
    def sentence(self) -> str:
        return sentence_of(Reason(self.reason), self.profile)


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
