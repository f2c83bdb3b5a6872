"""Decisions, messages and deliveries: what happened, and why."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.admin_pages import LogAdmin, LogInline
from notifications.admin.wishes import ChannelFilter
from notifications.facts.triggers import load_triggers
from notifications.models import (
    Attempt,
    Decision,
    Delivery,
    Notification,
    NotificationReason,
    Trigger,
)
from notifications.triggers import BUILT_IN
from notifications.words import channel_label, reason_sentence


class ReasonInline(LogInline):
    model = NotificationReason
    fields = ("kind", "lead", "client", "deal")


class AttemptInline(LogInline):
    model = Attempt
    fields = ("n", "started_at", "ended_at", "outcome", "detail")
    ordering = ("n",)


class TriggerFilter(admin.SimpleListFilter):
    """The list is known; reading it from the rows would be one scan of them."""

    title = _("trigger")
    parameter_name = "trigger"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(trigger.key, str(trigger.label)) for trigger, _enabled in load_triggers()]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset.filter(trigger=self.value()) if self.value() else queryset


class TriggerNameAdmin(LogAdmin):
    """Rows that keep the key of a trigger, and show its name."""

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        own = Trigger.objects.filter(key=OuterRef("trigger")).values("label")[:1]
        return super().get_queryset(request).annotate(own_trigger=Subquery(own))

    @admin.display(description=_("trigger"), ordering="trigger")
    def trigger_name(self, row: Any) -> str:
        built_in = BUILT_IN.get(row.trigger)
        return str(built_in.label) if built_in else row.own_trigger or row.trigger


_PERSON = ("membership__user", "membership__account")
_SEARCH_PERSON = ("=membership__user__email", "account__slug")
_SEARCH_HELP = _("A message id or an e-mail, exactly, or part of an account's slug.")


@admin.register(Decision)
class DecisionAdmin(TriggerNameAdmin):
    list_display = ("created_at", "trigger_name", "kind", "account", "membership", "reason")
    list_filter = ("created_at", "outcome", "kind", TriggerFilter, "reason")
    list_select_related = ("account", *_PERSON)
    search_fields = ("=activity__message_id", "=activity__contact__email", *_SEARCH_PERSON)
    search_help_text = _SEARCH_HELP
    fields = (
        *("activity", "trigger_name", "kind", "account", "membership", "outcome", "reason"),
        *("lead", "client", "deal", "notification", "occurred_at", "created_at"),
    )
    ordering = ("-pk",)  # In the order of time, and the database has it at hand.
    intro = _("For each action and each candidate: told, or the first reason why not.")


@admin.register(Notification)
class NotificationAdmin(TriggerNameAdmin):
    list_display = ("created_at", "trigger_name", "account", "membership", "read_at")
    list_filter = ("created_at", TriggerFilter, "read_at")
    list_select_related = ("account", *_PERSON)
    search_fields = ("=activity__message_id", "=activity__contact__email", *_SEARCH_PERSON)
    search_help_text = _SEARCH_HELP
    fields = (
        *("activity", "trigger_name", "account", "membership", "notice"),
        *("created_at", "read_at"),
    )
    inlines = (ReasonInline,)
    ordering = ("-pk",)
    intro = _("One message to one person; the deliveries say what became of it on each channel.")


@admin.register(Delivery)
class DeliveryAdmin(LogAdmin):
    list_display = ("created_at", "where", "recipient", "state", "why", "done_at")
    list_filter = ("created_at", "state", ChannelFilter)
    list_select_related = ("notification__membership__user", "notification__membership__account")
    search_fields = ("=public_id", "=notification__membership__user__email", "account__slug")
    search_help_text = _("A public id or an e-mail, exactly, or part of an account's slug.")
    fields = (
        *("public_id", "account", "notification", "recipient", "where", "state", "why", "detail"),
        *("not_before", "lease_until", "starts", "failures", "created_at", "done_at"),
    )
    inlines = (AttemptInline,)
    ordering = ("-pk",)

    @admin.display(description=_("recipient"))
    def recipient(self, delivery: Delivery) -> str:
        return str(delivery.notification.membership)

    @admin.display(description=_("channel"), ordering="channel")
    def where(self, delivery: Delivery) -> str:
        return channel_label(delivery.channel)

    @admin.display(description=_("reason"))
    def why(self, delivery: Delivery) -> str:
        return reason_sentence(delivery.reason) if delivery.reason else ""
