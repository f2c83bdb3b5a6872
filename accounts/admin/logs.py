"""What was changed, and which processes live."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.admin_pages import LogAdmin
from accounts.models import AuditEntry, Heartbeat
from accounts.selectors import who_changed
from accounts.words import AUDIT_AREAS, audit_action, audit_value


class AreaFilter(admin.SimpleListFilter):
    """By the beginning of the action: the actions themselves would be one scan of the log."""

    title = _("area")
    parameter_name = "area"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(AUDIT_AREAS.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset.filter(action__startswith=self.value()) if self.value() else queryset


@admin.register(AuditEntry)
class AuditEntryAdmin(LogAdmin):
    list_display = ("at", "who", "account", "what", "subject", "change")
    list_filter = ("at", AreaFilter)
    list_select_related = ("account",)
    search_fields = ("actor_name", "account__name", "account__slug", "subject", "old", "new")
    fields = ("at", "who", "account", "what", "subject", "before", "after")

    @admin.display(description=_("who"), ordering="actor_name")
    def who(self, entry: AuditEntry) -> str:
        return who_changed(entry)

    @admin.display(description=_("what"), ordering="action")
    def what(self, entry: AuditEntry) -> str:
        return audit_action(entry.action)

    @admin.display(description=_("change"))
    def change(self, entry: AuditEntry) -> str:
        if not entry.old:
            return audit_value(entry.new)
        return f"{audit_value(entry.old)} → {audit_value(entry.new) or '–'}"

    @admin.display(description=_("before"))
    def before(self, entry: AuditEntry) -> str:
        return audit_value(entry.old)

    @admin.display(description=_("after"))
    def after(self, entry: AuditEntry) -> str:
        return audit_value(entry.new)


@admin.register(Heartbeat)
class HeartbeatAdmin(LogAdmin):
    list_display = ("process", "at")
    ordering = ("process",)
    intro = _("A process that works says so every few seconds.")
