"""What accounts and people wish, and which addresses get nothing."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.admin_pages import BigAdmin, KeptAdmin, actor_of
from notifications.audit import in_words, record_communication
from notifications.channels import CHANNEL_KEYS
from notifications.forms import choice_label
from notifications.models import CommunicationSettings, Preference, Suppression
from notifications.topics import SWITCH_DEFAULTS, TOPICS
from notifications.words import channel_label


class CommunicationForm(forms.ModelForm):
    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        recipient = values.get("recipient")
        account = values.get("account") or self.instance.account
        if recipient and recipient.account_id != account.pk:
            raise ValidationError({"recipient": _("Choose a user of this account.")})
        return values


@admin.register(CommunicationSettings)
class CommunicationSettingsAdmin(KeptAdmin):
    form = CommunicationForm
    list_display = ("account", "receive_lead_activity", "client_activity", "recipient")
    list_filter = ("receive_lead_activity", "client_activity")
    list_select_related = ("account", "recipient__user", "recipient__account")
    search_fields = ("account__name", "account__slug", "recipient__user__email")
    autocomplete_fields = ("account", "recipient")
    ordering = ("account__name",)
    intro = _("Accounts without a row here receive nothing about leads and clients.")
    kept = _("These settings are not deleted: switching them off is a change, and written down.")

    def get_readonly_fields(
        self, request: HttpRequest, obj: CommunicationSettings | None = None
    ) -> tuple[str, ...]:
        return ("account",) if obj else ()

    @transaction.atomic
    def save_model(
        self, request: HttpRequest, obj: CommunicationSettings, form: Any, change: bool
    ) -> None:
        rows = CommunicationSettings.objects.select_related("recipient__user")
        before = in_words(rows.get(pk=obj.pk) if change else CommunicationSettings())
        super().save_model(request, obj, form, change)
        record_communication(obj, before, actor=actor_of(request))


def _channels() -> list[tuple[str, str]]:
    return [("", "–"), *((key, channel_label(key)) for key in CHANNEL_KEYS)]


def _keys() -> list[tuple[str, str]]:
    """Return the topics, and the switches with the channel that has them."""
    topics = [(key, choice_label("", key)) for key in TOPICS]
    switches: dict[str, str] = {}
    for channel, key in SWITCH_DEFAULTS:
        words = choice_label(channel, key)
        switches[key] = f"{switches[key]} / {words}" if key in switches else words
    return [("", "–"), *topics, *switches.items()]


class PreferenceForm(forms.ModelForm):
    channel = forms.ChoiceField(label=_("Channel"), choices=_channels)
    key = forms.ChoiceField(label=_("Topic or switch"), choices=_keys)

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        channel, key = values.get("channel", ""), values.get("key", "")
        if key not in TOPICS and (channel, key) not in SWITCH_DEFAULTS:
            raise ValidationError({"key": _("This channel has no such topic or switch.")})
        return values


class ChannelFilter(admin.SimpleListFilter):
    title = _("channel")
    parameter_name = "channel"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return _channels()[1:]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset.filter(channel=self.value()) if self.value() else queryset


class KeyFilter(admin.SimpleListFilter):
    title = _("topic or switch")
    parameter_name = "key"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return _keys()[1:]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset.filter(key=self.value()) if self.value() else queryset


@admin.register(Preference)
class PreferenceAdmin(BigAdmin):
    form = PreferenceForm
    list_display = ("membership", "where", "what", "is_on")
    list_filter = (ChannelFilter, KeyFilter, "is_on")
    list_select_related = ("membership__user", "membership__account")
    search_fields = (
        *("membership__user__email", "membership__user__name"),
        *("membership__account__name", "membership__account__slug"),
    )
    autocomplete_fields = ("membership",)
    ordering = ("membership", "channel", "key")
    intro = _("Only choices that differ from the default; deleting one brings the default back.")

    @admin.display(description=_("channel"), ordering="channel")
    def where(self, row: Preference) -> str:
        return channel_label(row.channel)

    @admin.display(description=_("topic or switch"), ordering="key")
    def what(self, row: Preference) -> str:
        return choice_label(row.channel, row.key)


_CAUSES = {
    "bounce": _("the mail server said that the address does not exist"),
    "complaint": _("the reader reported our mail as unwanted"),
    "asked": _("the person asked for silence"),
}


class SuppressionForm(forms.ModelForm):
    cause = forms.ChoiceField(label=_("Cause"), choices=list(_CAUSES.items()))

    def clean_address(self) -> str:
        return self.cleaned_data["address"].lower()  # As users' addresses are stored.


@admin.register(Suppression)
class SuppressionAdmin(admin.ModelAdmin):
    form = SuppressionForm
    list_display = ("address", "why", "since", "detail")
    list_filter = ("since",)
    search_fields = ("address",)
    fields = ("address", "cause", "detail")
    ordering = ("-since",)
    intro = _("Nothing is sent to these addresses; deleting one lets e-mail through again.")

    @admin.display(description=_("cause"), ordering="cause")
    def why(self, row: Suppression) -> str:
        return str(_CAUSES.get(row.cause, row.cause))

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False  # An address is added or taken off.
