"""Whom to add, and of which actions somebody hears."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Membership
from notifications.additional.services import LEAD_OWNER
from notifications.forms import UNFIT, recipient_label
from notifications.models import AdditionalRecipient
from notifications.triggers import TriggerType


def owner_label() -> str:
    return _("Whoever looks after the lead")


class AddForm(forms.Form):
    """`possible`: who may be chosen; those who are listed already are not offered."""

    person = forms.ChoiceField(
        label=gettext_lazy("Add somebody"), error_messages={"invalid_choice": UNFIT}
    )

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        *,
        possible: Sequence[Membership],
        listed: Sequence[int | None],
    ) -> None:
        super().__init__(data, auto_id="additional-%s")
        self._possible = {str(member.pk): member for member in possible if member.pk not in listed}
        owner = [] if None in listed else [(LEAD_OWNER, owner_label())]
        people = [(key, recipient_label(member)) for key, member in self._possible.items()]
        field = self.fields["person"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", _("Choose…")), *owner, *people]
        field.widget.attrs.update({"class": "select"})
        self.is_empty = not (owner or people)

    @property
    def member(self) -> Membership | None:
        """Return who was chosen; None: whoever looks after the lead."""
        return self._possible.get(self.cleaned_data["person"])


class ActionsForm(forms.Form):
    """Every action, or only the ticked ones. Offered are those that are on, and what is chosen
    already. While it is every action, all are ticked: one goes on from there."""

    every = forms.BooleanField(required=False, label=gettext_lazy("Every action"))
    triggers = forms.MultipleChoiceField(
        required=False,
        widget=forms.CheckboxSelectMultiple,
        label=gettext_lazy("Only these"),
    )

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        *,
        entry: AdditionalRecipient,
        triggers: Sequence[tuple[TriggerType, bool]],
    ) -> None:
        chosen = entry.triggers
        offered = [(t, is_on) for t, is_on in triggers if is_on or t.key in chosen]
        every = [trigger.key for trigger, _is_on in offered]
        initial = {"every": not chosen, "triggers": chosen or every}
        super().__init__(data, initial=initial, auto_id=f"additional-{entry.pk}-%s")
        field = self.fields["triggers"]
        assert isinstance(field, forms.MultipleChoiceField)
        field.choices = [(trigger.key, _label(trigger, is_on)) for trigger, is_on in offered]

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if not self.errors and not values["every"] and not values["triggers"]:
            self.add_error("triggers", _("Tick at least one action, or take the person off."))
        return values

    @property
    def chosen(self) -> list[str]:
        """Return the only actions; none: every one."""
        return [] if self.cleaned_data["every"] else self.cleaned_data["triggers"]


def _label(trigger: TriggerType, is_on: bool) -> str:
    label = str(trigger.label or trigger.key)
    return label if is_on else _("%(action)s (switched off)") % {"action": label}
