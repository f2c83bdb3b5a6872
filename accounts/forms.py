from __future__ import annotations

import zoneinfo
from collections import defaultdict
from typing import Any, ClassVar, cast

from django import forms
from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.utils.functional import lazy
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import Account, Invitation, Membership, User
from accounts.words import role_label

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
        labels: ClassVar[dict[str, Any]] = {
            "name": pgettext_lazy("person", "Name"),
            "language": _("Language"),
        }
        help_texts: ClassVar[dict[str, Any]] = {
            "language": _("Pages and e-mails are in this language.")
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].required = True
        self.fields["name"].widget.attrs["autocomplete"] = "name"
        self._put_likely_zones_first()

    def _put_likely_zones_first(self) -> None:
        """The zone in use, this instance's, and Poland's for who reads Polish."""
        zones = [self.instance.timezone, settings.TIME_ZONE]
        zones += ["Europe/Warsaw"] if self.instance.language == "pl" else []
        likely = [(zone, zone.replace("_", " ")) for zone in dict.fromkeys(zones)]
        taken = {zone for zone, _label in likely}
        rest = [
            (region, [choice for choice in choices if choice[0] not in taken])
            for region, choices in timezone_choices()
        ]
        field = cast("forms.ChoiceField", self.fields["timezone"])
        field.choices = [(_("Suggested"), likely), *(group for group in rest if group[1])]


# --- Users of an account --------------------------------------------------------------


def _role_choices(account: Account) -> list[tuple[str, str]]:
    return [(role, role_label(role)) for role in account.roles]


class InviteForm(forms.Form):
    email = forms.EmailField(
        label=_("E-mail"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "off", "class": "input"}),
    )
    role = forms.ChoiceField(label=_("Role"), widget=forms.Select(attrs={"class": "select"}))

    def __init__(self, *args: Any, account: Account, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["role"].choices = _role_choices(account)  # type: ignore[attr-defined]

    def clean_email(self) -> str:
        return self.cleaned_data["email"].lower()


class MemberForm(forms.ModelForm):
    """The role in the account's words. The permission exists for partners only (R36)."""

    class Meta:
        model = Membership
        fields = ("role", "edit_partner_settings")
        labels: ClassVar[dict[str, Any]] = {
            "role": _("Role"),
            "edit_partner_settings": _("May edit partner settings"),
        }
        help_texts: ClassVar[dict[str, Any]] = {
            "edit_partner_settings": _(
                "Who is told about leads and clients: Partners › Communication. Admins always may."
            )
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        account = self.instance.account
        self.fields["role"].choices = _role_choices(account)  # type: ignore[attr-defined]
        if account.kind == Account.Kind.VENDOR:
            del self.fields["edit_partner_settings"]
            self.fields["role"].help_text = _(
                "Partners hear of a sign-up only while a growth specialist owns the company."
            )

    def changes(self) -> dict[str, Any]:
        kept = self.instance.edit_partner_settings
        return {"edit_partner_settings": kept, **self.cleaned_data}


class NewPersonForm(forms.Form):
    """What an invited person says of themselves; the address is the invitation's."""

    name = forms.CharField(
        label=pgettext_lazy("person", "Name"),
        max_length=150,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    password = forms.CharField(
        label=_("Password"),
        strip=False,
        max_length=4096,
        help_text=_(
            "At least ten characters; not your name, and not a password that everybody uses."
        ),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, *args: Any, invitation: Invitation, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._email = invitation.email

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if "password" in values:
            try:
                validate_password(
                    values["password"], User(email=self._email, name=values.get("name", ""))
                )
            except ValidationError as error:
                self.add_error("password", error)
        return values
