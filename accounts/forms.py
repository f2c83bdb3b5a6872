from __future__ import annotations

import zoneinfo
from collections import defaultdict
from typing import Any, ClassVar

from django import forms
from django.utils.functional import lazy
from django.utils.translation import gettext_lazy as _

from accounts.models import User

Choices = list[tuple[str, list[tuple[str, str]]]]


def timezone_choices() -> Choices:
    """Return the zones by region, as people look for them."""
    regions: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for zone in sorted(zoneinfo.available_timezones()):
        region, slash, city = zone.partition("/")
        if slash and region != "Etc":
            regions[region].append((zone, city.replace("_", " ").replace("/", " · ")))
    return [("UTC", [("UTC", "UTC")]), *sorted(regions.items())]


class ProfileForm(forms.ModelForm):
    timezone = forms.ChoiceField(
        label=_("Time zone"),
        choices=lazy(timezone_choices, list)(),
        help_text=_("Times on pages and in e-mails are shown in this zone."),
    )

    class Meta:
        model = User
        fields = ("name", "language", "timezone")
        labels: ClassVar[dict[str, Any]] = {"name": _("Name"), "language": _("Language")}
        help_texts: ClassVar[dict[str, Any]] = {
            "language": _("Pages and e-mails are in this language.")
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].required = True
        self.fields["name"].widget.attrs["autocomplete"] = "name"
        self._keep_unlisted_zone(self.instance.timezone)

    def _keep_unlisted_zone(self, zone: str) -> None:
        field = self.fields["timezone"]
        listed = {value for _region, zones in timezone_choices() for value, _label in zones}
        if zone not in listed:
            own = (zone, [(zone, zone)])
            field.choices = [own, *timezone_choices()]  # type: ignore[attr-defined]
