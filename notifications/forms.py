"""Forms validate and carry; services.py stores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Membership
from notifications.channels import DESKTOP, EMAIL, MOBILE, OTHER_APPS
from notifications.models import CommunicationSettings
from notifications.selectors import default_of
from notifications.topics import SWITCH_DEFAULTS, TOPICS, TopicGroup

# The controls stand in several cards; the form they belong to is none of them.
FORM_ID = "communication-form"


class CommunicationForm(forms.Form):
    """A recipient that is not submitted stays as it is (R30): the script disables the list
    while the switch is off. Without it one can switch on and choose in one go."""

    receive_lead_activity = forms.BooleanField(
        required=False, label=gettext_lazy("Receive lead activity notifications")
    )
    client_activity = forms.BooleanField(
        required=False, label=gettext_lazy("Also about our clients")
    )
    recipient = forms.ChoiceField(
        required=False,
        label=gettext_lazy("Select notification recipient"),
        error_messages={
            "invalid_choice": gettext_lazy(
                "Choose an active member of this account with a verified e-mail address."
            )
        },
    )

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        *,
        stored: CommunicationSettings,
        possible: Sequence[Membership],
        may_edit: bool,
    ) -> None:
        initial = {
            "receive_lead_activity": stored.receive_lead_activity,
            "client_activity": stored.client_activity,
            "recipient": stored.recipient_id or "",
        }
        super().__init__(data, initial=initial)
        self._stored = stored
        self._by_id = {str(member.pk): member for member in possible}
        cast("forms.ChoiceField", self.fields["recipient"]).choices = self._choices()
        for name in ("receive_lead_activity", "client_activity"):
            self._attributes(name, role="switch", **{"class": "switch"})
        self._attributes("recipient", **{"class": "select", "aria-describedby": "recipient-hint"})
        for name in self.fields:
            self._attributes(name, form=FORM_ID)
        if not may_edit:
            for name in self.fields:
                self._attributes(name, disabled=True)

    def _attributes(self, name: str, **attributes: Any) -> None:
        self.fields[name].widget.attrs.update(attributes)

    def _choices(self) -> list[tuple[str, str]]:
        listed = [(key, recipient_label(member)) for key, member in self._by_id.items()]
        current = self._stored.recipient
        if current and str(current.pk) not in self._by_id:
            self._by_id[str(current.pk)] = current
            listed.append((str(current.pk), _unfit_label(current)))
        return [("", _("Nobody chosen")), *listed]

    def chosen_recipient(self) -> Membership | None:
        if "recipient" not in self.data:
            return self._stored.recipient
        return self._by_id.get(self.cleaned_data["recipient"])


def recipient_label(member: Membership) -> str:
    name, email = member.user.name, member.user.email
    return f"{name} · {email}" if name else email


def _unfit_label(member: Membership) -> str:
    why = _("e-mail not verified") if member.is_current else _("deactivated")
    return f"{recipient_label(member)} ({why})"


_SWITCHES: Mapping[tuple[str, str], tuple[str | Promise, str | Promise]] = {
    (EMAIL, "enabled"): (
        gettext_lazy("Receive e-mail notifications"),
        gettext_lazy("When off, no topic reaches you by e-mail. What you ticked below is kept."),
    ),
    (DESKTOP, "bell"): (
        gettext_lazy("Bell"),
        gettext_lazy(
            "A count in the top bar, and the list of notifications behind it. "
            "When off, neither gets anything new."
        ),
    ),
    (DESKTOP, "red_dot"): (
        gettext_lazy("Display a red dot in your browser tab"),
        gettext_lazy("While something in the bell is unread."),
    ),
    (DESKTOP, "popup"): (
        gettext_lazy("Pop-up"),
        gettext_lazy("Works as soon as this site shows pop-ups. Your choice is kept until then."),
    ),
    (DESKTOP, "browser"): (
        gettext_lazy("Browser"),
        gettext_lazy(
            "Works as soon as this site sends browser notifications. "
            "Your choice is kept until then."
        ),
    ),
    (OTHER_APPS, "enabled"): (
        gettext_lazy("Receive notifications in other apps"),
        gettext_lazy("When off, nothing is sent to your webhooks. What you ticked below is kept."),
    ),
    (MOBILE, "enabled"): (
        gettext_lazy("Receive notifications on your phone"),
        gettext_lazy("Only you can switch this on: your phone asks for your permission."),
    ),
}
_TICKED = frozenset({"red_dot"})  # R68: three switches and a tick box.
_SWITCH_ORDER = {part: place for place, (_channel, part) in enumerate(_SWITCHES)}


def choice_label(channel: str, key: str) -> str:
    """Return the name of a topic or of a channel's switch."""
    if key in TOPICS:
        return str(TOPICS[key].label)
    label, _description = _SWITCHES.get((channel, key), (key, ""))
    return str(label)


class PreferencesForm(forms.Form):
    """The cells of one channel, from the registry of switches and topics.

    Each cell carries what was shown (`initial-…`): only what this person changed counts,
    whatever happened elsewhere since the page was opened. A script that posts without it
    is measured by what is stored.
    """

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        *,
        channel: str,
        chosen: Mapping[tuple[str, str], bool],
        groups: Sequence[TopicGroup],
    ) -> None:
        super().__init__(data, prefix=channel)
        self.channel = channel
        self._chosen = chosen
        parts = [part for of, part in SWITCH_DEFAULTS if of == channel]
        self.switch_names = sorted(parts, key=_SWITCH_ORDER.__getitem__)
        for part in self.switch_names:
            label, text = _SWITCHES[channel, part]
            if part in _TICKED:
                self._add(part, label, text, "check")
            else:
                self._add(part, label, text, "switch", role="switch")
        for topic in (topic for group in groups for topic in group.topics):
            self._add(topic.key, topic.label, topic.description, "check", **{"data-topic": True})

    def _add(self, key: str, label: Any, text: Any, css: str, **attrs: Any) -> None:
        described = f"about-{self.add_prefix(key)}"
        attrs |= {"class": css, "aria-describedby": described, "data-cell": True}
        self.fields[key] = forms.BooleanField(
            required=False,
            label=str(label),
            help_text=str(text),
            initial=self.is_on(key),
            show_hidden_initial=not self.is_bound or self._says_what_was_shown(key),
            widget=forms.CheckboxInput(attrs=attrs),
        )

    def _says_what_was_shown(self, key: str) -> bool:
        return self.add_initial_prefix(key) in self.data

    @property
    def was_on_the_page(self) -> bool:
        return any(map(self._says_what_was_shown, self.fields))

    def is_on(self, key: str) -> bool:
        return self._chosen.get((self.channel, key), default_of(self.channel, key))

    def is_own_choice(self, key: str) -> bool:
        return (self.channel, key) in self._chosen

    def changes(self) -> dict[tuple[str, str], bool]:
        return {(self.channel, name): self.cleaned_data[name] for name in self.changed_data}
