"""What became of each message."""

import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import ClassVar

from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Account, Membership
from notifications import timing
from notifications.channels import DESKTOP, OWN, channel_choices
from notifications.models.decisions import Notification
from notifications.topics import topic_choices


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    def current(self) -> "DeliveryQuerySet":
        """Leave out what was sent again since."""
        return self.filter(~_replays())

    def repeated(self) -> "DeliveryQuerySet":
        """Keep what was sent again since."""
        return self.filter(_replays())


def _replays() -> Exists:
    newer = Delivery.objects.filter(
        notification=OuterRef("notification"),
        channel=OuterRef("channel"),
        endpoint_key=OuterRef("endpoint_key"),
        replay__gt=OuterRef("replay"),
    )
    return Exists(newer)


class Delivery(models.Model):
    """One message on one channel, and one row of work. States: docs/architecture.md.

    Sent again, it is a new row with the same public id: `replay` 1, 2 …; 0 is the original.
    """

    class WaitsFor(models.TextChoices):
        DIGEST = timing.WaitsFor.DIGEST.value, _("the next digest")
        QUIET = timing.WaitsFor.QUIET.value, _("the end of quiet hours")
        SNOOZE = timing.WaitsFor.SNOOZE.value, _("the end of a snooze")
        LIMIT = timing.WaitsFor.LIMIT.value, _("the next day: the limit of a day was reached")
        NOW = timing.WaitsFor.NOW.value, _("nothing: it was to be sent now")

    class State(models.TextChoices):
        PENDING = "pending", _("waiting")
        LEASED = "leased", _("taken by a worker")
        SENDING = "sending", _("being sent")
        UNKNOWN = "unknown", _("outcome unknown")
        GATHERED = "gathered", _("waiting, in another message")
        DELIVERED = "delivered", _("sent")
        DEAD = "dead", _("failed")
        SUPPRESSED = "suppressed", _("not sent")
        CANCELLED = "cancelled", _("cancelled")
        EXPIRED = "expired", _("expired")

    # Ended on purpose, before anything was sent; and all that ended without arriving.
    STOPPED: ClassVar[tuple[str, ...]] = (State.SUPPRESSED, State.CANCELLED, State.EXPIRED)
    NOT_ARRIVED: ClassVar[tuple[str, ...]] = (State.DEAD, *STOPPED)
    FINAL: ClassVar[tuple[str, ...]] = (State.DELIVERED, *NOT_ARRIVED)
    HELD: ClassVar[tuple[str, ...]] = (State.LEASED, State.SENDING)
    WAITING: ClassVar[tuple[str, ...]] = (State.PENDING, State.GATHERED, *HELD)
    OWN: ClassVar[str] = OWN
    # The detail of an e-mail that its recipient did not want beside a chat (R87).
    TOLD_IN_CHAT: ClassVar[str] = "a chat has it already"
    # Every change of state that there is; guard.py lets the database refuse any other.
    NEXT_STATES: ClassVar[Mapping[str, frozenset[str]]] = {
        State.PENDING: frozenset(
            {
                State.LEASED,
                State.DELIVERED,  # It had gone after all: the mail service said so.
                State.SUPPRESSED,
                State.CANCELLED,
                State.EXPIRED,
                State.DEAD,
            }
        ),
        State.LEASED: frozenset(
            {
                State.PENDING,
                State.GATHERED,
                State.SENDING,
                State.DELIVERED,  # The bell: nothing is on a wire.
                State.SUPPRESSED,
                State.CANCELLED,
                State.EXPIRED,
                State.DEAD,
            }
        ),
        State.SENDING: frozenset({State.DELIVERED, State.PENDING, State.DEAD, State.UNKNOWN}),
        State.UNKNOWN: frozenset({State.DELIVERED, State.PENDING, State.DEAD}),
        # It shares what becomes of its carrier, or is a message of its own again.
        State.GATHERED: frozenset(
            {
                State.PENDING,
                State.DELIVERED,
                State.UNKNOWN,
                State.SUPPRESSED,
                State.CANCELLED,
                State.EXPIRED,
                State.DEAD,
            }
        ),
    }

    public_id = models.UUIDField(_("public id"), default=uuid.uuid4, editable=False)
    account = models.ForeignKey(
        Account,
        models.CASCADE,
        related_name="+",
        db_index=False,  # Its index is `delivery_log`.
        verbose_name=_("account"),
    )
    notification = models.ForeignKey(
        Notification,
        models.CASCADE,
        related_name="deliveries",
        db_index=False,  # Its index is `one_delivery_per_endpoint`.
        verbose_name=_("notification"),
    )
    channel = models.CharField(_("channel"), max_length=30, choices=channel_choices)
    endpoint_key = models.CharField(_("endpoint"), max_length=64, default=OWN)
    replay = models.PositiveSmallIntegerField(_("sent again"), default=0)
    topic = models.CharField(_("topic"), max_length=30, choices=topic_choices)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.PENDING)
    reason = models.CharField(_("reason"), max_length=30, blank=True)
    detail = models.CharField(_("detail"), max_length=500, blank=True)
    not_before = models.DateTimeField(_("not before"), default=timezone.now)
    # Why it waits until `not_before`; empty: it does not, or for its endpoint.
    waits_for = models.CharField(
        _("waits for"), max_length=6, blank=True, default="", db_default="", choices=WaitsFor
    )
    # From when on it grows old, if not from its creation: what its member lets it wait is no delay.
    ages_from = models.DateTimeField(null=True, blank=True)
    # The day of its member's calendar on which it counted against the limit of messages; the last
    # one on which it was too much.
    counted_on = models.DateField(null=True, blank=True)
    held_on = models.DateField(null=True, blank=True)
    # The delivery in whose message this one is told.
    carrier = models.ForeignKey(
        "self",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="carried",
        db_index=False,  # Its index is `delivery_carried`.
        verbose_name=_("told in"),
    )
    lease_token = models.UUIDField(null=True, blank=True)
    lease_until = models.DateTimeField(_("held until"), null=True, blank=True)
    starts = models.PositiveSmallIntegerField(_("tries"), default=0)
    # How often it could not even be prepared; such a try starts nothing.
    failures = models.PositiveSmallIntegerField(_("failures"), default=0)
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    done_at = models.DateTimeField(_("finished"), null=True, blank=True)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        constraints = (
            models.UniqueConstraint(
                fields=("notification", "channel", "endpoint_key", "replay"),
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
            # What is under way to one endpoint.
            models.Index(
                fields=("channel", "endpoint_key"),
                condition=Q(state="sending") & ~Q(endpoint_key="user"),
                name="delivery_to_endpoint",
            ),
            # What did not arrive at one endpoint.
            models.Index(
                fields=("endpoint_key", "id"),
                condition=Q(state__in=("dead", "unknown", "suppressed", "expired"))
                & ~Q(endpoint_key="user"),
                name="delivery_missed",
            ),
            # What disturbed members who have set a limit.
            models.Index(
                fields=("account", "counted_on"),
                condition=Q(counted_on__isnull=False),
                name="delivery_counted",
            ),
            # What is told in one message.
            models.Index(
                fields=("carrier",), condition=Q(carrier__isnull=False), name="delivery_carried"
            ),
            models.Index(
                fields=("channel",), condition=Q(state="gathered"), name="delivery_gathered"
            ),
            # The log of deliveries, newest first: by primary key, of one account, by tab.
            models.Index(fields=("account", "id"), name="delivery_log"),
            models.Index(
                fields=("id",), condition=Q(state__in=("dead", "unknown")), name="delivery_failed"
            ),
            models.Index(
                fields=("id",),
                condition=Q(state__in=("suppressed", "cancelled", "expired")),
                name="delivery_not_sent",
            ),
            # The gauges: what nobody can tell, and what ended lately.
            models.Index(
                fields=("channel",), condition=Q(state="unknown"), name="delivery_unknown"
            ),
            models.Index(
                fields=("done_at",), condition=Q(done_at__isnull=False), name="delivery_ended"
            ),
        )

    def __str__(self) -> str:
        return f"{self.channel} {self.public_id}"

    @property
    def is_bell(self) -> bool:
        """Whether it lies in its member's inbox with its end: nothing is sent, nobody disturbed."""
        return self.channel == DESKTOP and self.endpoint_key == self.OWN

    def age(self, now: datetime) -> timedelta:
        """Return for how long it could have gone and has not."""
        return max(now - (self.ages_from or self.created_at), timedelta())


class Attempt(models.Model):
    """One start of a send. `outcome` empty: on the wire, or the worker died."""

    class Outcome(models.TextChoices):
        OK = "ok", _("accepted")
        REFUSED = "refused", _("refused")
        NOT_SENT = "not_sent", _("not connected")
        UNKNOWN = "unknown", _("unknown")

    delivery = models.ForeignKey(
        Delivery,
        models.CASCADE,
        related_name="attempts",
        db_index=False,  # Its index is `one_attempt_per_number`.
        verbose_name=_("delivery"),
    )
    n = models.PositiveSmallIntegerField(_("number"))
    started_at = models.DateTimeField(_("started"))
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    outcome = models.CharField(_("outcome"), max_length=10, choices=Outcome, blank=True)
    detail = models.CharField(_("detail"), max_length=500, blank=True)

    class Meta:
        verbose_name = _("attempt")
        verbose_name_plural = _("attempts")
        constraints = (
            models.UniqueConstraint(fields=("delivery", "n"), name="one_attempt_per_number"),
        )

    def __str__(self) -> str:
        return f"{self.n}: {self.outcome or '…'}"


class MailReport(models.Model):
    """What the mail service said about an e-mail later. The same twice is one row."""

    class Kind(models.TextChoices):
        DELIVERED = "delivered", _("the mailbox took it")
        BOUNCED = "bounced", _("it came back")
        COMPLAINED = "complained", _("the reader reported it as unwanted")
        UNSUBSCRIBED = "unsubscribed", _("the reader asked for silence")

    delivery = models.ForeignKey(
        Delivery,
        models.CASCADE,
        related_name="reports",
        db_index=False,  # Its index is `one_report_each`.
        verbose_name=_("delivery"),
    )
    kind = models.CharField(_("report"), max_length=12, choices=Kind)
    at = models.DateTimeField(_("at"))
    detail = models.CharField(_("detail"), max_length=500, blank=True)

    class Meta:
        verbose_name = _("mail report")
        verbose_name_plural = _("mail reports")
        constraints = (
            models.UniqueConstraint(fields=("delivery", "kind", "at"), name="one_report_each"),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.at}"


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
