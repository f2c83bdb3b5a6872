"""Who is told, why, and what became of each message."""

import uuid
from collections.abc import Mapping
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Account, Membership
from notifications.channels import channel_choices
from notifications.reasons import Reason, reason_choices
from notifications.topics import topic_choices
from partners.models import Activity, Client, Contact, Deal, Lead


class CommunicationSettings(models.Model):
    """Settings → Partners → Communication of one account. No row: everything off."""

    account = models.OneToOneField(Account, models.CASCADE, related_name="communication")
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

    class Meta:
        verbose_name = _("communication settings")
        verbose_name_plural = _("communication settings")

    def __str__(self) -> str:
        return str(self.account)


class Preference(models.Model):
    """One choice of a member that differs from the default; no row means the default.

    `key` is a topic, or a switch of the channel: enabled, bell, popup, browser, red_dot.
    """

    membership = models.ForeignKey(Membership, models.CASCADE, related_name="preferences")
    channel = models.CharField(max_length=30, choices=channel_choices)
    key = models.CharField(max_length=30)
    is_on = models.BooleanField()

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
        return f"{self.channel}.{self.key}={self.is_on}"


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


class Notification(models.Model):
    """One message to one member, with one or two reasons (R61)."""

    account = models.ForeignKey(Account, models.CASCADE, related_name="+")
    membership = models.ForeignKey(Membership, models.CASCADE, related_name="notifications")
    activity = models.ForeignKey(Activity, models.CASCADE, related_name="notifications")
    dedupe_key = models.CharField(max_length=80)
    trigger = models.CharField(max_length=30)
    # Why nobody was told, when this is a warning about that to an admin (R33, R55).
    notice = models.CharField(max_length=30, blank=True, choices=reason_choices)
    created_at = models.DateTimeField(default=timezone.now)
    read_at = models.DateTimeField(null=True, blank=True)

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
        )

    def __str__(self) -> str:
        return f"{self.trigger} → {self.membership_id}"


class Kind(models.TextChoices):
    """Why somebody is told: lead activity, client activity, or a deal sign-up."""

    LEAD = "lead", _("lead activity")
    CLIENT = "client", _("client activity")
    DEAL = "deal", _("deal sign-up")


class NotificationReason(models.Model):
    """Whose lead, client or deal it is about. A sign-up may concern several deals (R47)."""

    notification = models.ForeignKey(Notification, models.CASCADE, related_name="reasons")
    kind = models.CharField(max_length=6, choices=Kind)
    lead = models.ForeignKey(Lead, models.SET_NULL, null=True, blank=True, related_name="+")
    client = models.ForeignKey(Client, models.SET_NULL, null=True, blank=True, related_name="+")
    deal = models.ForeignKey(Deal, models.SET_NULL, null=True, blank=True, related_name="+")

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

    activity = models.ForeignKey(Activity, models.CASCADE, related_name="decisions")
    kind = models.CharField(max_length=6, choices=Kind)
    trigger = models.CharField(max_length=30)
    account = models.ForeignKey(Account, models.CASCADE, null=True, related_name="+")
    membership = models.ForeignKey(Membership, models.CASCADE, null=True, related_name="+")
    outcome = models.CharField(max_length=4, choices=Outcome)
    reason = models.CharField(max_length=30, choices=reason_choices)
    lead = models.ForeignKey(Lead, models.SET_NULL, null=True, related_name="decisions")
    client = models.ForeignKey(Client, models.SET_NULL, null=True, related_name="decisions")
    deal = models.ForeignKey(Deal, models.SET_NULL, null=True, related_name="decisions")
    notification = models.ForeignKey(
        Notification, models.SET_NULL, null=True, related_name="decisions"
    )
    occurred_at = models.DateTimeField()
    created_at = models.DateTimeField(default=timezone.now)

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
        return f"{self.kind} {self.outcome}: {self.reason}"


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


class Delivery(models.Model):
    """One message on one channel, and one row of work. States: docs/architecture.md."""

    class State(models.TextChoices):
        PENDING = "pending", _("waiting")
        LEASED = "leased", _("taken by a worker")
        SENDING = "sending", _("being sent")
        UNKNOWN = "unknown", _("outcome unknown")
        DELIVERED = "delivered", _("sent")
        DEAD = "dead", _("failed")
        SUPPRESSED = "suppressed", _("not sent")
        CANCELLED = "cancelled", _("cancelled")
        EXPIRED = "expired", _("expired")

    FINAL: ClassVar[tuple[str, ...]] = (
        State.DELIVERED,
        State.DEAD,
        State.SUPPRESSED,
        State.CANCELLED,
        State.EXPIRED,
    )
    HELD: ClassVar[tuple[str, ...]] = (State.LEASED, State.SENDING)
    # Every change of state that there is; guard.py lets the database refuse any other.
    NEXT_STATES: ClassVar[Mapping[str, frozenset[str]]] = {
        State.PENDING: frozenset(
            {State.LEASED, State.SUPPRESSED, State.CANCELLED, State.EXPIRED, State.DEAD}
        ),
        State.LEASED: frozenset(
            {
                State.PENDING,
                State.SENDING,
                State.SUPPRESSED,
                State.CANCELLED,
                State.EXPIRED,
                State.DEAD,
            }
        ),
        State.SENDING: frozenset({State.DELIVERED, State.PENDING, State.DEAD, State.UNKNOWN}),
        State.UNKNOWN: frozenset({State.DELIVERED, State.PENDING, State.DEAD}),
    }

    public_id = models.UUIDField(default=uuid.uuid4, editable=False)
    account = models.ForeignKey(Account, models.CASCADE, related_name="+")
    notification = models.ForeignKey(Notification, models.CASCADE, related_name="deliveries")
    channel = models.CharField(max_length=30, choices=channel_choices)
    endpoint_key = models.CharField(max_length=64, default="user")
    topic = models.CharField(max_length=30, choices=topic_choices)
    state = models.CharField(max_length=10, choices=State, default=State.PENDING)
    reason = models.CharField(max_length=30, blank=True)
    detail = models.CharField(max_length=500, blank=True)
    not_before = models.DateTimeField(default=timezone.now)
    lease_token = models.UUIDField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    starts = models.PositiveSmallIntegerField(default=0)
    # How often it could not even be prepared; such a try starts nothing.
    failures = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        constraints = (
            models.UniqueConstraint(
                fields=("notification", "channel", "endpoint_key"),
                name="one_delivery_per_endpoint",
            ),
            models.CheckConstraint(
                condition=(
                    Q(state__in=("leased", "sending")) & ~Q(lease_token=None) & ~Q(lease_until=None)
                )
                | (~Q(state__in=("leased", "sending")) & Q(lease_token=None) & Q(lease_until=None)),
                name="held_has_a_lease",
            ),
            models.CheckConstraint(
                condition=(
                    Q(
                        state__in=(
                            "delivered",
                            "dead",
                            "suppressed",
                            "cancelled",
                            "expired",
                        )
                    )
                    & ~Q(done_at=None)
                )
                | (
                    ~Q(
                        state__in=(
                            "delivered",
                            "dead",
                            "suppressed",
                            "cancelled",
                            "expired",
                        )
                    )
                    & Q(done_at=None)
                ),
                name="final_has_a_time",
            ),
        )
        indexes = (
            # The claim, and the only index for it: with a second one the planner sorts.
            models.Index(
                fields=("channel", "account", "not_before"),
                condition=Q(state="pending"),
                name="delivery_due",
            ),
            # The sweeper.
            models.Index(
                fields=("lease_until",),
                condition=Q(state__in=("leased", "sending")),
                name="delivery_held",
            ),
        )

    def __str__(self) -> str:
        return f"{self.channel} {self.public_id}"


class Attempt(models.Model):
    """One start of a send. `outcome` empty: on the wire, or the worker died."""

    class Outcome(models.TextChoices):
        OK = "ok", _("accepted")
        REFUSED = "refused", _("refused")
        NOT_SENT = "not_sent", _("not connected")
        UNKNOWN = "unknown", _("unknown")

    delivery = models.ForeignKey(Delivery, models.CASCADE, related_name="attempts")
    n = models.PositiveSmallIntegerField()
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=10, choices=Outcome, blank=True)
    detail = models.CharField(max_length=500, blank=True)

    class Meta:
        verbose_name = _("attempt")
        verbose_name_plural = _("attempts")
        constraints = (
            models.UniqueConstraint(fields=("delivery", "n"), name="one_attempt_per_number"),
        )

    def __str__(self) -> str:
        return f"{self.n}: {self.outcome or '…'}"


class EmailCount(models.Model):
    """E-mails of one topic to one member on one day of the member's calendar (R71)."""

    membership = models.ForeignKey(Membership, models.CASCADE, related_name="+")
    topic = models.CharField(max_length=30, choices=topic_choices)
    day = models.DateField()
    count = models.PositiveIntegerField()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("membership", "topic", "day"), name="one_count_per_day"
            ),
        )

    def __str__(self) -> str:
        return f"{self.membership_id} {self.topic} {self.day}: {self.count}"


class Suppression(models.Model):
    """An address that gets no e-mail: it bounced, complained, or asked for silence."""

    address = models.EmailField(_("address"), max_length=254, unique=True)
    cause = models.CharField(_("cause"), max_length=20)
    detail = models.CharField(_("detail"), max_length=500, blank=True)
    since = models.DateTimeField(_("since"), default=timezone.now)

    class Meta:
        verbose_name = _("suppressed address")
        verbose_name_plural = _("suppressed addresses")

    def __str__(self) -> str:
        return self.address
