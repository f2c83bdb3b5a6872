from __future__ import annotations

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from notifications.channels.addresses import check_url
from notifications.models import Endpoint
from notifications.text import plain


class WebhookForm(forms.Form):
    name = forms.CharField(
        label=pgettext_lazy("thing", "Name"),
        max_length=100,
        help_text=_("What you call it, for example “CRM of the sales team”."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    # Not a URLField: check_url says more exactly what is wrong.
    address = forms.CharField(
        label=_("Web address"),
        help_text=_(
            "The webhook URL that the other program gave you. It begins with https:// and is "
            "shown to you only."
        ),
        widget=forms.URLInput(attrs={"autocomplete": "off", "placeholder": "https://"}),
    )
    never_twice = forms.BooleanField(
        required=False,
        label=_("Never send twice"),
        help_text=_(
            "When nobody can tell whether a message arrived, it waits for you to decide. "
            "Otherwise it is sent again with the same id."
        ),
    )

    @classmethod
    def of(cls, endpoint: Endpoint) -> WebhookForm:
        return cls(initial={field: getattr(endpoint, field) for field in cls.base_fields})

    def clean_name(self) -> str:
        name = self.cleaned_data["name"]
        if plain(name) != name:
            raise ValidationError(_("A name is one line without control characters."))
        return name

    def clean_address(self) -> str:
        return check_url(self.cleaned_data["address"])
