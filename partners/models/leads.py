"""Whose lead or client somebody is."""

from datetime import datetime

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Account, Membership


class Lead(models.Model):
    """A registration of one domain by one partner.

    The domain and the contact are those of the registration: they do not follow later
    edits of the company (R16). `expires_at` None means that it never expires. Expiry by
    date is computed, never written to the status.
    """

    class Status(models.TextChoices):
        REGISTERED = "registered", _("Registered")
        PENDING = "pending", _("Pending")
        UNAVAILABLE = "unavailable", _("Unavailable")
        INVALID = "invalid", _("Invalid data")
        EXPIRED = "expired", _("Expired")

    account = models.ForeignKey(
        Account, models.CASCADE, related_name="leads", verbose_name=_("partner")
    )
    domain = models.CharField(_("domain"), max_length=253)
    company = models.CharField(_("company"), max_length=200, blank=True)
    first_name = models.CharField(_("first name"), max_length=100, blank=True)
    last_name = models.CharField(_("last name"), max_length=100, blank=True)
    email = models.EmailField(_("e-mail"), max_length=254, blank=True)
    status = models.CharField(_("status"), max_length=12, choices=Status, default=Status.REGISTERED)
    registered_at = models.DateTimeField(_("registered"), default=timezone.now)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    # Who of the partner's people looks after it (R38).
    owner = models.ForeignKey(
        Membership,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("owner of the lead"),
    )

    class Meta:
        verbose_name = _("lead")
        verbose_name_plural = _("leads")
        ordering = ("company", "domain")
        constraints = (
            models.UniqueConstraint(fields=("account", "domain"), name="one_lead_per_domain"),
        )
        indexes = (
            # Matching of a batch of activities: by domain, and by the exact e-mail (R17).
            models.Index(fields=("domain",), name="lead_domain"),
            models.Index(fields=("email",), name="lead_email"),
        )

    def __str__(self) -> str:
        return f"{self.company or self.domain} · {self.account}"

    @property
    def contact_name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()

    @property
    def begins_at(self) -> datetime:
        return self.registered_at

    @property
    def ends_at(self) -> datetime | None:
        return self.expires_at

    def status_at(self, when: datetime) -> str:
        """Return the status with the expiry date applied."""
        if self.status == self.Status.REGISTERED and self.expires_at and self.expires_at <= when:
            return self.Status.EXPIRED
        return self.status


class Client(models.Model):
    """A current customer of a partner (R6). `until` None means: still a customer."""

    account = models.ForeignKey(
        Account, models.CASCADE, related_name="clients", verbose_name=_("partner")
    )
    domain = models.CharField(_("domain"), max_length=253)
    company = models.CharField(_("company"), max_length=200, blank=True)
    first_name = models.CharField(_("first name"), max_length=100, blank=True)
    last_name = models.CharField(_("last name"), max_length=100, blank=True)
    email = models.EmailField(_("e-mail"), max_length=254, blank=True)
    since = models.DateTimeField(_("since"), default=timezone.now)
    until = models.DateTimeField(_("until"), null=True, blank=True)

    class Meta:
        verbose_name = _("client")
        verbose_name_plural = _("clients")
        ordering = ("company", "domain")
        constraints = (
            models.UniqueConstraint(fields=("account", "domain"), name="one_client_per_domain"),
        )
        indexes = (
            models.Index(fields=("domain",), name="client_domain"),
            models.Index(fields=("email",), name="client_email"),
        )

    def __str__(self) -> str:
        return f"{self.company or self.domain} · {self.account}"

    @property
    def contact_name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()

    @property
    def begins_at(self) -> datetime:
        return self.since

    @property
    def ends_at(self) -> datetime | None:
        return self.until
