"""Forms validate and carry; services.py stores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from django import forms
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.models import Membership
from notifications.channels import CHANNEL_KEYS
from notifications.eligibility import OWN_ONLY, Cell, Wishes
from notifications.eligibility.escalation import MOST_HOURS
from notifications.models import CommunicationSettings
from notifications.topics import CHANNEL_SWITCHES, TOPICS, TopicGroup

UNFIT = gettext_lazy("Choose an active member of this account with a verified e-mail address.")
# The controls stand in several cards; the form they belong to is none of them.
FORM_ID = "communication-form"
SWITCHES, PEOPLE = ("receive_lead_activity", "client_activity"), ("recipient", "backup")


class CommunicationForm(forms.Form):
    """Only what this person changed counts, whatever happened elsewhere since the page was
    opened: each control carries what was shown (`initial-…`). A script that posts without it is
    measured by what is stored.

    Lists that are not submitted stay as they are (R30): the script disables the recipient while
    the switch is off. Without it one can switch on and choose in one go.
    """

    receive_lead_activity = forms.BooleanField(
        required=False, label=gettext_lazy("Receive lead activity notifications")
    )
    client_activity = forms.BooleanField(
        required=False, label=gettext_lazy("Also about our clients")
    )
    recipient = forms.ChoiceField(
        required=False,
        label=gettext_lazy("Select notification recipient"),
        error_messages={"invalid_choice": UNFIT},
    )
    backup = forms.ChoiceField(
        required=False,
        label=gettext_lazy("Backup recipient"),
        error_messages={"invalid_choice": UNFIT},
    )
    escalate_after = forms.TypedChoiceField(
        required=False,
        coerce=int,
        empty_value=None,
        label=gettext_lazy("If nobody has looked at it"),
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
            "backup": stored.backup_id or "",
            "escalate_after": stored.escalate_after,
        }
        super().__init__(data, initial=initial)
        self._stored = stored
        self._possible = {str(member.pk): member for member in possible}
        self._offer("recipient", stored.recipient, _("Nobody chosen"))
        self._offer("backup", stored.backup, _("Nobody"))
        cast("forms.ChoiceField", self.fields["escalate_after"]).choices = escalation_choices()
        for name in SWITCHES:
            self._attributes(name, role="switch", **{"class": "switch"})
        for name in ("recipient", "backup", "escalate_after"):
            self._attributes(name, **{"class": "select", "aria-describedby": f"{name}-hint"})
        for name, field in self.fields.items():
            self._attributes(name, form=FORM_ID)
            is_shown = self.add_initial_prefix(name) in self.data
            field.show_hidden_initial = is_shown or not self.is_bound
            field.hidden_widget = _ShownInitially
            if not may_edit:
                self._attributes(name, disabled=True)

    def _attributes(self, name: str, **attributes: Any) -> None:
        self.fields[name].widget.attrs.update(attributes)

    def _offer(self, name: str, current: Membership | None, nobody: str) -> None:
        """Offer who may be chosen, and who is, even if that could not be chosen now."""
        listed = [(key, recipient_label(member)) for key, member in self._possible.items()]
        if current and str(current.pk) not in self._possible:
            listed.append((str(current.pk), _unfit_label(current)))
        cast("forms.ChoiceField", self.fields[name]).choices = [("", nobody), *listed]

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        for name in self.errors.keys() - self._changed:  # Not this person's choice.
            del self.errors[name]
        changes = {} if self.errors else self.changes()
        backup = changes.get("backup")
        if backup and backup == changes.get("recipient", self._stored.recipient):
            self.add_error("backup", _("This is the recipient already. Choose somebody else."))
        return values

    @cached_property
    def _changed(self) -> frozenset[str]:
        lists = {name for name in self.fields if name not in SWITCHES}
        return frozenset(self.changed_data) - {name for name in lists if name not in self.data}

    def changes(self) -> dict[str, Any]:
        """Return the new value of each setting. A backup who becomes the recipient is none
        any more."""
        values = {name: self._value(name) for name in self._changed}
        recipient = values.get("recipient")
        if recipient and recipient == self._stored.backup:
            values.setdefault("backup", None)
        return values

    def _value(self, name: str) -> Any:
        key = self.cleaned_data[name]
        if name not in PEOPLE:
            return 0 if key is None else key
        current: Membership | None = getattr(self._stored, name)
        return current if current and key == str(current.pk) else self._possible.get(key)


class _ShownInitially(forms.HiddenInput):
    def __init__(self) -> None:
        super().__init__({"form": FORM_ID})


def escalation_choices() -> list[tuple[int, str]]:
    words = [
        (
            hours,
            ngettext("After %(n)d working hour", "After %(n)d working hours", hours) % {"n": hours},
        )
        for hours in range(1, MOST_HOURS + 1)
    ]
    return [(0, _("Tell nobody else")), *words]


def recipient_label(member: Membership) -> str:
    return member.user.name_and_email


def _unfit_label(member: Membership) -> str:
    why = _("e-mail not verified") if member.is_current else _("deactivated")
    return f"{recipient_label(member)} ({why})"


_SWITCH_ORDER = {cell: place for place, cell in enumerate(CHANNEL_SWITCHES)}


def choice_label(channel: str, key: str) -> str:
    """Return the name of a topic or of a channel's switch."""
    if key in TOPICS:
        return str(TOPICS[key].label)
    switch = CHANNEL_SWITCHES.get((channel, key))
    return str(switch.label) if switch else key


def place_of(cell: Cell) -> tuple[int, bool, int]:
    """Return where the page has the cell: by channel, its switches first."""
    channel, key = cell
    is_topic = key in TOPICS
    place = [*TOPICS].index(key) if is_topic else _SWITCH_ORDER.get(cell, 0)
    return CHANNEL_KEYS.index(channel), is_topic, place


class PreferencesForm(forms.Form):
    """The cells of one channel, from the registry of switches and topics.

    Each cell carries what was shown (`initial-…`): only what this person changed counts,
    whatever happened elsewhere since the page was opened. A script that posts without it
    is measured by what is stored.
    """

    left_out: frozenset[Cell] = frozenset()

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        *,
        channel: str,
        wishes: Wishes,
        groups: Sequence[TopicGroup],
    ) -> None:
        super().__init__(data, prefix=channel)
        self.channel = channel
        self.wishes = wishes
        self.topics = {topic.key: topic for group in groups for topic in group.topics}
        self.switch_names = [
            part
            for of, part in CHANNEL_SWITCHES
            if of == channel and (of, part) not in self.left_out
        ]
        for part in self.switch_names:
            switch = CHANNEL_SWITCHES[channel, part]
            if switch.is_tick:
                self._add(part, switch.label, switch.description, "check")
            else:
                self._add(part, switch.label, switch.description, "switch", role="switch")
        for topic in self.topics.values():
            self._add(topic.key, topic.label, topic.description, "check", **{"data-topic": True})

    def _add(self, key: str, label: Any, text: Any, css: str, **attrs: Any) -> None:
        described = f"about-{self.add_prefix(key)}"
        attrs |= {"class": css, "aria-describedby": described, "data-cell": True}
        if (self.channel, key) not in OWN_ONLY:
            inherited = self.wishes.inherited(self.channel, key)
            attrs["data-inherited"] = "on" if inherited.is_on else "off"
        self.fields[key] = forms.BooleanField(
            required=False,
            label=str(label),
            help_text=str(text),
            initial=self.is_on(key),
            # What the account has locked is no answer of the member's, whatever is posted.
            disabled=self.wishes.is_locked(self.channel, key),
            show_hidden_initial=not self.is_bound or self._says_what_was_shown(key),
            widget=forms.CheckboxInput(attrs=attrs),
        )

    def _says_what_was_shown(self, key: str) -> bool:
        return self.add_initial_prefix(key) in self.data

    @property
    def was_on_the_page(self) -> bool:
        return any(map(self._says_what_was_shown, self.fields))

    def is_on(self, key: str) -> bool:
        return self.wishes.is_on(self.channel, key)

    def changes(self) -> dict[Cell, bool]:
        return {(self.channel, name): self.cleaned_data[name] for name in self.changed_data}
