"""The matrix of channels and topics as a page shows it: to its owner, as a profile that an
admin edits, or as somebody else's that an admin only looks at."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from django import forms
from django.http import Http404
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from notifications.channels import CHANNEL_KEYS, CHANNELS, EMAIL
from notifications.eligibility import Source, Wishes, switch_of
from notifications.endpoints.listing import EndpointList
from notifications.forms import PreferencesForm
from notifications.topics import LockedTopic, TopicGroup
from notifications.words import unsaved_words

# As the contract spells it; everywhere else it is e-mail.
_TABS = {EMAIL: gettext_lazy("Email")}


@dataclass(frozen=True, kw_only=True)
class Row:
    """A cell: a switch or a topic. `source`: who says so, in words; `is_own`: its owner does.
    `lock`: the box by which an admin locks it."""

    field: forms.BoundField
    source: str
    is_own: bool = False
    is_locked: bool = False
    lock: forms.BoundField | None = None
    keywords: str = ""


@dataclass(frozen=True, kw_only=True)
class GroupRows:
    key: str
    label: str
    topics: tuple[Row, ...]
    locked: tuple[LockedTopic, ...]

    @property
    def on(self) -> int:
        return sum(bool(topic.field.value()) for topic in self.topics)


@dataclass(frozen=True, kw_only=True)
class Tab:
    """`summary`: whose word most of it is; empty: nobody's but its owner's."""

    channel: str
    slug: str
    label: str | Promise
    url: str
    is_current: bool
    switches: tuple[Row, ...]
    groups: tuple[GroupRows, ...]
    summary: str = ""
    differing: int = 0
    how: str = ""
    endpoints: EndpointList | None = None
    devices: EndpointList | None = None

    @property
    def rows(self) -> tuple[Row, ...]:
        return self.switches + tuple(row for group in self.groups for row in group.topics)

    @property
    def devices_switch(self) -> str:
        """Return the id of the switch that the devices hang on."""
        name = switch_of(self.channel, own=False)
        return next(r.field.id_for_label for r in self.switches if r.field.name == name)


@dataclass(frozen=True, kw_only=True)
class Matrix:
    """How a page shows its cells. `url_of`: a tab's address; `row`: a cell's row."""

    current: str
    vendor: str
    groups: Sequence[TopicGroup]
    url_of: Callable[[str], str]
    row: Callable[[PreferencesForm, str], Row] = field(repr=False)

    def tab(self, form: PreferencesForm) -> Tab:
        slug = slug_of(form.channel)
        return Tab(
            channel=form.channel,
            slug=slug,
            label=_TABS.get(form.channel, CHANNELS[form.channel]),
            url=self.url_of(slug),
            is_current=slug == self.current,
            switches=tuple(self.row(form, name) for name in form.switch_names),
            groups=tuple(self._groups(form)),
        )

    def _groups(self, form: PreferencesForm) -> Iterable[GroupRows]:
        for group in self.groups:
            locked = tuple(row for row in group.locked if row.channel == form.channel)
            if group.topics or locked:
                yield GroupRows(
                    key=group.key,
                    label=str(group.label) % {"vendor": self.vendor},
                    topics=tuple(self.row(form, topic.key) for topic in group.topics),
                    locked=locked,
                )


def slug_of(channel: str) -> str:
    return channel.replace("_", "-")


def check_tab(slug: str) -> str:
    """Return the slug of a tab. Http404 if there is no such tab."""
    if slug not in map(slug_of, CHANNEL_KEYS):
        raise Http404
    return slug


def tab_words(
    tabs: Iterable[Tab], groups: Iterable[TopicGroup], *, beside: int = 0
) -> dict[str, object]:
    """Return what the script of the page says: every count that it can come to, in whole
    sentences of the language. `beside`: how much of the form stands on no tab."""
    cells = beside + sum(len(row.field.form.fields) for tab in tabs for row in tab.rows[:1])
    return {
        "unsaved_words": unsaved_words(cells),
        "counts": {group.key: _counts(len(group.topics)) for group in groups},
    }


def _counts(total: int) -> list[str]:
    words = _("%(on)d of %(total)d on")
    return [words % {"on": on, "total": total} for on in range(total + 1)]


# --- Of a member ------------------------------------------------------------------------------


def own_row(form: PreferencesForm, key: str) -> Row:
    """Return the row as its owner sees it."""
    return _row(form, key, own=_("Your choice"))


def others_row(form: PreferencesForm, key: str) -> Row:
    """Return the row as an admin sees it who looks at somebody's page."""
    return _row(form, key, own=_("Own choice"))


def _row(form: PreferencesForm, key: str, *, own: str) -> Row:
    wishes = form.wishes
    wish = wishes.wish(form.channel, key)
    topic = form.topics.get(key)
    return Row(
        field=form[key],
        source=_source_words(wishes, form.channel, key, own),
        is_own=wish.source == Source.OWN,
        is_locked=wish.source == Source.LOCKED,
        keywords=topic.keywords if topic else "",
    )


def _source_words(wishes: Wishes, channel: str, key: str, own: str) -> str:
    wish, inherited = wishes.wish(channel, key), wishes.inherited(channel, key)
    name = {"profile": wishes.profile.name if wishes.profile else ""}
    if wish.source == Source.LOCKED:
        words = (
            _("Required: profile “%(profile)s”") if wish.is_on else _("Off: profile “%(profile)s”")
        )
        return words % name
    if wish.source == Source.PROFILE:
        return _("Profile “%(profile)s”") % name
    if wish.source == Source.DEFAULT:
        return _("Default")
    if inherited.source == Source.DEFAULT or inherited.is_on == wish.is_on:
        return own
    words = _("%(own)s; on in the profile") if inherited.is_on else _("%(own)s; off in the profile")
    return words % {"own": own}


def summary_words(wishes: Wishes, channel: str, *, is_owner: bool) -> str:
    """Return "Default from profile X – you changed 2"; without a profile nothing."""
    if wishes.profile is None:
        return ""
    changed = sum(of == channel for of, _key in wishes.differing())
    values = {"profile": wishes.profile.name, "count": changed}
    if not changed:
        return _("Default from profile “%(profile)s”.") % values
    if is_owner:
        words = ngettext(
            "Default from profile “%(profile)s” – you changed %(count)d.",
            "Default from profile “%(profile)s” – you changed %(count)d.",
            changed,
        )
    else:
        words = ngettext(
            "Default from profile “%(profile)s” – %(count)d changed.",
            "Default from profile “%(profile)s” – %(count)d changed.",
            changed,
        )
    return words % values
