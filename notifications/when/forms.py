"""The page is one form: a pace for each channel, and the quiet hours."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from datetime import date
from typing import Any, ClassVar, cast

from django import forms
from django.db.models import QuerySet
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from accounts.models import Membership
from notifications.forms import recipient_label
from notifications.limits import MOST
from notifications.models import Absence, Pace, QuietHours
from notifications.when.countries import COUNTRIES
from notifications.words import channel_label


def _clock() -> forms.TimeInput:
    return forms.TimeInput(attrs={"type": "time", "class": "input input-clock"}, format="%H:%M")


def _sorts_as(choice: tuple[str, str]) -> str:
    """Ł stands beside L, and Ü beside U."""
    plain = unicodedata.normalize("NFKD", choice[1].replace("Ł", "L"))
    return plain.encode("ascii", "ignore").decode()


class _CountedForm(forms.ModelForm):
    """Its controls are counted by the save bar, each for itself."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.widget.attrs["data-cell"] = True

    @property
    def controls(self) -> int:
        return sum(
            len(field) if isinstance(field.field, forms.MultipleChoiceField) else 1
            for field in self
        )


class PaceForm(_CountedForm):
    weekday = forms.TypedChoiceField(
        coerce=int,
        choices=list(WEEKDAYS.items()),
        label=pgettext_lazy("weekday", "on"),
        widget=forms.Select(attrs={"class": "select"}),
    )

    class Meta:
        model = Pace
        fields = ("every", "at", "weekday", "at_any_hour", "most")
        labels: ClassVar[dict[str, Any]] = {
            "at": pgettext_lazy("clock", "at"),
            "at_any_hour": gettext_lazy("In quiet hours as well"),
            "most": gettext_lazy("Messages a day, at most"),
        }
        widgets: ClassVar[dict[str, Any]] = {
            "every": forms.Select(attrs={"class": "select", "data-every": True}),
            "at": _clock(),
            "at_any_hour": forms.CheckboxInput(attrs={"class": "check"}),
            "most": forms.NumberInput(
                attrs={"class": "input", "min": 1, "max": MOST, "inputmode": "numeric"}
            ),
        }

    def __init__(self, data: Mapping[str, Any] | None = None, *, instance: Pace) -> None:
        super().__init__(data, instance=instance, prefix=instance.channel)
        self.channel_label = channel_label(instance.channel)
        self.fields["every"].label = self.channel_label


def _day() -> forms.DateInput:
    return forms.DateInput(attrs={"type": "date", "class": "input"}, format="%Y-%m-%d")


class MemberField(forms.ModelChoiceField):
    def label_from_instance(self, obj: Membership) -> str:
        return recipient_label(obj)


class AbsenceForm(_CountedForm):
    """Without days: not away."""

    begins = forms.DateField(required=False, label=gettext_lazy("I am away from"), widget=_day())
    ends = forms.DateField(required=False, label=gettext_lazy("until and including"), widget=_day())

    deputy = MemberField(
        queryset=Membership.objects.none(),
        required=False,
        label=gettext_lazy("Deputy"),
        empty_label=gettext_lazy("Nobody"),
        widget=forms.Select(attrs={"class": "select"}),
        error_messages={"invalid_choice": gettext_lazy("Choose an active member of your account.")},
    )

    class Meta:
        model = Absence
        fields = ("begins", "ends", "deputy")

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        *,
        instance: Absence,
        colleagues: QuerySet[Membership],
        today: date,
    ) -> None:
        super().__init__(data, instance=instance, prefix="away")
        self._today = today
        cast("forms.ModelChoiceField", self.fields["deputy"]).queryset = colleagues

    @property
    def was_on_the_page(self) -> bool:
        return self.add_prefix("begins") in self.data

    @property
    def is_away(self) -> bool:
        return bool(self.cleaned_data.get("begins"))

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        begins, ends = values.get("begins"), values.get("ends")
        if not self.errors and (begins is None) != (ends is None):
            self.add_error("ends" if begins else "begins", _("Choose both days, or none."))
        elif begins and ends and ends < begins:
            self.add_error("ends", _("The last day is before the first."))
        elif ends and ends < self._today:
            self.add_error("ends", _("This day has passed."))
        return values


class QuietHoursForm(_CountedForm):
    is_on = forms.BooleanField(
        required=False,
        label=gettext_lazy("Keep quiet outside my hours"),
        widget=forms.CheckboxInput(attrs={"class": "switch", "role": "switch"}),
    )
    days = forms.MultipleChoiceField(
        required=False,
        label=gettext_lazy("Working days"),
        choices=[(str(number + 1), name) for number, name in WEEKDAYS.items()],
        widget=forms.CheckboxSelectMultiple(attrs={"class": "check"}),
    )
    country = forms.ChoiceField(
        required=False,
        label=gettext_lazy("Public holidays"),
        widget=forms.Select(attrs={"class": "select"}),
    )

    class Meta:
        model = QuietHours
        fields = ("begins", "ends", "days", "country")
        labels: ClassVar[dict[str, Any]] = {
            "begins": gettext_lazy("Quiet from"),
            "ends": pgettext_lazy("clock", "to"),
        }
        widgets: ClassVar[dict[str, Any]] = {"begins": _clock(), "ends": _clock()}

    def __init__(self, data: Mapping[str, Any] | None = None, *, instance: QuietHours) -> None:
        initial = {"is_on": instance.pk is not None, "days": list(instance.days)}
        super().__init__(data, instance=instance, initial=initial, prefix="quiet")
        named = sorted(((code, str(name)) for code, name in COUNTRIES.items()), key=_sorts_as)
        cast("forms.ChoiceField", self.fields["country"]).choices = [
            ("", _("Do not count")),
            *named,
        ]

    def clean_days(self) -> str:
        days = "".join(sorted(self.cleaned_data["days"]))
        if not days and self.data.get(self.add_prefix("is_on")):
            raise forms.ValidationError(
                _("Tick at least one day: otherwise nothing would ever reach you.")
            )
        return days or QuietHours._meta.get_field("days").get_default()
