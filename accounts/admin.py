"""Support for an operator: accounts, people and what was changed."""

from __future__ import annotations

import re
from typing import Any

from allauth.account.decorators import secure_admin_login
from allauth.mfa.admin import AuthenticatorAdmin
from allauth.mfa.models import Authenticator
from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.fields import LinesField
from accounts.logs import LogAdmin
from accounts.models import (
    Account,
    AuditEntry,
    Heartbeat,
    Invitation,
    Membership,
    User,
    Vendor,
)
from accounts.services.profile import verify_address

admin.site.site_header = admin.site.site_title = "partnernotify"
# The same log-in as everywhere, with its second factor and its limit of tries.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]


# --- Vendor and accounts ----------------------------------------------------------


def clean_host(line: str) -> str:
    if not re.fullmatch(r"[^\s/@]{1,253}", line):
        raise ValidationError(_("%(line)s is not a host name."), params={"line": line})
    return line.lower()


class VendorForm(forms.ModelForm):
    domains = LinesField(label=_("Website domains"), clean_line=clean_host)

    class Meta:
        model = Vendor
        fields = ("name", "domains")


@admin.register(Vendor)
class VendorAdmin(admin.ModelAdmin):
    form = VendorForm
    list_display = ("name",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) and not Vendor.objects.exists()

    def has_delete_permission(self, request: HttpRequest, obj: Vendor | None = None) -> bool:
        return False


@admin.register(Account)
class AccountAdmin(admin.ModelAdmin):
    list_display = ("name", "slug", "kind", "tier", "is_active")
    list_filter = ("kind", "is_active", "tier")
    search_fields = ("name", "slug")
    fields = ("name", "slug", "kind", "tier", "is_active")

    def get_readonly_fields(
        self, request: HttpRequest, obj: Account | None = None
    ) -> tuple[str, ...]:
        # Links in sent mails and program files name the slug.
        return ("slug",) if obj else ()


@admin.register(Membership)
class MembershipAdmin(admin.ModelAdmin):
    list_display = ("user", "account", "role", "is_active", "edit_partner_settings")
    list_filter = ("role", "is_active", "account__kind")
    list_select_related = ("user", "account")
    search_fields = ("user__email", "user__name", "account__name", "account__slug")
    autocomplete_fields = ("user", "account")
    ordering = ("account__name", "user__email")

    def get_readonly_fields(
        self, request: HttpRequest, obj: Membership | None = None
    ) -> tuple[str, ...]:
        # Preferences and roles on deals belong to this very place.
        return ("user", "account", "removed_at") if obj else ("removed_at",)

    def save_model(self, request: HttpRequest, obj: Membership, form: Any, change: bool) -> None:
        if obj.is_active:
            obj.removed_at = None
        super().save_model(request, obj, form, change)


@admin.register(Invitation)
class InvitationAdmin(LogAdmin):
    """Invitations are sent, sent again and revoked on the account's own page."""

    list_display = ("email", "account", "role", "created_at", "expires_at", "accepted_at")
    list_filter = ("created_at", "role", "account__kind")
    list_select_related = ("account",)
    search_fields = ("email", "account__name", "account__slug")
    exclude = ("nonce",)
    ordering = ("-created_at",)


# --- People -----------------------------------------------------------------------


class NewUserForm(AdminUserCreationForm):
    class Meta:
        model = User
        fields = ("email", "name", "language", "timezone")

    def clean_email(self) -> str:
        return self.cleaned_data["email"].lower()


class UserForm(UserChangeForm):
    class Meta:
        model = User
        fields = "__all__"  # noqa: DJ007 - the fieldsets of the admin choose

    def clean_email(self) -> str:
        return self.cleaned_data["email"].lower()


@admin.register(User)
class UserAdmin(DjangoUserAdmin):
    form = UserForm
    add_form = NewUserForm
    list_display = ("email", "name", "language", "is_active", "is_staff", "last_login")
    list_filter = ("is_active", "is_staff", "language", "date_joined")
    search_fields = ("email", "name")
    ordering = ("email",)
    readonly_fields = ("last_login", "date_joined")
    fieldsets = (
        (None, {"fields": ("email", "name", "password", "language", "timezone")}),
        (_("Access"), {"fields": ("is_active", "is_staff", "is_superuser", "user_permissions")}),
        (_("Dates"), {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = (
        (None, {"fields": ("email", "name", "language", "timezone")}),
        (_("Password"), {"fields": ("usable_password", "password1", "password2")}),
    )
    filter_horizontal = ("user_permissions",)

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        # Whoever may change users must not make themselves more than they are.
        own = () if request.user.is_superuser else ("is_staff", "is_superuser", "user_permissions")
        return (*self.readonly_fields, *own)

    @transaction.atomic
    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if "email" in form.changed_data:
            verify_address(obj)


admin.site.unregister(Authenticator)


@admin.register(Authenticator)
class SecondFactorAdmin(AuthenticatorAdmin):
    """Removing one lets in who lost the device. Its secret is not shown."""

    list_select_related = ("user",)
    search_fields = ("user__email", "user__name")
    exclude = ("data",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False


# --- Logs -------------------------------------------------------------------------


@admin.register(AuditEntry)
class AuditEntryAdmin(LogAdmin):
    list_display = ("at", "actor_name", "account", "action", "subject", "change")
    list_filter = ("at", "action")
    list_select_related = ("account",)
    search_fields = (
        *("actor_name", "account__name", "account__slug"),
        *("action", "subject", "old", "new"),
    )

    @admin.display(description=_("change"))
    def change(self, entry: AuditEntry) -> str:
        return f"{entry.old or '–'} → {entry.new or '–'}" if entry.old or entry.new else ""


@admin.register(Heartbeat)
class HeartbeatAdmin(LogAdmin):
    list_display = ("process", "at")
    ordering = ("process",)
