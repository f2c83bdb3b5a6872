"""Which actions notify: built-in triggers are switched, own ones are made."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.admin_pages import KeptAdmin, actor_of
from notifications.models import Trigger
from notifications.text import plain
from notifications.trigger_selectors import trigger_lines
from notifications.trigger_services import switch_trigger, unused_key
from notifications.triggers import BUILT_IN


class TriggerForm(forms.ModelForm):
    """A trigger of an operator's own. Its key is made from the name, once."""

    class Meta:
        model = Trigger
        fields = ("label", "event_name", "page_path", "enabled")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        words = {
            "label": _("What people read: “Anna Nowak: …” in pages and in the subject of mails."),
            "event_name": _("As the website sends it; upper and lower case make no difference."),
            "page_path": _("Begins with a slash; a star at the end means: and all below."),
        }
        for name, text in words.items():
            if name in self.fields:
                self.fields[name].help_text = text
        if "label" in self.fields:
            self.fields["label"].required = True

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if not self.errors and not (values.get("event_name") or values.get("page_path")):
            raise ValidationError(_("A trigger of your own needs an event name or a page path."))
        return values

    def clean_label(self) -> str:
        label = self.cleaned_data["label"]
        if plain(label) != label:
            raise ValidationError(_("A name is one line without control characters."))
        return label

    def clean_page_path(self) -> str:
        page_path = self.cleaned_data["page_path"]
        if page_path and not page_path.startswith("/"):
            raise ValidationError(_("A path begins with a slash, such as /pricing*."))
        return page_path


@admin.register(Trigger)
class TriggerAdmin(KeptAdmin):
    """The list shows every trigger; a built-in one has no page of its own here."""

    form = TriggerForm
    list_display = ("label", "enabled", "event_name", "page_path")
    ordering = ("key",)
    actions = None
    kept = _("A trigger is not deleted: decisions and messages name it. Switch it off instead.")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Trigger]:
        return super().get_queryset(request).exclude(key__in=BUILT_IN)

    def save_model(self, request: HttpRequest, obj: Trigger, form: Any, change: bool) -> None:
        if not change:
            obj.key = unused_key(obj.label)
        super().save_model(request, obj, form, change)

    def get_urls(self) -> list[URLPattern]:
        switch = self.admin_site.admin_view(self.switch)
        own = path("switch/", switch, name="notifications_trigger_switch")
        return [own, *super().get_urls()]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        own = dict(self.get_queryset(request).values_list("key", "pk"))
        context = {
            "lines": [(line, own.get(line.key)) for line in trigger_lines()],
            "may_switch": self.has_change_permission(request),
        }
        return super().changelist_view(request, {**(extra_context or {}), **context})

    def switch(self, request: HttpRequest) -> HttpResponse:
        """POST `on` or `off`: the key of the trigger."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not self.has_change_permission(request):
            raise PermissionDenied
        enabled = "on" in request.POST
        key = request.POST.get("on" if enabled else "off", "")
        line = next((line for line in trigger_lines() if line.key == key), None)
        if line is None:
            raise Http404
        switch_trigger(actor_of(request), line, enabled=enabled)
        words = gettext("“%(name)s” is on.") if enabled else gettext("“%(name)s” is off.")
        self.message_user(request, words % {"name": line.label}, messages.SUCCESS)
        return redirect("admin:notifications_trigger_changelist")
