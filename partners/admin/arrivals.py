"""Write keys and what arrived with them."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.admin_pages import KeptAdmin, LogAdmin
from accounts.fields import LinesField
from partners.admin.cleaning import clean_origin
from partners.keys import create_write_key
from partners.models import Activity, RejectedEvent, Source


class SourceForm(forms.ModelForm):
    origins = LinesField(
        label=_("Origins"),
        clean_line=clean_origin,
        help_text=_("Websites that may use this key in a browser, one per line; empty: all."),
    )

    class Meta:
        model = Source
        fields = ("name", "origins", "events_per_minute")


@admin.register(Source)
class SourceAdmin(KeptAdmin):
    form = SourceForm
    list_display = ("name", "prefix", "created_at", "revoked_at", "leaked_at")
    list_filter = ("created_at", "revoked_at")
    search_fields = ("name", "prefix")
    readonly_fields = ("prefix", "created_at", "revoked_at", "leaked_at")
    ordering = ("name",)
    actions = ("revoke",)
    kept = _(
        "A write key is not deleted: activities name it. In the list, “Revoke” ends it: "
        "nothing is accepted with it any more."
    )

    def get_fields(self, request: HttpRequest, obj: Source | None = None) -> tuple[str, ...]:
        return (*self.form.Meta.fields, *(self.readonly_fields if obj else ()))

    def save_model(self, request: HttpRequest, obj: Source, form: Any, change: bool) -> None:
        if change:
            super().save_model(request, obj, form, change)
            return
        source, key = create_write_key(obj.name, origins=obj.origins)
        obj.__dict__.update(source.__dict__)
        text = gettext("The write key of %(name)s, shown only now: %(key)s")
        self.message_user(request, text % {"name": obj.name, "key": key}, messages.WARNING)

    @admin.action(
        description=_("Revoke: nothing is accepted with it any more"), permissions=["change"]
    )
    def revoke(self, request: HttpRequest, sources: QuerySet[Source]) -> None:
        sources.filter(revoked_at=None).update(revoked_at=timezone.now())


class TypeFilter(admin.SimpleListFilter):
    """The list is known; reading it from the activities would be one scan of them."""

    title = _("type")
    parameter_name = "type"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(kind, kind) for kind in ("track", "page", "screen", "identify", "group", "alias")]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset.filter(type=self.value()) if self.value() else queryset


@admin.register(Activity)
class ActivityAdmin(LogAdmin):
    list_display = ("received_at", "type", "name", "contact", "source", "state")
    list_filter = ("received_at", "state", TypeFilter)
    list_select_related = ("contact", "source")
    search_fields = ("=message_id", "=contact__email", "=anonymous_id", "=user_id")
    search_help_text = _("A message id, an e-mail, an anonymous id or a user id, exactly.")
    exclude = ("payload", "body_hash")
    ordering = ("-received_at",)


@admin.register(RejectedEvent)
class RejectedEventAdmin(LogAdmin):
    list_display = ("received_at", "source", "index", "message_id", "code", "message")
    list_filter = ("received_at",)
    list_select_related = ("source",)
    search_fields = ("=message_id", "=code", "source__name")
    search_help_text = _("A message id or a code, exactly, or part of a write key's name.")
    exclude = ("excerpt",)
    ordering = ("-received_at",)
