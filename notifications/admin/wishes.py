"""Support for an operator: wishes, decisions, messages and what became of them."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.logs import LogAdmin
from accounts.models import User
from notifications.audit import in_words, record_communication
from notifications.models import (
    Attempt,
    CommunicationSettings,
    Decision,
    Delivery,
    Notification,
    NotificationReason,
    Preference,
    Suppression,
    Trigger,
)
from notifications.rendering import plain
from notifications.topics import SWITCH_DEFAULTS, TOPICS
from notifications.triggers import BUILT_IN

# --- Wishes -----------------------------------------------------------------------


class CommunicationForm(forms.ModelForm):
    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        recipient = values.get("recipient")
        account = values.get("account") or self.instance.account
        if recipient and recipient.account_id != account.pk:
            raise ValidationError({"recipient": _("Choose a user of this account.")})
        return values


@admin.register(CommunicationSettings)
class CommunicationSettingsAdmin(admin.ModelAdmin):
    form = CommunicationForm
    list_display = ("account", "receive_lead_activity", "client_activity", "recipient")
    list_filter = ("receive_lead_activity", "client_activity")
    list_select_related = ("account", "recipient__user", "recipient__account")
    search_fields = ("account__name", "account__slug", "recipient__user__email")
    autocomplete_fields = ("account", "recipient")
    ordering = ("account__name",)

    def get_readonly_fields(
        self, request: HttpRequest, obj: CommunicationSettings | None = None
    ) -> tuple[str, ...]:
        return ("account",) if obj else ()

    def has_delete_permission(
        self, request: HttpRequest, obj: CommunicationSettings | None = None
    ) -> bool:
        return False  # Switching off is a change, and is written down.

    @transaction.atomic
    def save_model(
        self, request: HttpRequest, obj: CommunicationSettings, form: Any, change: bool
    ) -> None:
        rows = CommunicationSettings.objects.select_related("recipient__user")
        before = in_words(rows.get(pk=obj.pk) if change else CommunicationSettings())
        super().save_model(request, obj, form, change)
        assert isinstance(request.user, User)
        record_communication(obj, before, actor=request.user)


class PreferenceForm(forms.ModelForm):
    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        channel, key = values.get("channel", ""), values.get("key", "")
        if key not in TOPICS and (channel, key) not in SWITCH_DEFAULTS:
            raise ValidationError({"key": _("This channel has no such topic or switch.")})
        return values


@admin.register(Preference)
class PreferenceAdmin(admin.ModelAdmin):
    form = PreferenceForm
    list_display = ("membership", "channel", "key", "is_on")
    list_filter = ("channel", "key", "is_on")
    list_select_related = ("membership__user", "membership__account")
    search_fields = (
        *("membership__user__email", "membership__user__name"),
        *("membership__account__name", "membership__account__slug"),
    )
    autocomplete_fields = ("membership",)
    ordering = ("membership", "channel", "key")


class TriggerForm(forms.ModelForm):
    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        key = values.get("key") or self.instance.key
        own = [name for name in ("label", "event_name", "page_path") if values.get(name)]
        if key in BUILT_IN and own:
            raise ValidationError(
                {own[0]: _("This trigger is built in: it can only be switched on or off.")}
            )
        if key and key not in BUILT_IN and not {"event_name", "page_path"} & set(own):
            raise ValidationError(_("A trigger of your own needs an event name or a page path."))
        if key and key not in BUILT_IN and "label" not in own:
            raise ValidationError({"label": _("Give it a name.")})
        return values

    def clean_label(self) -> str:
        label = self.cleaned_data["label"]
        if plain(label) != label:
            raise ValidationError(_("A name is one line without control characters."))
        return label

    def clean_page_path(self) -> str:
        path = self.cleaned_data["page_path"]
        if path and not path.startswith("/"):
            raise ValidationError(_("A path begins with a slash, such as /pricing*."))
        return path


@admin.register(Trigger)
class TriggerAdmin(admin.ModelAdmin):
    form = TriggerForm
    list_display = ("key", "label", "enabled", "event_name", "page_path")
    list_filter = ("enabled",)
    search_fields = ("key", "label", "event_name", "page_path")
    ordering = ("key",)

    def get_readonly_fields(
        self, request: HttpRequest, obj: Trigger | None = None
    ) -> tuple[str, ...]:
        return ("key",) if obj else ()  # Decisions name it.


# --- Decisions and messages -------------------------------------------------------


class LogInline(admin.TabularInline):
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ReasonInline(LogInline):
    model = NotificationReason
    fields = ("kind", "lead", "client", "deal")


class AttemptInline(LogInline):
    model = Attempt
    fields = ("n", "started_at", "ended_at", "outcome", "detail")
    ordering = ("n",)


_PERSON = ("membership__user", "membership__account")
_SEARCH_PERSON = ("=membership__user__email", "account__slug")


@admin.register(Decision)
class DecisionAdmin(LogAdmin):
    list_display = ("created_at", "kind", "trigger", "account", "membership", "reason")
    list_filter = ("created_at", "outcome", "kind", "reason")
    list_select_related = ("account", *_PERSON)
    search_fields = ("=activity__message_id", "=activity__contact__email", *_SEARCH_PERSON)
    ordering = ("-created_at", "-pk")


@admin.register(Notification)
class NotificationAdmin(LogAdmin):
    list_display = ("created_at", "trigger", "account", "membership", "read_at")
    list_filter = ("created_at", "trigger", "read_at")
    list_select_related = ("account", *_PERSON)
    search_fields = ("=activity__message_id", "=activity__contact__email", *_SEARCH_PERSON)
    inlines = (ReasonInline,)
    ordering = ("-created_at", "-pk")


@admin.register(Delivery)
class DeliveryAdmin(LogAdmin):
    list_display = ("created_at", "channel", "recipient", "state", "reason", "done_at")
    list_filter = ("created_at", "state", "channel", "reason")
    list_select_related = ("notification__membership__user", "notification__membership__account")
    search_fields = ("=public_id", "=notification__membership__user__email", "account__slug")
    exclude = ("lease_token",)
    inlines = (AttemptInline,)
    ordering = ("-created_at", "-pk")

    @admin.display(description=_("recipient"))
    def recipient(self, delivery: Delivery) -> str:
        return str(delivery.notification.membership)


class SuppressionForm(forms.ModelForm):
    def clean_address(self) -> str:
        return self.cleaned_data["address"].lower()  # As users' addresses are stored.


@admin.register(Suppression)
class SuppressionAdmin(admin.ModelAdmin):
    form = SuppressionForm
    list_display = ("address", "cause", "since", "detail")
    list_filter = ("since", "cause")
    search_fields = ("address",)
    fields = ("address", "cause", "detail")
    ordering = ("-since",)

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False  # An address is added or taken off.
