"""What people did, and how we know who they are."""

from datetime import datetime

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from partners.models.companies import Contact


class Source(models.Model):
    """A write key. Only its hash is kept; `prefix` is shown to tell keys apart."""

    name = models.CharField(_("name"), max_length=100)
    key_hash = models.CharField(max_length=64, unique=True, editable=False)
    prefix = models.CharField(_("starts with"), max_length=16, editable=False)
    origins = models.JSONField(
        _("origins"),
        default=list,
        blank=True,
        help_text=_("Websites that may use this key in a browser; empty: all."),
    )
    events_per_minute = models.PositiveIntegerField(
        _("events a minute"),
        null=True,
        blank=True,
        validators=(MinValueValidator(1),),
        help_text=_("More are refused until the next minute; empty: as the instance is set."),
    )
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)
    leaked_at = models.DateTimeField(_("seen in an address"), null=True, blank=True)

    class Meta:
        verbose_name = _("write key")
        verbose_name_plural = _("write keys")

    def __str__(self) -> str:
        return self.name


class Identity(models.Model):
    """An anonymous id or a user id that `identify` or `alias` said belongs to a contact."""

    class Kind(models.TextChoices):
        ANONYMOUS = "anonymous", _("anonymous id")
        USER = "user", _("user id")

    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    value = models.CharField(_("value"), max_length=255)
    contact = models.ForeignKey(
        Contact, models.CASCADE, related_name="identities", verbose_name=_("contact")
    )

    class Meta:
        verbose_name = _("identity")
        verbose_name_plural = _("identities")
        constraints = (
            models.UniqueConstraint(fields=("kind", "value"), name="one_contact_per_identity"),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.value}"


class Activity(models.Model):
    """One accepted event, and one row of work for evaluation.

    `contact` is the person as known on arrival; None is an unidentified visitor, whom a
    later identification does not make worth a notification (R19). `occurred_at` is the
    corrected clock, never later than `received_at`.
    """

    class State(models.TextChoices):
        PENDING = "pending", _("waiting")
        EVALUATED = "evaluated", _("evaluated")
        QUARANTINED = "quarantined", _("set aside")

    source = models.ForeignKey(
        Source, models.PROTECT, related_name="activities", verbose_name=_("write key")
    )
    message_id = models.CharField(_("message id"), max_length=255)
    type = models.CharField(_("type"), max_length=10)
    name = models.TextField(_("name"), blank=True)
    contact = models.ForeignKey(
        Contact,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="activities",
        verbose_name=_("contact"),
    )
    anonymous_id = models.CharField(_("anonymous id"), max_length=255, blank=True)
    user_id = models.CharField(_("user id"), max_length=255, blank=True)
    occurred_at = models.DateTimeField(_("occurred"))
    received_at = models.DateTimeField(_("received"))
    consent_denied = models.BooleanField(_("consent denied"), default=False)
    payload = models.JSONField(_("event"))
    body_hash = models.CharField(max_length=32)
    state = models.CharField(_("state"), max_length=12, choices=State, default=State.PENDING)
    not_before = models.DateTimeField(_("not before"), null=True, blank=True)
    failures = models.PositiveSmallIntegerField(_("failures"), default=0)
    problem = models.TextField(_("problem"), blank=True)
    evaluated_at = models.DateTimeField(_("evaluated"), null=True, blank=True)

    class Meta:
        verbose_name = _("activity")
        verbose_name_plural = _("activities")
        constraints = (
            models.UniqueConstraint(fields=("source", "message_id"), name="one_event_per_id"),
        )
        indexes = (
            # The evaluation queue: of each write key the oldest first.
            models.Index(
                fields=("source", "id"), condition=Q(state="pending"), name="activity_due_of_key"
            ),
            # What was set aside; a person looks at it.
            models.Index(
                fields=("id",), condition=Q(state="quarantined"), name="activity_quarantined"
            ),
            # A person's timeline.
            models.Index(fields=("contact", "-occurred_at"), name="activity_timeline"),
            # What an identified visitor did before (R19).
            models.Index(
                fields=("anonymous_id",),
                condition=Q(contact=None) & ~Q(anonymous_id=""),
                name="activity_unidentified",
            ),
            # The debugger: newest first.
            models.Index(fields=("-received_at",), name="activity_recent"),
            # Explain by message id, whatever the source.
            models.Index(fields=("message_id",), name="activity_message"),
        )

    def __str__(self) -> str:
        return self.message_id

    @property
    def ready_at(self) -> datetime:
        """Since when it can be evaluated: since it came, or is to be tried again."""
        return self.not_before or self.received_at


class RejectedEvent(models.Model):
    """An event that could not be accepted, or a repeat with another body, with the reason."""

    source = models.ForeignKey(
        Source, models.CASCADE, related_name="rejected_events", verbose_name=_("write key")
    )
    received_at = models.DateTimeField(_("received"))
    index = models.PositiveIntegerField(_("place in the batch"))
    message_id = models.CharField(_("message id"), max_length=255, blank=True)
    code = models.CharField(_("code"), max_length=40)
    message = models.TextField(_("reason"))
    excerpt = models.TextField(_("event"), blank=True)

    class Meta:
        verbose_name = _("rejected event")
        verbose_name_plural = _("rejected events")
        indexes = (models.Index(fields=("-received_at",), name="rejected_recent"),)

    def __str__(self) -> str:
        return f"{self.code} {self.message_id}"
