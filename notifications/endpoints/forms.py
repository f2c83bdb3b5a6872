from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from notifications.endpoints.apps import APPS, App
from notifications.models import Endpoint
from notifications.text import plain


class DeviceForm(forms.Form):
    name = forms.CharField(
        label=pgettext_lazy("thing", "Name"),
        max_length=100,
        help_text=gettext_lazy("What you call it, for example “Phone” or “Laptop at work”."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def clean_name(self) -> str:
        return clean_name(self.cleaned_data["name"])


class AppForm(forms.Form):
    """What an app needs to be connected, and what can be changed of it later.

    The address of a chat is not shown again: left empty, it stays (an empty text).
    """

    name = forms.CharField(
        label=pgettext_lazy("thing", "Name"),
        max_length=100,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    # Not a URLField: the app says more exactly what is wrong.
    address = forms.CharField(
        label=gettext_lazy("Web address"),
        widget=forms.URLInput(attrs={"autocomplete": "off"}),
    )
    teaser = forms.BooleanField(
        required=False,
        label=gettext_lazy("Without names"),
        help_text=gettext_lazy(
            "For a channel that others read too: a message says what happened, with a link, and "
            "neither who it was nor which company."
        ),
    )
    never_twice = forms.BooleanField(
        required=False,
        label=gettext_lazy("Never send twice"),
        help_text=gettext_lazy(
            "When nobody can tell whether a message arrived, it waits for you to decide. "
            "Otherwise it is sent again with the same id."
        ),
    )

    def __init__(
        self, data: Mapping[str, Any] | None = None, *, app: App, endpoint: Endpoint | None = None
    ) -> None:
        super().__init__(data, initial=_shown(endpoint))
        self._app = app
        self.fields["name"].help_text = str(app.name_hint)
        address = self.fields["address"]
        address.help_text = str(app.address_hint)
        address.widget.attrs["placeholder"] = app.placeholder
        if not app.is_chat:
            del self.fields["teaser"]
            return
        self.fields["never_twice"].help_text = _(
            "When nobody can tell whether a message arrived, it waits for you to decide. "
            "Otherwise it is sent again, and may stand there twice."
        )
        if endpoint:
            address.required = False
            kept = _("Leave it empty to keep the present one (%(address)s).")
            address.help_text = kept % {"address": endpoint.address}

    @classmethod
    def of(cls, endpoint: Endpoint, data: Mapping[str, Any] | None = None) -> AppForm:
        return cls(data, app=APPS[endpoint.kind], endpoint=endpoint)

    def clean_name(self) -> str:
        return clean_name(self.cleaned_data["name"])

    def clean_address(self) -> str:
        address = self.cleaned_data["address"]
        return self._app.check(address) if address else ""


def _shown(endpoint: Endpoint | None) -> dict[str, Any]:
    if endpoint is None:
        return {}
    shown = {field: getattr(endpoint, field) for field in ("name", "teaser", "never_twice")}
    return shown if APPS[endpoint.kind].is_chat else {**shown, "address": endpoint.address}


def clean_name(name: str) -> str:
    """Raises ValidationError."""
    if plain(name) != name:
        raise ValidationError(_("A name is one line without control characters."))
    return name
