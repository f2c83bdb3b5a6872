"""Who is on what, what is escalated, who is away: looked at, and changed by people themselves."""

from __future__ import annotations

from django.contrib import admin

from accounts.admin_pages import LogAdmin, LogInline
from notifications.models import Absence, Claim, Escalation, EscalationStep

_ABOUT = ("lead", "client", "deal")
_ACCOUNT = ("account__name", "account__slug")


@admin.register(Claim)
class ClaimAdmin(LogAdmin):
    list_display = ("membership", *_ABOUT, "claimed_at")
    list_select_related = (
        *("membership__user", "membership__account", "lead__account", "client__account", "deal"),
    )
    search_fields = (*_ACCOUNT, "membership__user__email", "lead__domain", "client__domain")
    ordering = ("-claimed_at", "-pk")


class EscalationStepInline(LogInline):
    model = EscalationStep


@admin.register(Escalation)
class EscalationAdmin(LogAdmin):
    list_display = ("account", *_ABOUT, "due_at", "ended")
    list_filter = ("ended",)
    list_select_related = ("account", "lead__account", "client__account", "deal")
    search_fields = (*_ACCOUNT, "lead__domain", "client__domain", "deal__name")
    inlines = (EscalationStepInline,)
    ordering = ("-began_at", "-pk")


@admin.register(Absence)
class AbsenceAdmin(LogAdmin):
    list_display = ("membership", "begins", "ends", "deputy")
    list_select_related = (
        *("membership__user", "membership__account", "deputy__user", "deputy__account"),
    )
    search_fields = ("membership__user__email", "membership__user__name")
    ordering = ("-ends", "-pk")
