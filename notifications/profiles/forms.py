"""A profile is edited in one form: its name and members, and the four tabs of the matrix."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from accounts.models import Account
from notifications import eligibility
from notifications.eligibility import OWN_ONLY, Cell, Wishes
from notifications.endpoints.forms import clean_name
from notifications.forms import PreferencesForm
from notifications.models import Profile
from notifications.topics import TopicGroup

_LOCK = "lock-"


class NameForm(forms.Form):
    name = forms.CharField(
        label=pgettext_lazy("thing", "Name"),
        max_length=60,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def __init__(self, *args: Any, account: Account, pk: int = 0, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._others = Profile.objects.filter(account=account).exclude(pk=pk)

    def clean_name(self) -> str:
        name = clean_name(self.cleaned_data["name"])
        if any(other.name.casefold() == name.casefold() for other in self._others):
            raise forms.ValidationError(
                _("There is a profile “%(name)s” already.") % {"name": name}
            )
        return name


class ProfileForm(NameForm):
    """Like the cells, whom it is for carries what was shown: an old page undoes nothing."""

    is_default = forms.BooleanField(
        required=False,
        label=gettext_lazy("For everyone without another profile"),
        show_hidden_initial=True,
        widget=forms.CheckboxInput(attrs={"data-cell": True}),
    )
    members = forms.MultipleChoiceField(
        required=False,
        label=gettext_lazy("Members"),
        show_hidden_initial=True,
        widget=forms.CheckboxSelectMultiple(attrs={"data-cell": True}),
    )

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        profile: Profile,
        choices: Sequence[tuple[int, str]],
        member_ids: Iterable[int],
        may_edit: bool,
    ) -> None:
        self._stored = frozenset(member_ids)
        self._is_default = profile.is_default
        initial = {
            "name": profile.name,
            "is_default": profile.is_default,
            "members": [str(pk) for pk in self._stored],
        }
        if data is not None and self._says_what_was_shown(data):
            # An empty list is not posted. Shown once more it would be what was ticked since.
            data = data.copy()
            data.setlist("initial-members", data.getlist("initial-members"))
        super().__init__(data, initial=initial, account=profile.account, pk=profile.pk)
        self.fields["name"].widget.attrs["data-cell"] = True
        members = cast("forms.MultipleChoiceField", self.fields["members"])
        members.choices = [(str(pk), label) for pk, label in choices]
        self._known = {str(pk) for pk, _label in choices}
        self.boxes = 2 + len(choices)
        for field in self.fields.values():
            field.disabled = not may_edit

    @staticmethod
    def _says_what_was_shown(data: QueryDict) -> bool:
        return "initial-is_default" in data

    def is_default_after(self) -> bool:
        shown = self.data.get("initial-is_default", str(self._is_default)) == "True"
        said = bool(self.cleaned_data["is_default"])
        return said if said != shown else self._is_default

    def member_ids_after(self) -> frozenset[int]:
        posted = frozenset(map(int, self.cleaned_data["members"]))
        shown = self._stored
        if isinstance(self.data, QueryDict) and self._says_what_was_shown(self.data):
            listed = self.data.getlist("initial-members")
            shown = frozenset(int(pk) for pk in listed if pk in self._known)
        return (self._stored | (posted - shown)) - (shown - posted)


class ProfileTabForm(PreferencesForm):
    """The cells of one channel as the account sets them, each with a lock beside it.

    What a browser asks its user alone is left out (R74).
    """

    left_out = OWN_ONLY

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        *,
        channel: str,
        profile: eligibility.Profile,
        groups: Sequence[TopicGroup],
        may_edit: bool,
    ) -> None:
        cells = Wishes(choices=profile.cells)
        super().__init__(data, channel=channel, wishes=cells, groups=groups)
        self.profile = profile
        for key in list(self.fields):
            self.fields[_LOCK + key] = self._lock(key)
        for field in self.fields.values():
            field.disabled = not may_edit

    def _lock(self, key: str) -> forms.BooleanField:
        return forms.BooleanField(
            required=False,
            label=_("Members cannot change this"),
            initial=(self.channel, key) in self.profile.locked,
            show_hidden_initial=not self.is_bound or self._says_what_was_shown(_LOCK + key),
            widget=forms.CheckboxInput(attrs={"class": "check", "data-cell": True}),
        )

    def lock_of(self, key: str) -> forms.BoundField:
        return self[_LOCK + key]

    def changes(self) -> dict[Cell, bool]:
        return {cell: on for cell, on in super().changes().items() if not _is_lock(cell)}

    def lock_changes(self) -> dict[Cell, bool]:
        return {
            (channel, key.removeprefix(_LOCK)): on
            for (channel, key), on in super().changes().items()
            if _is_lock((channel, key))
        }


def _is_lock(cell: Cell) -> bool:
    return cell[1].startswith(_LOCK)
