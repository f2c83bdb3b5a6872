"""Who you are and for which account you act."""

from __future__ import annotations

import secrets
import zoneinfo
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.models import (
    AbstractBaseUser,
    BaseUserManager,
    PermissionsMixin,
)
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.db.models.expressions import CombinedExpression
from django.db.models.functions import Now
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class Vendor(models.Model):
    """The one vendor of this instance: whose site is visited, whose name labels pages."""

    name = models.CharField(_("name"), max_length=120)
    domains = models.JSONField(_("website domains"), default=list, blank=True)

    class Meta:
        verbose_name = _("vendor")
        verbose_name_plural = _("vendor")

    def __str__(self) -> str:
        return self.name

    @classmethod
    def current(cls) -> Vendor:
        """Return the vendor's row; before the first import, one named by VENDOR_NAME."""
        return cls.objects.order_by("pk").first() or cls(name=settings.VENDOR_NAME)


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)


def validate_timezone(value: str) -> None:
    if value not in zoneinfo.available_timezones():
        raise ValidationError(_("%(zone)s is not a known time zone."), params={"zone": value})


def default_language() -> str:
    return settings.LANGUAGE_CODE


def default_timezone() -> str:
    return settings.TIME_ZONE


def language_choices() -> list[tuple[str, str]]:
    return list(settings.LANGUAGES)


class User(AbstractBaseUser, PermissionsMixin):
    """A person who signs in. The e-mail is stored in lower case and identifies them."""

    email = models.EmailField(_("e-mail"), unique=True)
    name = models.CharField(_("name"), max_length=150, blank=True)
    language = models.CharField(
        _("language"), max_length=10, default=default_language, choices=language_choices
    )
    timezone = models.CharField(
        _("time zone"),
        max_length=64,
        default=default_timezone,
        validators=[validate_timezone],
    )
    is_active = models.BooleanField(pgettext_lazy("user", "active"), default=True)
    is_staff = models.BooleanField(_("operator"), default=False)
    date_joined = models.DateTimeField(_("joined"), default=now)

    objects: ClassVar[UserManager] = UserManager()
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")

    def __str__(self) -> str:
        return self.display_name

    @property
    def display_name(self) -> str:
        return self.name or self.email

    @property
    def name_and_email(self) -> str:
        return f"{self.name} · {self.email}" if self.name else self.email

    def get_full_name(self) -> str:
        return self.display_name

    def get_short_name(self) -> str:
        return self.display_name


class Account(models.Model):
    """A tenant: one partner, or the vendor's own people."""

    class Kind(models.TextChoices):
        PARTNER = "partner", _("partner")
        VENDOR = "vendor", _("vendor")

    slug = models.SlugField(_("slug"), unique=True)
    name = models.CharField(_("name"), max_length=150)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind, default=Kind.PARTNER)
    tier = models.CharField(_("tier"), max_length=20, blank=True)
    is_active = models.BooleanField(
        _("active"),
        default=True,
        help_text=_("Off: settings are kept, nothing is sent."),
    )
    users = models.ManyToManyField(User, through="Membership", related_name="accounts")

    class Meta:
        verbose_name = _("account")
        verbose_name_plural = _("accounts")
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name

    @property
    def is_partner(self) -> bool:
        """R1, R3: the feature exists for active partner accounts only."""
        return self.kind == self.Kind.PARTNER and self.is_active

    @property
    def roles(self) -> tuple[str, ...]:
        """The roles that members of this kind of account can have, the usual one first."""
        return _ROLES[self.kind]


class MembershipQuerySet(models.QuerySet["Membership"]):
    def active(self) -> MembershipQuerySet:
        return self.filter(is_active=True, user__is_active=True)

    def present(self) -> MembershipQuerySet:
        """Without those who were removed: their rows stay for the sake of history only."""
        return self.filter(removed_at=None)

    def growth_specialists(self) -> MembershipQuerySet:
        """R41: whose companies are sold together."""
        return self.present().filter(
            role=Membership.Role.GROWTH_SPECIALIST, account__kind=Account.Kind.VENDOR
        )


class Membership(models.Model):
    """A user's place in one account. Preferences belong here, not to the user (R4).

    Who is removed keeps the row, inactive and with `removed_at`: decisions, messages and the
    history of deals tell of them.
    """

    class Role(models.TextChoices):
        ADMIN = "admin", _("admin")
        MEMBER = "member", _("member")
        GROWTH_SPECIALIST = "growth_specialist", _("growth specialist")
        PARTNER_MANAGER = "partner_manager", _("partner manager")

    account = models.ForeignKey(
        Account, models.CASCADE, related_name="memberships", verbose_name=_("account")
    )
    user = models.ForeignKey(
        User, models.CASCADE, related_name="memberships", verbose_name=_("user")
    )
    role = models.CharField(_("role"), max_length=20, choices=Role, default=Role.MEMBER)
    is_active = models.BooleanField(_("active"), default=True)
    edit_partner_settings = models.BooleanField(_("may edit partner settings"), default=False)
    removed_at = models.DateTimeField(_("removed"), null=True, blank=True)

    objects = MembershipQuerySet.as_manager()

    class Meta:
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        constraints = (
            models.UniqueConstraint(fields=("account", "user"), name="one_membership_per_account"),
            models.CheckConstraint(
                condition=Q(removed_at=None) | Q(is_active=False), name="removed_is_inactive"
            ),
        )

    def __str__(self) -> str:
        return f"{self.user} · {self.account}"

    @property
    def is_current(self) -> bool:
        return self.is_active and self.user.is_active

    @property
    def is_admin(self) -> bool:
        return self.role == self.Role.ADMIN

    @property
    def may_edit_partner_settings(self) -> bool:
        """R36: an admin, or a holder of the permission."""
        return self.is_admin or self.edit_partner_settings

    @property
    def is_vendor_side(self) -> bool:
        return self.account.kind == Account.Kind.VENDOR


_ROLES: dict[str, tuple[str, ...]] = {
    Account.Kind.PARTNER: (Membership.Role.MEMBER, Membership.Role.ADMIN),
    Account.Kind.VENDOR: (
        Membership.Role.GROWTH_SPECIALIST,
        Membership.Role.PARTNER_MANAGER,
        Membership.Role.ADMIN,
    ),
}


def new_nonce() -> str:
    return secrets.token_urlsafe(16)


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def open(self) -> InvitationQuerySet:
        return self.filter(accepted_at=None, revoked_at=None)


class Invitation(models.Model):
    """An address that may join an account by the link that was mailed to it.

    Open until accepted or revoked; an open one that is over can be renewed. `nonce` is what
    makes the newest link the only good one. `sent_at` None: no mail server took the mail.
    """

    account = models.ForeignKey(
        Account, models.CASCADE, related_name="invitations", verbose_name=_("account")
    )
    email = models.EmailField(_("e-mail"))
    role = models.CharField(_("role"), max_length=20, choices=Membership.Role)
    language = models.CharField(
        _("language"), max_length=10, default=default_language, choices=language_choices
    )
    invited_by = models.ForeignKey(
        User, models.SET_NULL, null=True, related_name="+", verbose_name=_("invited by")
    )
    nonce = models.CharField(max_length=30, default=new_nonce, editable=False)
    created_at = models.DateTimeField(_("created"), default=now)
    expires_at = models.DateTimeField(_("expires"))
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)
    accepted_at = models.DateTimeField(_("accepted"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)

    objects = InvitationQuerySet.as_manager()

    class Meta:
        verbose_name = _("invitation")
        verbose_name_plural = _("invitations")
        constraints = (
            models.UniqueConstraint(
                fields=("account", "email"),
                condition=Q(accepted_at=None, revoked_at=None),
                name="one_open_invitation",
            ),
        )

    def __str__(self) -> str:
        return f"{self.email} · {self.account}"

    @property
    def is_over(self) -> bool:
        return self.expires_at <= now()


class AuditEntry(models.Model):
    """One change of a setting. Written once, never changed (R37).

    `subject`: about whom, where the action does not say it.
    """

    account = models.ForeignKey(
        Account,
        models.CASCADE,
        null=True,
        related_name="audit_entries",
        verbose_name=_("account"),
    )
    actor = models.ForeignKey(
        User, models.SET_NULL, null=True, related_name="+", verbose_name=_("user")
    )
    actor_name = models.CharField(_("who"), max_length=150)
    action = models.CharField(_("what"), max_length=40)
    subject = models.CharField(_("about"), max_length=250, blank=True)
    old = models.CharField(_("before"), max_length=250, blank=True)
    new = models.CharField(_("after"), max_length=250, blank=True)
    at = models.DateTimeField(_("when"), default=now)

    class Meta:
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit log")
        ordering = ("-at", "-pk")
        # "Change history" of a settings page.
        indexes = (models.Index(fields=("account", "action", "-at"), name="audit_history"),)

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} · {self.actor_name}"


class Heartbeat(models.Model):
    """When a process (worker, beat) last said that it lives; by the database's clock."""

    process = models.CharField(_("process"), max_length=20, primary_key=True)
    at = models.DateTimeField(_("last sign of life"))

    class Meta:
        verbose_name = _("process")
        verbose_name_plural = _("processes")

    def __str__(self) -> str:
        return f"{self.process} {self.at:%H:%M:%S}"

    @staticmethod
    def stale_before() -> CombinedExpression:
        return Now() - settings.HEARTBEAT_STALE
