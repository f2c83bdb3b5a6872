"""The frame of every page: main navigation, settings sidebar, bell."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise, SimpleLazyObject
from django.utils.translation import gettext_lazy as _

from accounts.models import Membership
from notifications.channels.web_push import application_server_key
from notifications.inbox.selectors import bell
from notifications.selectors import topic_groups


@dataclass(frozen=True, kw_only=True)
class Entry:
    label: str | Promise
    url: str
    is_current: bool


@dataclass(frozen=True, kw_only=True)
class Group:
    key: str
    label: str | Promise
    entries: tuple[Entry, ...]


_Links = tuple[tuple[str, str | Promise], ...]
_MAIN: _Links = (
    ("notifications:inbox", _("Inbox")),
    ("partners:leads", _("Leads")),
    ("partners:deals", _("Deals")),
    ("notifications:activity", _("Activity")),
    ("notifications:deliveries", _("Deliveries")),
)
_OWN = _("Your preferences")
_WHEN, _PROFILES = "notifications:when", "notifications:profiles"
_PREFERENCES: _Links = (
    ("accounts:profile", _("Profile")),
    ("accounts:security", _("Security")),
    ("notifications:preferences_start", _("Notifications")),
    (_WHEN, _("When")),
    ("notifications:endpoints", _("Apps and devices")),
)
_ACCOUNT: _Links = (
    ("notifications:users", _("Users")),
    (_PROFILES, _("Notification profiles")),
)
_PARTNERS: _Links = (("notifications:communication", _("Communication")),)


# Pages that belong to an entry of the sidebar without lying under its address.
_ALSO = {"accounts:security": "/accounts/"}


def frame(request: HttpRequest) -> dict[str, Any]:
    """Return what base.html shows around a page. The bell costs 1 query, when shown."""
    membership: Membership | None = getattr(request, "membership", None)
    return {
        "main_nav": _entries(_main_links(request, membership), request.path),
        "settings_nav": tuple(_settings_groups(request.path, membership)),
        "settings_url": reverse("accounts:profile"),
        "bell": SimpleLazyObject(lambda: bell(membership)) if membership else None,
        "bell_poll_seconds": settings.BELL_POLL_SECONDS,
        "push_key": application_server_key(),
    }


def _main_links(request: HttpRequest, membership: Membership | None) -> _Links:
    if membership:
        return _MAIN
    user = getattr(request, "user", None)
    # An operator without an account reads with the vendor's eyes, but is told nothing.
    return _MAIN[1:] if user and user.is_staff else ()


def _settings_groups(path: str, membership: Membership | None) -> Iterable[Group]:
    if membership is None:
        yield Group(key="own", label=_OWN, entries=_entries(_PREFERENCES[:2], path))
        return
    is_partner = membership.account.is_partner
    hidden = set() if is_partner else {_PROFILES}
    # Of the vendor's people only partner managers are told anything.
    hidden |= set() if topic_groups(membership) else {_WHEN}
    for key, label, links in (("own", _OWN, _PREFERENCES), ("account", _("Account"), _ACCOUNT)):
        shown = tuple(link for link in links if link[0] not in hidden)
        yield Group(key=key, label=label, entries=_entries(shown, path))
    if is_partner:
        yield Group(key="partners", label=_("Partners"), entries=_entries(_PARTNERS, path))


def _entries(links: _Links, path: str) -> tuple[Entry, ...]:
    return tuple(
        Entry(label=label, url=url, is_current=path.startswith((url, _ALSO.get(name, url))))
        for name, label, url in ((name, label, reverse(name)) for name, label in links)
    )
