"""Apps and devices of all members, and how they answer. Secrets and paths are not shown."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.admin_pages import LogAdmin, actor_of
from notifications.admin.wishes import ChannelFilter
from notifications.channels import EMAIL, OWN
from notifications.endpoints.apps import APPS
from notifications.endpoints.services import switch_off, switch_on
from notifications.models import Endpoint, EndpointHealth
from notifications.words import channel_label
from partnernotify.mail_servers import FIRST


@admin.register(Endpoint)
class EndpointAdmin(LogAdmin):
    """Read only, but for the switch. Its owner changes the rest."""

    list_display = ("name", "membership", "where", "host", "is_on", "last_success")
    list_filter = (ChannelFilter, "kind", "disabled_because", "created_at")
    list_select_related = ("membership__user", "membership__account")
    search_fields = ("name", "=membership__user__email", "membership__account__slug")
    search_help_text = _("Part of a name or of an account's slug, or an e-mail, exactly.")
    fields = (
        *("name", "membership", "where", "host", "teaser", "never_twice"),
        *("topics_off", "created_at", "seen_at", "disabled_at", "disabled_because"),
        *("last_success", "last_error", "last_error_at", "wait_until"),
    )
    ordering = ("-pk",)
    actions = ("switch_off", "switch_on")
    intro = _("Where members have their messages sent beside e-mail and the bell.")

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        health = EndpointHealth.objects.filter(endpoint_key=OuterRef("key"))
        names = ("sent_at", "last_error", "last_error_at", "wait_until")
        known = {f"known_{name}": Subquery(health.values(name)[:1]) for name in names}
        return super().get_queryset(request).defer("secrets").annotate(**known)

    def has_switch_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("notifications.change_endpoint")

    @admin.action(description=_("Switch off"), permissions=["switch"])
    def switch_off(self, request: HttpRequest, rows: QuerySet[Endpoint]) -> None:
        changed = [switch_off(row, actor=actor_of(request)) for row in rows]
        words = ngettext("%(count)d is switched off.", "%(count)d are switched off.", sum(changed))
        self.message_user(request, words % {"count": sum(changed)}, messages.SUCCESS)

    @admin.action(description=_("Switch on"), permissions=["switch"])
    def switch_on(self, request: HttpRequest, rows: QuerySet[Endpoint]) -> None:
        changed = [switch_on(row, actor=actor_of(request)) for row in rows]
        words = ngettext("%(count)d is switched on.", "%(count)d are switched on.", sum(changed))
        self.message_user(request, words % {"count": sum(changed)}, messages.SUCCESS)

    @admin.display(description=_("channel"), ordering="channel")
    def where(self, row: Endpoint) -> str:
        label = channel_label(row.channel)
        return f"{label}: {APPS[row.kind].label}" if row.kind else label

    @admin.display(description=_("host"))
    def host(self, row: Endpoint) -> str:
        return row.host

    @admin.display(description=_("on"), boolean=True, ordering="disabled_at")
    def is_on(self, row: Endpoint) -> bool:
        return row.disabled_at is None

    @admin.display(description=_("last success"), ordering="known_sent_at")
    def last_success(self, row: Any) -> Any:
        return row.known_sent_at

    @admin.display(description=_("last error"))
    def last_error(self, row: Any) -> Any:
        return row.known_last_error

    @admin.display(description=_("last error at"))
    def last_error_at(self, row: Any) -> Any:
        return row.known_last_error_at

    @admin.display(description=_("left alone until"))
    def wait_until(self, row: Any) -> Any:
        return row.known_wait_until


@admin.register(EndpointHealth)
class EndpointHealthAdmin(LogAdmin):
    list_display = ("where", "endpoint", "openings", "wait_until", "last_error", "last_error_at")
    list_filter = (ChannelFilter,)
    fields = (
        *("where", "endpoint", "sent_at", "openings", "wait_until"),
        *("last_error", "last_error_at"),
    )
    ordering = ("-pk",)
    intro = _("A row appears with the first failure; of e-mail, there is one for each mail server.")

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        name = Endpoint.objects.filter(key=OuterRef("endpoint_key")).values("name")[:1]
        return super().get_queryset(request).annotate(known_name=Subquery(name))

    @admin.display(description=_("channel"), ordering="channel")
    def where(self, row: EndpointHealth) -> str:
        return channel_label(row.channel)

    @admin.display(description=_("endpoint"))
    def endpoint(self, row: Any) -> str:
        if row.channel == EMAIL:
            return FIRST.name if row.endpoint_key == OWN else row.endpoint_key
        return row.known_name or "–"
