"""Where a person's messages go beside the mailbox and the bell, and how it answers."""

from __future__ import annotations

import uuid
from dataclasses import asdict
from typing import Any, ClassVar
from urllib.parse import urlsplit

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Membership
from notifications.breaker import Health
from notifications.channels import OTHER_APPS, PUSH_CHANNELS, app_choices, channel_choices
from notifications.fields import EncryptedJSONField


def make_key() -> str:
    return uuid.uuid4().hex


class Endpoint(models.Model):
    """An app or a browser of one member. Deliveries name it by `key`.

    `kind`: which app; empty for a browser. `address`: what people may see of it. `secrets`:
    what the channel needs: `signing` of a webhook (channels/webhook.py), the whole `url` of a
    chat (channels/chat.py), `p256dh` and `auth` of a browser. `never_twice`: what may have
    arrived is not sent again, a person decides. `topics_off`: what is not sent there, though
    the tab has it ticked. `teaser`: others read there; no message names the person. `seen_at`:
    when a browser last told that it still has this subscription.
    """

    class Why(models.TextChoices):
        OWNER = "owner", _("switched off by its owner")
        OPERATOR = "operator", _("switched off by an operator")
        GONE = "gone", _("it says that it is gone for good")
        SILENT = "silent", _("nothing could be delivered for days")

    GIVEN_UP: ClassVar[tuple[str, ...]] = (Why.GONE, Why.SILENT)

    membership = models.ForeignKey(
        Membership, models.CASCADE, related_name="endpoints", verbose_name=_("person")
    )
    channel = models.CharField(_("channel"), max_length=30, choices=channel_choices)
    kind = models.CharField(_("app"), max_length=20, blank=True, choices=app_choices)
    key = models.CharField(max_length=32, unique=True, default=make_key, editable=False)
    name = models.CharField(_("name"), max_length=100)
    address = models.CharField(_("address"), max_length=2000)
    secrets: Any = EncryptedJSONField()
    never_twice = models.BooleanField(_("never send twice"), default=False)
    topics_off = models.JSONField(_("topics not sent there"), default=list, blank=True)
    teaser = models.BooleanField(_("without names"), default=False)
    created_at = models.DateTimeField(_("added"), default=timezone.now)
    seen_at = models.DateTimeField(_("last seen"), null=True, blank=True)
    disabled_at = models.DateTimeField(_("switched off"), null=True, blank=True)
    disabled_because = models.CharField(
        _("switched off because"), max_length=10, blank=True, choices=Why
    )

    class Meta:
        verbose_name = _("endpoint")
        verbose_name_plural = _("endpoints")
        constraints = (
            models.CheckConstraint(
                condition=Q(disabled_at=None, disabled_because="")
                | (~Q(disabled_at=None) & ~Q(disabled_because="")),
                name="disabled_because_of_something",
            ),
            models.CheckConstraint(
                condition=(Q(channel=OTHER_APPS) & ~Q(kind=""))
                | (~Q(channel=OTHER_APPS) & Q(kind="")),
                name="an_app_has_a_kind",
            ),
            models.UniqueConstraint(
                fields=("address", "membership"),
                condition=Q(channel__in=PUSH_CHANNELS),
                name="one_endpoint_per_browser",
            ),
        )
        indexes = (models.Index(fields=("membership", "channel"), name="endpoint_of_member"),)

    def __str__(self) -> str:
        return self.name

    @property
    def host(self) -> str:
        """Where it is, without the path: that may be a secret by itself."""
        return urlsplit(self.address).netloc

    @property
    def is_device(self) -> bool:
        return self.channel in PUSH_CHANNELS

    @property
    def is_locked(self) -> bool:
        """Whether only an operator can switch it on again."""
        return self.disabled_because == self.Why.OPERATOR

    @property
    def is_signed(self) -> bool:
        return "signing" in self.secrets

    @property
    def sends_to(self) -> str:
        """The whole address, for who sends there: of a chat it is a secret."""
        return str(self.secrets.get("url", self.address))


class EndpointHealth(models.Model):
    """How one endpoint answers lately (breaker.py); of e-mail, one mail server: the first one's key
    is that of everybody's mailbox, the others' is their name.

    `failed`: failures since the last success, which was at `sent_at`, if ever.
    """

    channel = models.CharField(_("channel"), max_length=30, choices=channel_choices)
    endpoint_key = models.CharField(_("endpoint"), max_length=64)
    sent_at = models.DateTimeField(_("last success"), null=True, blank=True)
    window_start = models.DateTimeField(null=True, blank=True)
    sends = models.PositiveIntegerField(default=0)
    failures = models.PositiveIntegerField(default=0)
    openings = models.PositiveIntegerField(_("left alone, times in a row"), default=0)
    wait_until = models.DateTimeField(_("left alone until"), null=True, blank=True)
    failed = models.PositiveIntegerField(_("failures in a row"), default=0)
    failing_since = models.DateTimeField(_("failing since"), null=True, blank=True)
    last_error = models.CharField(_("last error"), max_length=500, blank=True)
    last_error_at = models.DateTimeField(_("last error at"), null=True, blank=True)

    class Meta:
        verbose_name = _("health of an endpoint")
        verbose_name_plural = _("health of endpoints")
        constraints = (
            models.UniqueConstraint(fields=("channel", "endpoint_key"), name="one_health"),
        )

    def __str__(self) -> str:
        return f"{self.channel} {self.endpoint_key}"

    @property
    def health(self) -> Health:
        return Health(
            window_start=self.window_start,
            sends=self.sends,
            failures=self.failures,
            openings=self.openings,
            wait_until=self.wait_until,
            failed=self.failed,
            failing_since=self.failing_since,
        )

    @health.setter
    def health(self, value: Health) -> None:
        for name, known in asdict(value).items():
            setattr(self, name, known)
