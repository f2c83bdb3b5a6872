"""The vendor, accounts, who belongs to them and who is invited."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.admin_pages import KeptAdmin, LogAdmin, LogInline, actor_of
from accounts.audit import on_off, record_change
from accounts.fields import LinesField
from accounts.models import Account, Invitation, Membership, Vendor
from accounts.services import members


def clean_host(line: str) -> str:
    if not re.fullmatch(r"[^\s/@]{1,253}", line):
        raise ValidationError(_("%(line)s is not a host name."), params={"line": line})
    return line.lower()


class VendorForm(forms.ModelForm):
    domains = LinesField(
        label=_("Website domains"), clean_line=clean_host, help_text=_("One per line.")
    )

    class Meta:
        model = Vendor
        fields = ("name", "domains")


@admin.register(Vendor)
class VendorAdmin(KeptAdmin):
    form = VendorForm
    list_display = ("name",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) and not Vendor.objects.exists()


class MemberInline(LogInline):
    model = Membership
    fields = ("user", "role", "is_active", "edit_partner_settings")
    readonly_fields = fields
    show_change_link = True
    ordering = ("user__email",)
    verbose_name_plural = _("members")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Membership]:
        return super().get_queryset(request).select_related("user", "account")


@admin.register(Account)
class AccountAdmin(KeptAdmin):
    list_display = ("name", "slug", "kind", "tier", "is_active")
    list_filter = ("kind", "is_active", "tier")
    search_fields = ("name", "slug")
    fields = ("name", "slug", "kind", "tier", "is_active")
    kept = _("An account is not deleted: its history hangs on it. Switch it off instead.")

    def get_inlines(self, request: HttpRequest, obj: Account | None) -> tuple[type[LogInline], ...]:
        return (MemberInline,) if obj else ()

    def get_readonly_fields(
        self, request: HttpRequest, obj: Account | None = None
    ) -> tuple[str, ...]:
        # Links in sent mails and program files name the slug.
        return ("slug",) if obj else ()

    @transaction.atomic
    def save_model(self, request: HttpRequest, obj: Account, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        for name in {"is_active", "kind"} & set(form.changed_data if change else ()):
            old, new = (_as_stored(value) for value in (form.initial[name], getattr(obj, name)))
            actor = actor_of(request)
            record_change(obj, actor=actor, action=f"account.{name}", old=old, new=new)


def _as_stored(value: Any) -> str:
    return on_off(value) if isinstance(value, bool) else str(value)


class MembershipForm(forms.ModelForm):
    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        account = values.get("account") or getattr(self.instance, "account", None)
        role = values.get("role")
        if account and role and role not in account.roles:
            raise ValidationError({"role": _("An account of this kind has no such role.")})
        if self.instance.pk and self._would_leave_nobody(values):
            words = _("This is the only active admin. Make somebody else an admin first.")
            raise ValidationError(words)
        return values

    def _would_leave_nobody(self, values: dict[str, Any]) -> bool:
        stays = values.get("role") == Membership.Role.ADMIN and values.get("is_active")
        stored = Membership.objects.select_related("account", "user").get(pk=self.instance.pk)
        return not stays and members.is_last_admin(stored)


@admin.register(Membership)
class MembershipAdmin(KeptAdmin):
    form = MembershipForm
    fields = ("user", "account", "role", "is_active", "edit_partner_settings", "removed_at")
    list_display = ("user", "account", "role", "is_active", "edit_partner_settings")
    list_filter = ("role", "is_active", "account__kind")
    list_select_related = ("user", "account")
    search_fields = ("user__email", "user__name", "account__name", "account__slug")
    autocomplete_fields = ("user", "account")
    ordering = ("account__name", "user__email")
    actions = ("remove",)
    kept = _(
        "A place in an account is not deleted: decisions and messages name it. In the list, "
        "“Remove from the account” ends it; ticking “Active” brings it back."
    )

    def get_readonly_fields(
        self, request: HttpRequest, obj: Membership | None = None
    ) -> tuple[str, ...]:
        # Preferences and roles on deals belong to this very place.
        return ("user", "account", "removed_at") if obj else ("removed_at",)

    def get_fields(self, request: HttpRequest, obj: Membership | None = None) -> tuple[str, ...]:
        return self.fields if obj else ("user", "account", "role", "edit_partner_settings")

    @transaction.atomic
    def save_model(self, request: HttpRequest, obj: Membership, form: Any, change: bool) -> None:
        """Through the services of the account's own Users page, which write it down."""
        actor, may_edit = actor_of(request), obj.edit_partner_settings
        if not change or (obj.removed_at and obj.is_active):
            member = members.add_member(
                actor, obj.account, obj.user, role=obj.role, edit_partner_settings=may_edit
            )
            obj.pk = member.pk
            return
        members.change_member(actor, obj, role=obj.role, edit_partner_settings=may_edit)
        if "is_active" in form.changed_data:
            switch = members.reactivate_member if obj.is_active else members.deactivate_member
            switch(actor, obj)

    @admin.action(description=_("Remove from the account"), permissions=["change"])
    def remove(self, request: HttpRequest, rows: QuerySet[Membership]) -> None:
        for member in rows.select_related("account", "user"):
            try:
                members.remove_member(actor_of(request), member)
            except members.LastAdminError:
                words = gettext("%(member)s stays: the only active admin of the account.")
                self.message_user(request, words % {"member": member}, messages.ERROR)


@admin.register(Invitation)
class InvitationAdmin(LogAdmin):
    """Invitations are sent, sent again and revoked on the account's own page."""

    list_display = ("email", "account", "role", "created_at", "expires_at", "accepted_at")
    list_filter = ("created_at", "role", "account__kind")
    list_select_related = ("account",)
    search_fields = ("email", "account__name", "account__slug")
    exclude = ("nonce",)
    ordering = ("-created_at",)
    intro = _("They are sent and revoked on the page Settings › Users of the account.")
