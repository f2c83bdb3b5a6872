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
from accounts.audit import record_change
from accounts.models import User
from notifications.additional.services import add_entry, choose_triggers, remove_entry
from notifications.audit import PEOPLE, in_words, record_communication
from notifications.channels import CHANNEL_KEYS
from notifications.delivery.suspension import free
from notifications.facts.triggers import load_triggers
from notifications.forms import choice_label
from notifications.models import (
    AdditionalRecipient,
    CommunicationSettings,
    Preference,
    Suppression,
)
from notifications.topics import CHANNEL_SWITCHES, TOPICS
from notifications.words import channel_label


class CommunicationForm(forms.ModelForm):
    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        account = values.get("account") or self.instance.account
        for name in ("recipient", "backup"):
            member = values.get(name)
            if member and member.account_id != account.pk:
                self.add_error(name, _("Choose a user of this account."))
        return values


class AdditionalForm(forms.ModelForm):
    triggers = forms.MultipleChoiceField(
        required=False,
        label=_("Only these actions"),
        help_text=_("None ticked: every action."),
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["triggers"]
        assert isinstance(field, forms.MultipleChoiceField)
        field.choices = [(t.key, t.label or t.key) for t, _is_on in load_triggers()]


class AdditionalFormSet(forms.BaseInlineFormSet):
    """The services add, change and remove, in the name of `actor`."""

    actor: User | None = None

    def clean(self) -> None:
        super().clean()
        for form in self.forms:
            member = getattr(form, "cleaned_data", {}).get("membership")
            if member and member.account_id != self.instance.account_id:
                form.add_error("membership", _("Choose a user of this account."))

    def save_new(self, form: Any, commit: bool = True) -> models.Model:
        member, triggers = (form.cleaned_data[name] for name in ("membership", "triggers"))
        return add_entry(self.instance.account, member, triggers=triggers, actor=self.actor)

    def save_existing(self, form: Any, obj: models.Model, commit: bool = True) -> models.Model:
        assert isinstance(obj, AdditionalRecipient)
        if "membership" in form.changed_data:
            remove_entry(obj, actor=self.actor)
            return self.save_new(form)
        choose_triggers(obj, form.cleaned_data["triggers"], actor=self.actor)
        return obj

    def delete_existing(self, obj: models.Model, commit: bool = True) -> None:
        assert isinstance(obj, AdditionalRecipient)
        remove_entry(obj, actor=self.actor)


class AdditionalInline(admin.TabularInline):
    """`membership` empty: whoever looks after the lead."""

    model = AdditionalRecipient
    form = AdditionalForm
    formset = AdditionalFormSet
    fields = ("membership", "triggers")
    autocomplete_fields = ("membership",)
    extra = 0
    verbose_name_plural = _("additional recipients; without a person: whoever looks after the lead")


@admin.register(CommunicationSettings)
class CommunicationSettingsAdmin(KeptAdmin):
    form = CommunicationForm
    list_display = ("account", "receive_lead_activity", "client_activity", "recipient", "backup")
    list_filter = ("receive_lead_activity", "client_activity")
    list_select_related = (
        "account",
        *("recipient__user", "recipient__account", "backup__user", "backup__account"),
    )
    search_fields = ("account__name", "account__slug", "recipient__user__email")
    autocomplete_fields = ("account", "recipient", "backup")
    ordering = ("account__name",)
    inlines = (AdditionalInline,)
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
        rows = CommunicationSettings.objects.select_related(*PEOPLE)
        before = in_words(rows.get(pk=obj.pk) if change else CommunicationSettings())
        super().save_model(request, obj, form, change)
        record_communication(obj, before, actor=actor_of(request))

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        formset.actor = actor_of(request)
        super().save_formset(request, form, formset, change)


def _channels() -> list[tuple[str, str]]:
    return [("", "–"), *((key, channel_label(key)) for key in CHANNEL_KEYS)]


def _keys() -> list[tuple[str, str]]:
    """Return the topics, and the switches with the channel that has them."""
    topics = [(key, choice_label("", key)) for key in TOPICS]
    switches: dict[str, str] = {}
    for channel, key in CHANNEL_SWITCHES:
        words = choice_label(channel, key)
        switches[key] = f"{switches[key]} / {words}" if key in switches else words
    return [("", "–"), *topics, *switches.items()]


class PreferenceForm(forms.ModelForm):
    channel = forms.ChoiceField(label=_("Channel"), choices=_channels)
    key = forms.ChoiceField(label=_("Topic or switch"), choices=_keys)

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        channel, key = values.get("channel", ""), values.get("key", "")
        if key not in TOPICS and (channel, key) not in CHANNEL_SWITCHES:
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
    intro = _(
        "Members' own choices; deleting one brings back what their profile or the product says."
    )

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

    @transaction.atomic
    def save_model(self, request: HttpRequest, obj: Suppression, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        record_change(
            None,
            actor=actor_of(request),
            action="addresses.suspended",
            subject=obj.address,
            old="",
            new=obj.cause,
        )

    def delete_model(self, request: HttpRequest, obj: Suppression) -> None:
        free(obj.address, actor=actor_of(request))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Suppression]) -> None:
        for row in queryset:
            free(row.address, actor=actor_of(request))
