"""Users, what they may do, and how to let them in again."""

from __future__ import annotations

from typing import Any

from allauth.mfa.models import Authenticator
from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import FilteredSelectMultiple
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.contrib.auth.models import Permission
from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from accounts.admin.accounts import MemberInline
from accounts.admin_pages import KeptAdmin, actor_of
from accounts.audit import on_off, record_change
from accounts.models import Membership, User
from accounts.services.profile import verify_address
from accounts.signals import memberships_deactivated


class NewUserForm(AdminUserCreationForm):
    class Meta:
        model = User
        fields = ("email", "name", "language", "timezone")

    def clean_email(self) -> str:
        return self.cleaned_data["email"].lower()


class PermissionsField(forms.ModelMultipleChoiceField):
    """Only what has a page here, in the words of these pages."""

    def label_from_instance(self, permission: Any) -> str:
        model = permission.content_type.model_class()
        name = capfirst(str(model._meta.verbose_name_plural))
        verb, _of, _model = permission.codename.partition("_")
        return f"{name}: {_VERBS.get(verb, permission.name)}"


_VERBS: dict[str, Any] = {
    "view": _("view"),
    "add": _("add"),
    "change": _("change"),
    "delete": _("delete"),
}


def _permissions() -> QuerySet[Permission]:
    shown = (model._meta for model in admin.site._registry)
    pages = Q()
    for meta in shown:
        pages |= Q(content_type__app_label=meta.app_label, content_type__model=meta.model_name)
    return Permission.objects.filter(pages).select_related("content_type")


class UserForm(UserChangeForm):
    class Meta:
        model = User
        fields = "__all__"  # noqa: DJ007 - the fieldsets of the admin choose

    def clean_email(self) -> str:
        return self.cleaned_data["email"].lower()


class PlaceInline(MemberInline):
    fields = ("account", "role", "is_active", "edit_partner_settings")
    readonly_fields = fields
    ordering = ("account__name",)
    verbose_name_plural = _("accounts of this user")


class SecondFactorInline(admin.TabularInline):
    """Removing one lets in who lost the device. Its secret is not shown."""

    model = Authenticator
    fields = ("kind", "since", "last_used")
    readonly_fields = fields
    extra = 0
    verbose_name = _("second factor")
    verbose_name_plural = _("second factors: delete one to let in who lost the device")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description=_("kind"))
    def kind(self, row: Authenticator) -> str:
        return row.get_type_display()

    @admin.display(description=_("since"))
    def since(self, row: Authenticator) -> Any:
        return row.created_at

    @admin.display(description=_("last used"))
    def last_used(self, row: Authenticator) -> Any:
        return row.last_used_at


@admin.register(User)
class UserAdmin(DjangoUserAdmin, KeptAdmin):
    form = UserForm
    add_form = NewUserForm
    list_display = ("email", "name", "language", "is_active", "is_staff", "last_login")
    list_filter = ("is_active", "is_staff", "language", "date_joined")
    search_fields = ("email", "name")
    ordering = ("email",)
    readonly_fields = ("last_login", "date_joined")
    fieldsets = (
        (None, {"fields": ("email", "name", "password", "language", "timezone")}),
        (_("Access"), {"fields": ("is_active", "is_staff", "is_superuser")}),
        (
            _("What an operator without every permission may do"),
            {"fields": ("user_permissions",), "classes": ("collapse",)},
        ),
        (_("Dates"), {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = (
        (None, {"fields": ("email", "name", "language", "timezone")}),
        (_("Password"), {"fields": ("usable_password", "password1", "password2")}),
    )
    filter_horizontal = ("user_permissions",)
    kept = _(
        "A user is not deleted: decisions, messages and the audit log name them. Untick "
        "“Active” and they can neither sign in nor be told anything."
    )

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        widget = FilteredSelectMultiple(db_field.verbose_name, is_stacked=False)
        return PermissionsField(
            _permissions(), required=False, widget=widget, label=_("Permissions")
        )

    def get_inlines(self, request: HttpRequest, obj: User | None) -> tuple[type[Any], ...]:
        return (PlaceInline, SecondFactorInline) if obj else ()

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        # Whoever may change users must not make themselves more than they are.
        own = () if request.user.is_superuser else ("is_staff", "is_superuser", "user_permissions")
        return (*self.readonly_fields, *own)

    @transaction.atomic
    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if "email" in form.changed_data:
            verify_address(obj)
        if change and not obj.is_active and "is_active" in form.changed_data:
            places = Membership.objects.filter(user=obj)
            memberships_deactivated.send(sender=Membership, memberships=places)
        for name in ("is_active", "is_staff", "is_superuser"):
            if change and name in form.changed_data:
                new = getattr(obj, name)
                self._write_down(request, obj, name, old=on_off(not new), new=on_off(new))

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        super().save_formset(request, form, formset, change)
        for gone in formset.deleted_objects:
            kind = gone.get_type_display()
            self._write_down(request, gone.user, "second_factor", old=kind, new="")

    @staticmethod
    def _write_down(request: HttpRequest, user: User, what: str, *, old: str, new: str) -> None:
        record_change(
            None,
            actor=actor_of(request),
            action=f"users.{what}",
            subject=user.name_and_email,
            old=old,
            new=new,
        )
